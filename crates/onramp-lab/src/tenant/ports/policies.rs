//! The policies about second factors, and the tenant's password protection.

use async_trait::async_trait;
use onramp_core::tenant::{
    ConditionalAccessPolicy, MfaState, PasswordProtection, PasswordProtectionSettings, PolicySubject,
    RoleTemplateId, SecondFactor,
};
use onramp_core::{ObjectId, Result};

use super::{Operation, Ports};
use crate::tenant::data::organization::ConditionalAccess;
use crate::tenant::data::state::State;

/// Everything that can make the tenant ask a user for a second factor.
pub(super) fn second_factor(state: &State, user: &ObjectId, per_user: MfaState) -> SecondFactor {
    let id = user.to_string();
    let roles = state.role_assignments.iter().filter(|held| held.principal_id == id);
    let roles = roles.filter_map(|held| ObjectId::parse(&held.role_id).ok()).map(RoleTemplateId::new);
    all_for(state, &PolicySubject::new(*user).with_roles(roles), per_user)
}

/// Everything that the tenant will ask of an account that is still to be created.
pub(super) fn for_newcomers(state: &State, roles: &[RoleTemplateId]) -> SecondFactor {
    let subject = PolicySubject::new_account().with_roles(roles.iter().copied());
    all_for(state, &subject, MfaState::Disabled)
}

fn all_for(state: &State, subject: &PolicySubject, per_user: MfaState) -> SecondFactor {
    let mut all = SecondFactor::default();
    all.per_user = Some(per_user);
    all.security_defaults = Some(state.security_defaults);
    let policies = state.conditional_access.iter().map(policy);
    all.policies = Some(policies.filter_map(|policy| policy.applies_to(subject)).collect());
    all
}

fn policy(model: &ConditionalAccess) -> ConditionalAccessPolicy {
    let mut policy = ConditionalAccessPolicy::default();
    policy.id.clone_from(&model.id);
    policy.name.clone_from(&model.name);
    policy.is_enabled = model.state == "enabled";
    policy.include_users = model.users();
    policy.include_roles.clone_from(&model.included_roles);
    policy.exclude_users.clone_from(&model.excluded);
    policy.include_applications = vec!["All".to_owned()];
    policy.is_conditional = model.at_risk;
    policy.controls = vec![model.control.to_owned()];
    policy
}

#[async_trait]
impl PasswordProtection for Ports {
    async fn read(&self) -> Result<PasswordProtectionSettings> {
        let operation = Operation::new("GET", "/v1.0/groupSettings", "read the tenant's password rules", "");
        self.run(&operation, |state, _| Ok(state.password_rules.clone().unwrap_or_default())).await
    }
}
