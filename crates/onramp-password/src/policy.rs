//! Policies as plain data: what each directory demands, and which directories count.

use serde::{Deserialize, Serialize};

use crate::ProtectionPolicy;

/// Everything a password has to satisfy. A part that is `None` demands nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Policy {
    /// What the domain controllers demand.
    pub on_premises: Option<AdPolicy>,
    /// What Entra demands of a cloud password.
    pub cloud: Option<EntraPolicy>,
    /// Banned words, as Entra Password Protection applies them.
    pub protection: Option<ProtectionPolicy>,
}

impl Policy {
    /// A policy that demands nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Both directories with their default settings, and Entra Password Protection with an empty list (names are
    /// still looked for, and the score still has to be reached).
    #[must_use]
    pub fn hybrid() -> Self {
        Self::new()
            .with_on_premises(AdPolicy::default())
            .with_cloud(EntraPolicy::default())
            .with_protection(ProtectionPolicy::default())
    }

    /// The same policy with these demands of the domain controllers.
    #[must_use]
    pub fn with_on_premises(mut self, policy: AdPolicy) -> Self {
        self.on_premises = Some(policy);
        self
    }

    /// The same policy with these demands of Entra.
    #[must_use]
    pub fn with_cloud(mut self, policy: EntraPolicy) -> Self {
        self.cloud = Some(policy);
        self
    }

    /// The same policy with these banned words.
    #[must_use]
    pub fn with_protection(mut self, policy: ProtectionPolicy) -> Self {
        self.protection = Some(policy);
        self
    }
}

/// A domain password policy or a fine-grained one (PSO), as far as it concerns the password.
///
/// `Default` is what a new domain starts with. History and ages cannot be judged from the text of a candidate; they
/// are carried so that a program can explain a refusal: the minimum age of one day is often mistaken for complexity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct AdPolicy {
    /// `minPwdLength` or `msDS-MinimumPasswordLength`, in UTF-16 units.
    pub min_length: u16,
    /// `DOMAIN_PASSWORD_COMPLEX` or `msDS-PasswordComplexityEnabled`: three of the five classes.
    pub complexity: bool,
    /// When the account name and the display name are looked for.
    pub name_checks: NameChecks,
    /// `pwdHistoryLength`: how many former passwords are refused.
    pub history_length: u16,
    /// `minPwdAge` in seconds: how long a password has to be kept before it can be *changed* (a reset is free).
    pub min_age_seconds: u64,
    /// `maxPwdAge` in seconds; `None` when passwords never expire.
    pub max_age_seconds: Option<u64>,
}

impl AdPolicy {
    /// The longest password a domain controller takes, in UTF-16 units.
    pub const MAX_LENGTH: u16 = 256;

    /// The same policy with this minimum length, in UTF-16 units.
    #[must_use]
    pub fn with_min_length(mut self, units: u16) -> Self {
        self.min_length = units;
        self
    }

    /// The same policy with the complexity rule on or off.
    #[must_use]
    pub fn with_complexity(mut self, on: bool) -> Self {
        self.complexity = on;
        self
    }

    /// The same policy with names looked for at this time.
    #[must_use]
    pub fn with_name_checks(mut self, checks: NameChecks) -> Self {
        self.name_checks = checks;
        self
    }

    /// The same policy with this many former passwords refused.
    #[must_use]
    pub fn with_history_length(mut self, passwords: u16) -> Self {
        self.history_length = passwords;
        self
    }

    /// The same policy with these ages in seconds; no maximum means that passwords never expire.
    #[must_use]
    pub fn with_ages(mut self, min_seconds: u64, max_seconds: Option<u64>) -> Self {
        self.min_age_seconds = min_seconds;
        self.max_age_seconds = max_seconds;
        self
    }
}

impl Default for AdPolicy {
    fn default() -> Self {
        const DAY: u64 = 24 * 60 * 60;
        Self {
            min_length: 7,
            complexity: true,
            name_checks: NameChecks::WithComplexity,
            history_length: 24,
            min_age_seconds: DAY,
            max_age_seconds: Some(42 * DAY),
        }
    }
}

/// When a domain controller looks for the account name and the display name in a password.
///
/// The description of the Windows setting makes the name checks a part of complexity; \[MS-SAMR\] lists them apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum NameChecks {
    /// Only together with complexity, as Windows describes its setting.
    #[default]
    WithComplexity,
    /// Always, as \[MS-SAMR\] 3.1.1.7.2 reads.
    Always,
}

/// What Entra demands of a password that is set in the cloud.
///
/// The characters are not a setting: printable ASCII and the blank, no other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct EntraPolicy {
    /// The fewest characters.
    pub min_length: u16,
    /// The most characters.
    pub max_length: u16,
    /// How many of the four classes (lower, upper, digit, symbol) are needed.
    ///
    /// The blank is an allowed character, but does not count as a symbol here: the documentation leaves that open,
    /// and a password that needs it to count might be refused.
    pub required_classes: u8,
}

impl EntraPolicy {
    /// The policy of every cloud account: 8 to 256 characters, three of four classes.
    #[must_use]
    pub fn cloud() -> Self {
        Self { min_length: 8, max_length: 256, required_classes: 3 }
    }

    /// An account with `DisableStrongPassword` in its `passwordPolicies`, or of an Education tenant: the classes do
    /// not count.
    #[must_use]
    pub fn without_complexity() -> Self {
        Self { required_classes: 0, ..Self::cloud() }
    }

    /// The same policy with this minimum length.
    #[must_use]
    pub fn with_min_length(mut self, characters: u16) -> Self {
        self.min_length = characters;
        self
    }
}

impl Default for EntraPolicy {
    fn default() -> Self {
        Self::cloud()
    }
}
