//! Entra Password Protection from a tenant's directory setting.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::ProtectionPolicy;

/// The directory setting `Password Rule Settings` (`GET /groupSettings`, template
/// `5cf42378-d67d-4f36-ba46-e8b86229381d`). Without one, a tenant has these defaults.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct TenantPasswordSettings {
    /// `EnableBannedPasswordCheck`: whether the custom list counts.
    pub custom_list_enabled: bool,
    /// `BannedPasswordList`.
    pub custom_list: Vec<String>,
    /// `EnableBannedPasswordCheckOnPremises`: whether the agents on domain controllers check.
    pub on_premises_enabled: bool,
    /// `BannedPasswordCheckOnPremisesMode`: whether they refuse (`Enforce`) or only log (`Audit`).
    pub on_premises_enforced: bool,
    /// `LockoutThreshold`.
    pub lockout_threshold: u32,
    /// `LockoutDurationInSeconds`.
    pub lockout_seconds: u32,
}

/// A value of the setting is not what it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the value {name} of the directory setting “Password Rule Settings” is not {expected}")]
#[non_exhaustive]
pub struct TenantSettingsError {
    /// The value's name.
    pub name: &'static str,
    /// What it should be.
    pub expected: &'static str,
}

impl TenantPasswordSettings {
    /// The template of the setting.
    pub const TEMPLATE_ID: &'static str = "5cf42378-d67d-4f36-ba46-e8b86229381d";

    /// Reads the pairs of name and value of the setting. Names that do not matter are passed over, values that are
    /// absent have their default.
    ///
    /// # Errors
    /// [`TenantSettingsError`] names the value that is not what it should be.
    pub fn from_values<'a, I>(values: I) -> Result<Self, TenantSettingsError>
    where
        I: IntoIterator<Item = (&'a str, &'a str)>,
    {
        let mut settings = Self::default();
        for (name, value) in values {
            match name {
                "EnableBannedPasswordCheck" => settings.custom_list_enabled = truth(name_of(name), value)?,
                "EnableBannedPasswordCheckOnPremises" => {
                    settings.on_premises_enabled = truth(name_of(name), value)?;
                }
                "BannedPasswordCheckOnPremisesMode" => {
                    settings.on_premises_enforced = match value {
                        mode if mode.eq_ignore_ascii_case("enforce") => true,
                        mode if mode.eq_ignore_ascii_case("audit") => false,
                        _ => return Err(error(name_of(name), "Audit or Enforce")),
                    }
                }
                "BannedPasswordList" => {
                    let terms = value.split('\t').map(str::trim).filter(|term| !term.is_empty());
                    settings.custom_list = terms.map(str::to_string).collect();
                }
                "LockoutThreshold" => settings.lockout_threshold = number(name_of(name), value)?,
                "LockoutDurationInSeconds" => settings.lockout_seconds = number(name_of(name), value)?,
                _ => {}
            }
        }
        Ok(settings)
    }

    /// Returns the policy: the custom list besides other words that Entra bans, such as those of Microsoft's global list
    /// that are known. A list of your own does not belong here, but in
    /// [`Policy::with_own_banned_list`](crate::Policy::with_own_banned_list).
    #[must_use]
    pub fn protection<I: IntoIterator<Item = S>, S: Into<String>>(&self, others: I) -> ProtectionPolicy {
        let custom = self.custom_list.iter().filter(|_| self.custom_list_enabled).cloned();
        ProtectionPolicy::new(others.into_iter().map(Into::into).chain(custom))
            .with_on_premises(self.on_premises_enabled && self.on_premises_enforced)
    }
}

impl Default for TenantPasswordSettings {
    fn default() -> Self {
        Self {
            custom_list_enabled: false,
            custom_list: Vec::new(),
            on_premises_enabled: true,
            on_premises_enforced: false,
            lockout_threshold: 10,
            lockout_seconds: 60,
        }
    }
}

/// The name as it stays when the setting is gone.
fn name_of(name: &str) -> &'static str {
    const NAMES: [&str; 5] = [
        "EnableBannedPasswordCheck",
        "EnableBannedPasswordCheckOnPremises",
        "BannedPasswordCheckOnPremisesMode",
        "LockoutThreshold",
        "LockoutDurationInSeconds",
    ];
    NAMES.into_iter().find(|known| *known == name).unwrap_or_default()
}

fn truth(name: &'static str, value: &str) -> Result<bool, TenantSettingsError> {
    match value {
        value if value.eq_ignore_ascii_case("true") => Ok(true),
        value if value.eq_ignore_ascii_case("false") => Ok(false),
        _ => Err(error(name, "true or false")),
    }
}

fn number(name: &'static str, value: &str) -> Result<u32, TenantSettingsError> {
    value.trim().parse().map_err(|_| error(name, "a number"))
}

fn error(name: &'static str, expected: &'static str) -> TenantSettingsError {
    TenantSettingsError { name, expected }
}
