//! The Graph permissions for changes, any one of which is enough.

/// Returns the permissions of which an application needs one for a change; none for what the lab lets every application do. Below
/// the version, with keys in any form.
pub(crate) fn needed(method: &str, path: &[&str]) -> &'static [&'static str] {
    if method == "GET" {
        return &[];
    }
    match path {
        ["domains", ..] => &["Domain.ReadWrite.All"],
        ["users", _, "authentication", "requirements"] => &["Policy.ReadWrite.AuthenticationMethod"],
        ["users", _, "revokeSignInSessions"] => {
            &["User.ReadWrite.All", "Directory.ReadWrite.All", "User.RevokeSessions.All"]
        }
        ["users", _] if method == "PATCH" => &[
            "User.ReadWrite.All",
            "Directory.ReadWrite.All",
            "User-PasswordProfile.ReadWrite.All",
            "User-Mail.ReadWrite.All",
            "User.EnableDisableAccount.All",
        ],
        ["users", _] | ["directory", "deletedItems", ..] => {
            &["User.ReadWrite.All", "Directory.ReadWrite.All", "User.DeleteRestore.All"]
        }
        ["users", ..] => &["User.ReadWrite.All", "Directory.ReadWrite.All"],
        ["roleManagement" | "directoryRoles", ..] => &["RoleManagement.ReadWrite.Directory"],
        ["organization", ..] => &["Organization.ReadWrite.All"],
        // What an application was granted is a right of its own, which the lab's application does not have.
        ["servicePrincipals", _, "appRoleAssignments", ..] => &[],
        ["applications" | "servicePrincipals", ..] => {
            &["Application.ReadWrite.All", "Application.ReadWrite.OwnedBy"]
        }
        _ => &[],
    }
}

/// Returns true if somebody with those permissions may do that.
pub(crate) fn suffice<T: AsRef<str>>(granted: &[T], method: &str, path: &[&str]) -> bool {
    let needed = needed(method, path);
    needed.is_empty() || granted.iter().any(|one| needed.contains(&one.as_ref()))
}
