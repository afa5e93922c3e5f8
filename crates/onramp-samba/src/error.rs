//! Why a forest could not be started or used.

use std::time::Duration;

use super::ldif::LdifError;

/// Why a forest could not be started or used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ForestError {
    /// Network namespaces and mounts need root.
    #[error("a Samba forest needs root: it makes network namespaces and mounts; run this test as root")]
    NotRoot,
    /// Programs that are not installed.
    #[error("not installed: {}; on Debian: apt-get install --no-install-recommends {}", programs.join(", "), packages.join(" "))]
    MissingPrograms {
        /// The programs looked for in vain.
        programs: Vec<&'static str>,
        /// The Debian packages that carry all programs a forest needs.
        packages: &'static [&'static str],
    },
    /// A program ended with an error.
    #[error("{program} failed ({}) while {doing}: {output}", code.map_or_else(|| "killed".to_owned(), |code| format!("code {code}")))]
    Program {
        /// Name of the program.
        program: String,
        /// What it was to do.
        doing: String,
        /// Its exit code; the programs of OpenLDAP give the LDAP result code. `None` if a signal ended it.
        code: Option<i32>,
        /// What it wrote to its error output.
        output: String,
    },
    /// Something did not happen in time.
    #[error("waited {} s for {what} in vain: {last}", limit.as_secs())]
    TimedOut {
        /// What was waited for.
        what: String,
        /// How long.
        limit: Duration,
        /// What was seen last.
        last: String,
    },
    /// The operating system refused something.
    #[error("{doing}: {source}")]
    Io {
        /// What was being done.
        doing: String,
        /// The system's own error.
        source: std::io::Error,
    },
    /// There is no controller with this index.
    #[error("there is no controller {index}: the forest has {count}, counted from 0")]
    NoController {
        /// The index asked for.
        index: usize,
        /// How many there are.
        count: usize,
    },
    /// Every address range is taken by another forest.
    #[error("all {count} address ranges are taken by other forests on this machine")]
    NoAddressRange {
        /// How many ranges there are.
        count: usize,
    },
    /// A certificate could not be made.
    #[error("making a certificate")]
    Certificate(#[from] rcgen::Error),
    /// The output of `ldapsearch` could not be read.
    #[error("reading the output of ldapsearch: {0}")]
    Ldif(#[from] LdifError),
}

impl ForestError {
    /// The LDAP result code, if a program of OpenLDAP was refused by the controller.
    #[must_use]
    pub fn ldap_code(&self) -> Option<i32> {
        match self {
            Self::Program { program, code, .. } if program.starts_with("ldap") => *code,
            _ => None,
        }
    }

    /// Makes the closure that says what was being done when the system refused.
    pub(super) fn io(doing: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let doing = doing.into();
        move |source| Self::Io { doing, source }
    }
}
