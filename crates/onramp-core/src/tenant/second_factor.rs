//! The prediction of a second factor, from all settings that decide about it.

use serde::{Deserialize, Serialize};

use super::{MfaState, RoleTemplateId};
use crate::ObjectId;

/// Everything known that can make Entra ask one user for a second factor, or keep it out. `None` is "not known",
/// usually because the caller may not read it.
///
/// Beside all of this, Azure asks every *user* for a second factor before it changes anything through Azure Resource
/// Manager, whatever the tenant's policies say. Applications are exempt.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SecondFactor {
    /// The per-user state.
    pub per_user: Option<MfaState>,
    /// The state of security defaults. They ask administrators at every sign-in and everybody who uses Azure;
    /// the account of Entra Connect is exempt.
    pub security_defaults: Option<bool>,
    /// The conditional access policies in force that concern the user.
    pub policies: Option<Vec<PolicyInForce>>,
}

/// A conditional access policy that concerns a user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PolicyInForce {
    /// ID of the policy.
    pub id: String,
    /// The display name.
    pub name: String,
    /// The requirement.
    pub demand: PolicyDemand,
    /// True if it depends on more than user and application (place, device, risk, kind of client), so that it may not
    /// strike every time.
    pub conditional: bool,
}

/// The requirement of a conditional access policy that a program cannot meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum PolicyDemand {
    /// A second factor, or an authentication strength that implies one.
    SecondFactor,
    /// The sign-in is refused.
    Block,
    /// Something else: a compliant or joined device, terms of use, a changed password.
    Other,
}

/// The certainty of a prediction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Certainty {
    /// Yes.
    Yes,
    /// Not because of anything that was read, and all of it was.
    No,
    /// Dependent on the circumstances of the sign-in, or on something that could not be read.
    Unknown,
}

impl SecondFactor {
    /// Predicts if a sign-in of this user with nothing but name and password will fail.
    ///
    /// ```
    /// use onramp_core::tenant::{Certainty, MfaState, SecondFactor};
    /// let mut all = SecondFactor::default();
    /// assert_eq!(all.breaks_password_sign_in(), Certainty::Unknown);
    /// all.per_user = Some(MfaState::Disabled);
    /// all.security_defaults = Some(false);
    /// all.policies = Some(Vec::new());
    /// assert_eq!(all.breaks_password_sign_in(), Certainty::No);
    /// all.per_user = Some(MfaState::Enforced);
    /// assert_eq!(all.breaks_password_sign_in(), Certainty::Yes);
    /// ```
    pub fn breaks_password_sign_in(&self) -> Certainty {
        let policies = self.policies.as_deref();
        let certain = self.per_user.is_some_and(|state| state != MfaState::Disabled)
            || policies.is_some_and(|all| all.iter().any(|policy| !policy.conditional));
        if certain {
            return Certainty::Yes;
        }
        let nothing = self.per_user == Some(MfaState::Disabled)
            && self.security_defaults == Some(false)
            && policies.is_some_and(<[_]>::is_empty);
        if nothing { Certainty::No } else { Certainty::Unknown }
    }
}

/// The sign-in that a conditional access policy is evaluated for.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PolicySubject {
    /// The user.
    pub user: ObjectId,
    /// Roles that the user holds.
    pub roles: Vec<RoleTemplateId>,
    /// Groups that the user is in, directly or through others.
    pub groups: Vec<ObjectId>,
    /// Application IDs of what is signed in to.
    pub applications: Vec<ObjectId>,
}

impl PolicySubject {
    /// Application ID of Microsoft Graph.
    pub const GRAPH: ObjectId = ObjectId::from_u128(0x00000003_0000_0000_c000_000000000000);
    /// Application ID of Azure Resource Manager.
    pub const AZURE: ObjectId = ObjectId::from_u128(0x797f4846_ba00_4fd7_ba43_dac1f8f63013);

    /// A user without roles and groups who signs in to Graph and to Azure.
    pub fn new(user: ObjectId) -> Self {
        Self { user, roles: Vec::new(), groups: Vec::new(), applications: vec![Self::GRAPH, Self::AZURE] }
    }

    /// An account that does not exist yet, without roles and groups: no policy can name it.
    pub fn new_account() -> Self {
        Self::new(ObjectId::from_u128(0))
    }

    /// With roles.
    #[must_use]
    pub fn with_roles(mut self, roles: impl IntoIterator<Item = RoleTemplateId>) -> Self {
        self.roles.extend(roles);
        self
    }

    /// With groups.
    #[must_use]
    pub fn with_groups(mut self, groups: impl IntoIterator<Item = ObjectId>) -> Self {
        self.groups.extend(groups);
        self
    }
}

/// A conditional access policy, as far as it decides whether a program can sign in. The names are those of Graph's
/// `conditionalAccessPolicy`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ConditionalAccessPolicy {
    /// ID.
    pub id: String,
    /// Display name.
    pub name: String,
    /// Returns true if it is in force: neither off nor only reporting.
    pub is_enabled: bool,
    /// `includeUsers`: IDs, or `All`, `None`, `GuestsOrExternalUsers`.
    pub include_users: Vec<String>,
    /// `excludeUsers`.
    pub exclude_users: Vec<String>,
    /// `includeGroups`.
    pub include_groups: Vec<String>,
    /// `excludeGroups`.
    pub exclude_groups: Vec<String>,
    /// `includeRoles`, by template ID.
    pub include_roles: Vec<String>,
    /// `excludeRoles`, by template ID.
    pub exclude_roles: Vec<String>,
    /// `includeApplications`: application IDs, or `All`, `None`, `Office365`, `MicrosoftAdminPortals`.
    pub include_applications: Vec<String>,
    /// `excludeApplications`.
    pub exclude_applications: Vec<String>,
    /// Returns true if it has further conditions: places, platforms, risk, device filters, kinds of client.
    pub is_conditional: bool,
    /// `builtInControls` of `grantControls`, such as `mfa` and `block`.
    pub controls: Vec<String>,
    /// Returns true if an authentication strength is required.
    pub authentication_strength: bool,
}

impl ConditionalAccessPolicy {
    /// Returns the requirement for that sign-in; `None` if it is not in force, does not concern it or grants it.
    ///
    /// Exclusion wins over inclusion, as Entra has it. A name that is not an ID and is not known (a new kind of
    /// audience) counts as included, so that no policy is overlooked.
    pub fn applies_to(&self, subject: &PolicySubject) -> Option<PolicyInForce> {
        if !self.is_enabled || !self.concerns_user(subject) || !self.concerns_application(subject) {
            return None;
        }
        let demand = self.demand()?;
        let (id, name) = (self.id.clone(), self.name.clone());
        Some(PolicyInForce { id, name, demand, conditional: self.is_conditional })
    }

    fn concerns_user(&self, subject: &PolicySubject) -> bool {
        let is_user = |names: &[String], unknown: bool| {
            names.iter().any(|name| match name.as_str() {
                "All" => true,
                "None" | "GuestsOrExternalUsers" => false,
                name => ObjectId::parse(name).map_or(unknown, |id| id == subject.user),
            })
        };
        let among = |names: &[String], ids: &[ObjectId]| {
            names.iter().any(|name| ObjectId::parse(name).is_ok_and(|named| ids.contains(&named)))
        };
        let roles: Vec<ObjectId> = subject.roles.iter().map(|role| *role.id()).collect();
        let excluded = is_user(&self.exclude_users, false)
            || among(&self.exclude_groups, &subject.groups)
            || among(&self.exclude_roles, &roles);
        let included = is_user(&self.include_users, true)
            || among(&self.include_groups, &subject.groups)
            || among(&self.include_roles, &roles);
        included && !excluded
    }

    fn concerns_application(&self, subject: &PolicySubject) -> bool {
        // Groups of applications (Office 365, the admin portals) are none of those that a program signs in to here.
        let names = |names: &[String], id: &ObjectId| {
            names.iter().any(|name| name == "All" || ObjectId::parse(name).is_ok_and(|named| named == *id))
        };
        let struck =
            |id: &ObjectId| names(&self.include_applications, id) && !names(&self.exclude_applications, id);
        subject.applications.iter().any(struck)
    }

    fn demand(&self) -> Option<PolicyDemand> {
        let has = |control: &str| self.controls.iter().any(|c| c.eq_ignore_ascii_case(control));
        if has("block") {
            return Some(PolicyDemand::Block);
        }
        let factor = has("mfa") || self.authentication_strength;
        let others = self.controls.iter().any(|c| !c.eq_ignore_ascii_case("mfa"));
        match (factor, others) {
            // Also where something else would do instead: that is not in a program's hands either.
            (true, _) => Some(PolicyDemand::SecondFactor),
            (false, true) => Some(PolicyDemand::Other),
            (false, false) => None,
        }
    }
}
