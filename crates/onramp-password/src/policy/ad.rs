//! The requirements of domain controllers: a domain password policy or a fine-grained one.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A domain password policy or a fine-grained one (PSO), as far as it concerns the password.
///
/// `Default` is what a new domain starts with. History and ages cannot be judged from the text of a candidate; they
/// are carried so that a program can explain a refusal: the minimum age of one day is often mistaken for complexity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct AdPolicy {
    /// `minPwdLength` or `msDS-MinimumPasswordLength`, in UTF-16 units.
    pub min_length: u16,
    /// `DOMAIN_PASSWORD_COMPLEX` or `msDS-PasswordComplexityEnabled`: three of the five classes.
    pub complexity: bool,
    /// The condition under which the account name and the display name are searched.
    pub name_checks: NameChecks,
    /// `pwdHistoryLength`: how many former passwords are refused.
    pub history_length: u16,
    /// `minPwdAge` in seconds: how long a password has to be kept before it can be *changed* (a reset is free).
    pub min_age_seconds: u64,
    /// `maxPwdAge` in seconds; `None` when passwords never expire, which is 0 as data.
    #[serde(serialize_with = "or_zero", deserialize_with = "not_zero")]
    pub max_age_seconds: Option<u64>,
}

impl AdPolicy {
    /// The number of the five classes that complexity requires.
    pub const COMPLEX_CLASSES: u8 = 3;

    /// The longest password a domain controller takes, in UTF-16 units.
    pub const MAX_LENGTH: u16 = 256;

    /// Creates the policy of a domain that was never changed; the same as `Default`.
    #[must_use]
    pub fn domain_default() -> Self {
        Self::default()
    }

    /// Only the complexity of `passfilt.dll` and its name checks, of any length and without history and ages.
    #[must_use]
    pub fn passfilt() -> Self {
        Self {
            min_length: 0,
            history_length: 0,
            min_age_seconds: 0,
            max_age_seconds: None,
            ..Self::default()
        }
    }

    /// Returns the policy with this minimum length, in UTF-16 units.
    #[must_use]
    pub fn with_min_length(mut self, units: u16) -> Self {
        self.min_length = units;
        self
    }

    /// Returns the policy with the complexity rule on or off.
    #[must_use]
    pub fn with_complexity(mut self, on: bool) -> Self {
        self.complexity = on;
        self
    }

    /// Returns the policy with names looked for at this time.
    #[must_use]
    pub fn with_name_checks(mut self, checks: NameChecks) -> Self {
        self.name_checks = checks;
        self
    }

    /// Returns the policy with this many former passwords refused.
    #[must_use]
    pub fn with_history_length(mut self, passwords: u16) -> Self {
        self.history_length = passwords;
        self
    }

    /// Returns the policy with these ages in seconds; no maximum means that passwords never expire.
    #[must_use]
    pub fn with_ages(mut self, min_seconds: u64, max_seconds: Option<u64>) -> Self {
        self.min_age_seconds = min_seconds;
        self.max_age_seconds = max_seconds;
        self
    }

    /// Returns the policy that is as strict as both: for an account of which several policies may be the effective one.
    #[must_use]
    pub fn strictest(self, other: &Self) -> Self {
        let always = self.name_checks == NameChecks::Always || other.name_checks == NameChecks::Always;
        let max_age = match (self.max_age_seconds, other.max_age_seconds) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        Self {
            min_length: self.min_length.max(other.min_length),
            complexity: self.complexity || other.complexity,
            name_checks: if always { NameChecks::Always } else { NameChecks::WithComplexity },
            history_length: self.history_length.max(other.history_length),
            min_age_seconds: self.min_age_seconds.max(other.min_age_seconds),
            max_age_seconds: max_age,
        }
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

/// The condition under which a domain controller searches a password for the account name and the display name.
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

/// TOML has no word for nothing, and an absent key is the default of a domain.
#[allow(clippy::ref_option)] // the form that serde asks for
fn or_zero<S: Serializer>(age: &Option<u64>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(age.unwrap_or(0))
}

fn not_zero<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    Ok(Option::<u64>::deserialize(deserializer)?.filter(|&age| age > 0))
}
