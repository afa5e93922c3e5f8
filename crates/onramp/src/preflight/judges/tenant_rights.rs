//! The rights of the access token for each step.

use onramp_core::tenant::{CallerRights, RoleTemplateId};

use crate::preflight::catalog::{
    TENANT_RIGHTS_ACCOUNT, TENANT_RIGHTS_DOMAIN, TENANT_RIGHTS_READ, TENANT_RIGHTS_SYNC,
};
use crate::preflight::item::{Judged, Verdict};
use crate::preflight::scope::PreflightScope;

/// A permission of Graph that a step needs, and others that include it.
type Need = &'static [&'static str];

// Delegated and application permissions of the same name; the least one first.
const READ: &[Need] = &[
    &["Domain.Read.All", "Domain.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"],
    &["User.Read.All", "User.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"],
    &["Organization.Read.All", "Organization.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"],
];
const DOMAIN: &[Need] = &[&["Domain.ReadWrite.All"]];
const SYNC: &[Need] = &[&["Organization.ReadWrite.All"]];
const ACCOUNT: &[Need] = &[
    &["User.ReadWrite.All", "Directory.ReadWrite.All"],
    &["RoleManagement.ReadWrite.Directory"],
    &["Policy.ReadWrite.AuthenticationMethod"],
];
const NEW_PASSWORD: &[Need] = &[&["User-PasswordProfile.ReadWrite.All", "Directory.AccessAsUser.All"]];
/// The permission to do whatever the signed-in user may do.
const AS_USER: &str = "Directory.AccessAsUser.All";

const GLOBAL: RoleTemplateId = RoleTemplateId::GLOBAL_ADMINISTRATOR;
const DOMAIN_ROLES: &[RoleTemplateId] = &[RoleTemplateId::DOMAIN_NAME_ADMINISTRATOR, GLOBAL];
const SYNC_ROLES: &[RoleTemplateId] = &[RoleTemplateId::HYBRID_IDENTITY_ADMINISTRATOR, GLOBAL];
const ROLE_ROLES: &[RoleTemplateId] = &[RoleTemplateId::PRIVILEGED_ROLE_ADMINISTRATOR, GLOBAL];
const USER_ROLES: &[RoleTemplateId] =
    &[RoleTemplateId::USER_ADMINISTRATOR, RoleTemplateId::PRIVILEGED_AUTHENTICATION_ADMINISTRATOR, GLOBAL];

pub(in crate::preflight) const IDS: [&str; 4] =
    [TENANT_RIGHTS_READ, TENANT_RIGHTS_DOMAIN, TENANT_RIGHTS_SYNC, TENANT_RIGHTS_ACCOUNT];

/// Judges the rights for each step of the job.
pub(in crate::preflight) fn judge(rights: &CallerRights, scope: &PreflightScope) -> Vec<Judged> {
    let mut items = vec![
        (TENANT_RIGHTS_READ, step(rights, READ, &[])),
        (TENANT_RIGHTS_DOMAIN, step(rights, DOMAIN, &[DOMAIN_ROLES])),
    ];
    if scope.sync {
        items.push((TENANT_RIGHTS_SYNC, step(rights, SYNC, &[SYNC_ROLES])));
    }
    if scope.service_account.is_some() {
        let mut needs = ACCOUNT.to_vec();
        needs.extend(scope.new_password.then_some(NEW_PASSWORD).into_iter().flatten());
        items.push((TENANT_RIGHTS_ACCOUNT, step(rights, &needs, &[USER_ROLES, ROLE_ROLES])));
    }
    items
}

fn step(rights: &CallerRights, needs: &[Need], roles: &[&[RoleTemplateId]]) -> Verdict {
    let granted = rights.permissions();
    let has = |permission: &str| granted.iter().any(|one| one.eq_ignore_ascii_case(permission));
    let is_user = matches!(rights, CallerRights::User { .. });
    let missing = |need: &Need| !(need.iter().any(|one| has(one)) || is_user && has(AS_USER));
    let mut lacking: Vec<String> = needs
        .iter()
        .filter(|need| missing(need))
        .filter_map(|need| need.first())
        .map(|least| format!("the permission {least}"))
        .collect();
    if let CallerRights::User { roles: held, .. } = rights {
        let Some(held) = held else {
            if lacking.is_empty() && !roles.is_empty() {
                return Verdict::cannot_tell("the token does not show the directory roles of the user");
            }
            return verdict(&lacking, granted);
        };
        let missing = roles.iter().filter(|any| !any.iter().any(|role| held.contains(role)));
        lacking.extend(missing.filter_map(|any| any.first()).map(|least| format!("the role {least}")));
    }
    verdict(&lacking, granted)
}

fn verdict(lacking: &[String], granted: &[String]) -> Verdict {
    if lacking.is_empty() {
        return Verdict::pass(format!("the token has {} permissions, these among them", granted.len()));
    }
    let mut has = granted.to_vec();
    has.sort_unstable();
    let has = if has.is_empty() { "none".to_owned() } else { has.join(", ") };
    Verdict::fail(format!("the token lacks {}; its permissions: {has}", lacking.join(", ")))
}
