//! The tenant's own password rules.

use std::fmt::Debug;
use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::Result;

/// The settings of password protection and smart lockout (directory setting `Password Rule Settings`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PasswordProtectionSettings {
    /// Whether the tenant's own banned terms are enforced (needs a P1 licence).
    pub custom_terms_enforced: bool,
    /// The tenant's own banned terms: at most 1,000 of 4 to 16 characters.
    pub custom_terms: Vec<String>,
    /// Wrong tries until an account is locked out.
    pub lockout_threshold: u32,
    /// How long the first lock-out lasts; later ones are longer.
    pub lockout_duration: Duration,
    /// What the agents on domain controllers do with a banned password.
    pub on_premises: OnPremisesProtection,
}

impl Default for PasswordProtectionSettings {
    /// What holds in a tenant that never changed them.
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

/// What password protection does on domain controllers that have its agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum OnPremisesProtection {
    /// Nothing.
    Off,
    /// It logs what it would refuse.
    Audit,
    /// It refuses.
    Enforce,
}

/// Port: the tenant's own password rules.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait PasswordProtection: Debug + Send + Sync {
    /// The rules in force: those that were set, else [`PasswordProtectionSettings::default`].
    ///
    /// # Errors
    /// `Forbidden`.
    async fn read(&self) -> Result<PasswordProtectionSettings>;
}
