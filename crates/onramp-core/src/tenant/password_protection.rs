//! The password protection settings of a tenant.

use std::fmt::Debug;
use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::Result;

/// The settings of password protection and smart lockout (directory setting `Password Rule Settings`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PasswordProtectionSettings {
    /// True if the custom banned password list is enforced (needs a P1 license).
    pub custom_terms_enforced: bool,
    /// The custom banned password list: at most 1,000 terms of 4 to 16 characters.
    pub custom_terms: Vec<String>,
    /// The lockout threshold.
    pub lockout_threshold: u32,
    /// The duration of the first lockout; later ones are longer.
    pub lockout_duration: Duration,
    /// The mode of password protection on domain controllers.
    pub on_premises: OnPremisesProtection,
}

impl Default for PasswordProtectionSettings {
    /// Returns the settings of a tenant that never changed them.
    fn default() -> Self {
        Self {
            custom_terms_enforced: false,
            custom_terms: Vec::new(),
            lockout_threshold: 10,
            lockout_duration: Duration::from_secs(60),
            on_premises: OnPremisesProtection::Audit,
        }
    }
}

/// The mode of password protection on domain controllers that have its agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum OnPremisesProtection {
    /// No check.
    Off,
    /// A log entry for a banned password.
    Audit,
    /// Refusal of a banned password.
    Enforce,
}

/// The port of the tenant's password protection settings.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait PasswordProtection: Debug + Send + Sync {
    /// The rules in force: those that were set, else [`PasswordProtectionSettings::default`].
    ///
    /// # Errors
    /// `Forbidden`.
    async fn read(&self) -> Result<PasswordProtectionSettings>;
}
