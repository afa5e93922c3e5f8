//! The programs and packages that a forest needs.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::ForestError;

/// The Debian packages that contain every program of a forest.
pub const PACKAGES: &[&str] = &[
    "samba",
    "samba-ad-dc",
    "samba-ad-provision",
    "samba-dsdb-modules",
    "winbind",
    "ldap-utils",
    "ldb-tools",
    "python3-samba",
    "krb5-user",
    "iproute2",
    "dnsutils",
];

const PROGRAMS: &[&str] = &[
    "samba",
    "samba-tool",
    "ldapsearch",
    "ldapmodify",
    "ldbadd",
    "ldbmodify",
    "kinit",
    "ip",
    "unshare",
    "mount",
    "hostname",
    "timeout",
];

/// Data files without which provisioning fails, and the packages that contain them.
const DATA: &[(&str, &str)] = &[("/usr/share/samba/setup", "samba-ad-provision")];

/// Fails if this process is not root or if a program is missing, before anything is made.
pub(super) fn check() -> Result<(), ForestError> {
    // The files of /proc/self belong to the user that this process runs as.
    if std::fs::metadata("/proc/self").map_err(ForestError::io("reading /proc/self"))?.uid() != 0 {
        return Err(ForestError::NotRoot);
    }
    let absent = PROGRAMS.iter().filter(|program| !is_installed(program));
    let data = DATA.iter().filter(|(path, _)| !Path::new(path).exists()).map(|(_, package)| package);
    let programs: Vec<&'static str> = absent.chain(data).copied().collect();
    if programs.is_empty() {
        Ok(())
    } else {
        Err(ForestError::MissingPrograms { programs, packages: PACKAGES })
    }
}

fn is_installed(program: &str) -> bool {
    // `samba` and `ip` are in /usr/sbin, which may be missing in PATH.
    let path = std::env::var_os("PATH").unwrap_or_default();
    let standard = ["/usr/sbin", "/usr/bin", "/sbin", "/bin"].map(std::path::PathBuf::from);
    std::env::split_paths(&path).chain(standard).any(|folder| folder.join(program).is_file())
}
