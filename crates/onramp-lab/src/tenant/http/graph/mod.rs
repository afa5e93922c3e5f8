//! Microsoft Graph: which operation a request is, and the operations, a file for each collection.

mod applications;
mod delta;
mod directory_roles;
mod domains;
mod group_settings;
mod organization;
mod policies;
mod roles;
mod users;

pub(super) use self::users::read_patch;
use crate::tenant::data::refusal::{Outcome, Refusal};
use crate::tenant::data::state::State;
use crate::tenant::http::exchange::{Answer, Exchange};
use crate::tenant::http::percent::decode;

pub(super) fn dispatch(ex: &Exchange, state: &mut State) -> Outcome<Answer> {
    let path: Vec<&str> = ex.path.iter().map(String::as_str).collect();
    match path.as_slice() {
        ["domains", rest @ ..] => domain_operation(ex, state, rest),
        ["users" | "me", ..] => user_operation(ex, state, &path),
        ["directory", "deletedItems", rest @ ..] => deleted_operation(ex, state, rest),
        ["roleManagement", "directory", rest @ ..] => role_operation(ex, state, rest),
        [name, rest @ ..] if name.starts_with("directoryRole") => {
            directory_role_operation(ex, state, name, rest)
        }
        ["applications" | "servicePrincipals", ..] => application_operation(ex, state, &path),
        _ => tenant_operation(ex, state, &path),
    }
}

fn domain_operation(ex: &Exchange, state: &mut State, path: &[&str]) -> Outcome<Answer> {
    match (ex.method.as_str(), path) {
        ("GET", []) => domains::list(ex, state),
        ("POST", []) => domains::add(ex, state),
        ("GET", [name]) => domains::get(ex, state, name),
        ("PATCH", [name]) => domains::update(ex, state, name),
        ("DELETE", [name]) => domains::delete(ex, state, name),
        ("POST", [name, "verify"]) => domains::verify(ex, state, name),
        ("POST", [name, "forceDelete"]) => domains::force_delete(ex, state, name),
        ("GET", [name, "verificationDnsRecords"]) => domains::verification_records(ex, state, name),
        ("GET", [name, "serviceConfigurationRecords"]) => domains::service_records(ex, state, name),
        ("GET", [name, "domainNameReferences"]) => domains::references(ex, state, name),
        ("GET", [name, "rootDomain"]) => domains::root(ex, state, name),
        _ => Err(no_such_operation(ex)),
    }
}

fn user_operation(ex: &Exchange, state: &mut State, path: &[&str]) -> Outcome<Answer> {
    match (ex.method.as_str(), path) {
        ("GET", ["users"]) => users::list(ex, state),
        ("POST", ["users"]) => users::create(ex, state),
        ("GET", ["users", "delta"]) => delta::users(ex, state),
        ("GET", ["users", "$count"]) => users::count(ex, state),
        ("GET", ["me"]) => users::get(ex, state, &users::me(ex)?),
        ("POST", ["me", "changePassword"]) => users::change_own_password(ex, state),
        ("GET", ["users", key]) => users::get(ex, state, key),
        ("PATCH", ["users", key]) => users::update(ex, state, key),
        ("DELETE", ["users", key]) => users::delete(ex, state, key),
        ("POST", ["users", key, "revokeSignInSessions"]) => users::revoke_sessions(ex, state, key),
        // Version 1.0 does not know the per-user state.
        ("GET", ["users", key, "authentication", "requirements"]) if ex.beta => users::mfa(ex, state, key),
        ("PATCH", ["users", key, "authentication", "requirements"]) if ex.beta => {
            users::set_mfa(ex, state, key)
        }
        ("GET", ["users", key, "authentication", "methods"]) => users::methods(ex, state, key),
        ("GET", ["users", key, "transitiveMemberOf", "graph.group"]) => roles::groups_of_user(ex, state, key),
        ("GET", ["users", key, "transitiveMemberOf", "graph.directoryRole"]) => {
            roles::roles_of_user(ex, state, key)
        }
        _ => Err(no_such_operation(ex)),
    }
}

fn deleted_operation(ex: &Exchange, state: &mut State, path: &[&str]) -> Outcome<Answer> {
    match (ex.method.as_str(), path) {
        ("GET", ["graph.user"]) => users::list_deleted(ex, state),
        ("GET", [id]) => users::get_deleted(ex, state, id),
        ("POST", [id, "restore"]) => users::restore(ex, state, id),
        ("DELETE", [id]) => state.purge_user(id).map(|()| Answer::no_content()),
        _ => Err(no_such_operation(ex)),
    }
}

fn directory_role_operation(ex: &Exchange, state: &mut State, name: &str, path: &[&str]) -> Outcome<Answer> {
    match (ex.method.as_str(), name, path) {
        ("GET", "directoryRoleTemplates", []) => directory_roles::templates(ex),
        ("GET", "directoryRoles", []) => directory_roles::list(ex, state),
        ("POST", "directoryRoles", []) => directory_roles::activate(ex, state),
        ("GET", "directoryRoles", [id]) => directory_roles::get(ex, state, id),
        ("GET", "directoryRoles", [id, "members"]) => directory_roles::members(ex, state, id),
        ("POST", "directoryRoles", [id, "members", "$ref"]) => directory_roles::add_member(ex, state, id),
        ("DELETE", "directoryRoles", [id, "members", member, "$ref"]) => {
            directory_roles::remove_member(state, id, member)
        }
        _ => Err(no_such_operation(ex)),
    }
}

fn role_operation(ex: &Exchange, state: &mut State, path: &[&str]) -> Outcome<Answer> {
    if state.legacy_roles_only {
        return Err(Refusal::new(400, "BadRequest", "Resource not found for the segment 'roleManagement'."));
    }
    match (ex.method.as_str(), path) {
        ("GET", ["roleDefinitions"]) => roles::role_definitions(ex),
        ("GET", ["roleDefinitions", id]) => roles::role_definition(ex, state, id),
        ("GET", ["roleAssignments"]) => roles::role_assignments(ex, state),
        ("POST", ["roleAssignments"]) => roles::assign_role(ex, state),
        ("GET", ["roleAssignments", id]) => roles::role_assignment(ex, state, id),
        ("DELETE", ["roleAssignments", id]) => roles::unassign_role(state, id),
        ("GET", ["roleEligibilityScheduleInstances"]) => roles::eligibility(ex, state),
        _ => Err(no_such_operation(ex)),
    }
}

fn application_operation(ex: &Exchange, state: &mut State, path: &[&str]) -> Outcome<Answer> {
    match (ex.method.as_str(), path) {
        ("GET", ["applications"]) => applications::list(ex, state),
        ("POST", ["applications"]) => applications::create(ex, state),
        ("GET", ["applications", key]) => applications::get(ex, state, key),
        ("PATCH", ["applications", key]) => applications::update(ex, state, key),
        ("DELETE", ["applications", key]) => applications::delete(ex, state, key),
        ("GET", ["servicePrincipals"]) => applications::list_principals(ex, state),
        ("POST", ["servicePrincipals"]) => applications::create_principal(ex, state),
        ("GET", ["servicePrincipals", key]) => applications::get_principal(ex, state, key),
        ("DELETE", ["servicePrincipals", key]) => applications::delete_principal(ex, state, key),
        ("GET", ["servicePrincipals", key, "appRoleAssignments"]) => {
            applications::list_grants(ex, state, key)
        }
        ("POST", ["servicePrincipals", _, "appRoleAssignments"]) => applications::grant(ex, state),
        ("DELETE", ["servicePrincipals", key, "appRoleAssignments", id]) => {
            applications::revoke(ex, state, key, id)
        }
        _ => Err(no_such_operation(ex)),
    }
}

fn tenant_operation(ex: &Exchange, state: &mut State, path: &[&str]) -> Outcome<Answer> {
    match (ex.method.as_str(), path) {
        ("GET", ["organization"]) => organization::organization(ex, state),
        ("GET", ["organization", id]) => organization::one_organization(ex, state, id),
        ("PATCH", ["organization", id]) => organization::update_organization(ex, state, id),
        ("GET", ["directory", "onPremisesSynchronization"]) => organization::synchronization(ex, state),
        ("GET", ["directory", "onPremisesSynchronization", id]) => {
            organization::one_synchronization(ex, state, id)
        }
        ("PATCH", ["directory", "onPremisesSynchronization", id]) => {
            organization::update_synchronization(ex, state, id)
        }
        ("GET", ["groupSettings"]) => group_settings::list(ex, state),
        ("GET", ["policies", "identitySecurityDefaultsEnforcementPolicy"]) => {
            policies::security_defaults(ex, state)
        }
        ("PATCH", ["policies", "identitySecurityDefaultsEnforcementPolicy"]) => {
            policies::set_security_defaults(ex, state)
        }
        ("GET", ["identity", "conditionalAccess", "policies"]) => policies::conditional_access(ex, state),
        ("GET", ["identity", "conditionalAccess", "policies", id]) => policies::one_policy(ex, state, id),
        _ => Err(no_such_operation(ex)),
    }
}

fn no_such_operation(ex: &Exchange) -> Refusal {
    match ex.path.first() {
        Some(segment) => Refusal::new(
            400,
            "BadRequest",
            format!("Resource not found for the segment '{segment}', or it does not take this method."),
        ),
        None => Refusal::new(400, "BadRequest", "Invalid request."),
    }
}

/// Returns the decoded segments of a path, with keys in parentheses brought into the usual form: `users('a')` is `users/a`,
/// `applications(appId='b')` is `applications/appId=b`, and `microsoft.graph.x` is `graph.x`.
pub(super) fn segments(path: &str) -> Vec<String> {
    let mut segments = Vec::new();
    for segment in path.split('/').filter(|segment| !segment.is_empty()).map(decode) {
        let segment = segment.as_str();
        match segment.strip_suffix(')').and_then(|rest| rest.split_once('(')) {
            Some((name, "")) => segments.push(name.to_owned()),
            Some((name, key)) => {
                segments.push(name.to_owned());
                let (label, value) = match key.split_once('=') {
                    Some((label, value)) if value.starts_with('\'') => (format!("{label}="), value),
                    _ => (String::new(), key),
                };
                let value = value.strip_prefix('\'').and_then(|v| v.strip_suffix('\'')).unwrap_or(value);
                segments.push(label + &value.replace("''", "'"));
            }
            None => segments.push(
                segment
                    .strip_prefix("microsoft.")
                    .filter(|rest| rest.starts_with("graph."))
                    .unwrap_or(segment)
                    .to_owned(),
            ),
        }
    }
    segments
}

#[cfg(test)]
mod tests {
    use super::segments;

    #[test]
    fn keys_in_parentheses_are_keys() {
        assert_eq!(segments("/users/a@b.example"), ["users", "a@b.example"]);
        assert_eq!(segments("/users('o''neil@b.example')"), ["users", "o'neil@b.example"]);
        assert_eq!(segments("/applications(appId='12')"), ["applications", "appId=12"]);
        assert_eq!(
            segments("/directory/deletedItems/microsoft.graph.user"),
            ["directory", "deletedItems", "graph.user"]
        );
        assert_eq!(segments("/users/delta()"), ["users", "delta"]);
    }

    proptest::proptest! {
        #[test]
        fn any_path_has_segments(path in "[a-z/()'=.$]{0,40}") {
            let _ = segments(&path);
        }
    }
}
