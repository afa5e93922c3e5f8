//! The person who runs the program, for journals and approvals.

/// Returns the account and the host that run this program, as `nina@workstation`.
///
/// The operating system is asked, not an environment variable.
pub fn operator() -> String {
    let unknown = || "unknown".to_owned();
    let name = whoami::username().unwrap_or_else(|_| unknown());
    let host = whoami::hostname().unwrap_or_else(|_| unknown());
    format!("{name}@{host}")
}
