//! The errors of starting and using a forest.

use std::time::Duration;

use super::ldif::LdifError;

/// An error of starting or using a forest.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ForestError {
    /// The process does not run as root, which network namespaces and mounts need.
    #[error("a Samba forest needs root: it makes network namespaces and mounts; run this test as root")]
    NotRoot,
    /// Programs or their data files are not installed.
    #[error("not installed: {}; on Debian: apt-get install --no-install-recommends {}", programs.join(", "), packages.join(" "))]
    MissingPrograms {
        /// The missing programs, and the packages of missing data files.
        programs: Vec<&'static str>,
        /// The Debian packages that contain all programs of a forest.
        packages: &'static [&'static str],
    },
    /// A program ended with an error.
    #[error("{program} failed ({}) while {doing}: {output}", code.map_or_else(|| "killed".to_owned(), |code| format!("code {code}")))]
    Program {
        /// The name of the program.
        program: String,
        /// The purpose of the program.
        doing: String,
        /// The exit code, which is the LDAP result code for the programs of OpenLDAP. `None` if a signal ended the
        /// program.
        code: Option<i32>,
        /// The error output of the program, with a note if the time limit ended it.
        output: String,
    },
    /// An event did not happen in time.
    #[error("waited {} s for {what} in vain: {last}", limit.as_secs())]
    TimedOut {
        /// The event that was waited for.
        what: String,
        /// The time limit.
        limit: Duration,
        /// The result of the last attempt.
        last: String,
    },
    /// An operation of the operating system failed.
    #[error("{doing}: {source}")]
    Io {
        /// The action that failed.
        doing: String,
        /// The error of the operating system.
        source: std::io::Error,
    },
    /// There is no controller with this index.
    #[error("there is no controller {index}: the forest has {count}, counted from 0")]
    NoController {
        /// The index that was asked for.
        index: usize,
        /// The number of controllers.
        count: usize,
    },
    /// Every address range is taken by another forest.
    #[error("all {count} address ranges are taken by other forests on this machine")]
    NoAddressRange {
        /// The number of address ranges.
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
    /// Returns the LDAP result code, if a program of OpenLDAP failed.
    #[must_use]
    pub fn ldap_code(&self) -> Option<i32> {
        match self {
            Self::Program { program, code, .. } if program.starts_with("ldap") => *code,
            _ => None,
        }
    }

    /// Returns a closure that makes [`ForestError::Io`] from an error and the action that failed.
    pub(super) fn io(doing: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let doing = doing.into();
        move |source| Self::Io { doing, source }
    }
}
