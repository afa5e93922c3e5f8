//! The per-user multifactor authentication of an account.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The per-user multi-factor authentication state.
///
/// `Disabled` does not say that MFA will not be asked: security defaults and conditional access work apart from
/// it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum MfaState {
    /// Not asked for by this setting.
    Disabled,
    /// To be registered at next sign-in.
    Enabled,
    /// Asked at every sign-in.
    Enforced,
}

impl fmt::Display for MfaState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Disabled => "disabled",
            Self::Enabled => "enabled",
            Self::Enforced => "enforced",
        })
    }
}
