//! Fine-grained policies as they stand in the directory: password settings objects (PSO).

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::AdPolicy;

/// Ticks of 100 nanoseconds in a second.
const TICKS: u64 = 10_000_000;

/// A password settings object (`msDS-PasswordSettings`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct PasswordSettings {
    /// Its name, for people.
    #[serde(default)]
    pub name: String,
    /// `objectGUID` in its usual spelling, which decides between equal precedences.
    pub guid: String,
    /// `msDS-PasswordSettingsPrecedence`: the lowest wins.
    pub precedence: u32,
    /// `msDS-PasswordReversibleEncryptionEnabled`.
    pub reversible_encryption: bool,
    /// What it demands of passwords.
    pub rules: AdPolicy,
    /// `msDS-LockoutThreshold`: wrong tries until the account is locked; 0 is never.
    pub lockout_threshold: u16,
    /// `msDS-LockoutObservationWindow` in seconds.
    pub lockout_window_seconds: u64,
    /// `msDS-LockoutDuration` in seconds; `None` is until an administrator unlocks the account.
    pub lockout_duration_seconds: Option<u64>,
    /// `msDS-PSOAppliesTo`: distinguished names of users and global groups.
    #[serde(default)]
    pub applies_to: Vec<String>,
}

/// Why attributes are no password settings object.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PasswordSettingsError {
    /// A mandatory attribute is absent. Ordinary accounts may not read these objects.
    #[error("{attribute} is absent; read the object as an account that may read password settings objects")]
    Missing {
        /// The attribute.
        attribute: &'static str,
    },
    /// An attribute has no value that it can have.
    #[error("{attribute} is not {expected}")]
    Invalid {
        /// The attribute.
        attribute: &'static str,
        /// What it should be.
        expected: &'static str,
    },
    /// Two attributes contradict each other.
    #[error("{smaller} is longer than {larger}")]
    Contradiction {
        /// What must not be longer.
        smaller: &'static str,
        /// The other.
        larger: &'static str,
    },
}

impl PasswordSettings {
    /// Reads the attributes of an object: pairs of name and value, a name for each of its values. Attributes that do not
    /// matter are passed over.
    ///
    /// Numbers and truth values are as LDAP writes them; times are negative numbers of 100 nanoseconds, and the smallest
    /// number there is means never.
    ///
    /// # Errors
    /// [`PasswordSettingsError`] names the attribute that is absent, wrong or in contradiction to another.
    pub fn from_attributes<'a, I>(attributes: I) -> Result<Self, PasswordSettingsError>
    where
        I: IntoIterator<Item = (&'a str, &'a str)>,
    {
        let all = Attributes(attributes.into_iter().collect());
        let settings = Self {
            name: all.first("cn").or_else(|| all.first("name")).unwrap_or_default().to_string(),
            guid: guid(all.needed("objectGUID")?)?,
            precedence: all.number("msDS-PasswordSettingsPrecedence", 1, u32::MAX.into())?,
            reversible_encryption: all.truth("msDS-PasswordReversibleEncryptionEnabled")?,
            rules: AdPolicy {
                min_length: all.number("msDS-MinimumPasswordLength", 0, 255)?,
                complexity: all.truth("msDS-PasswordComplexityEnabled")?,
                history_length: all.number("msDS-PasswordHistoryLength", 0, 1024)?,
                min_age_seconds: all.interval("msDS-MinimumPasswordAge")?.unwrap_or(u64::MAX),
                max_age_seconds: all.interval("msDS-MaximumPasswordAge")?.filter(|&age| age > 0),
                ..AdPolicy::default()
            },
            lockout_threshold: all.number("msDS-LockoutThreshold", 0, 65_535)?,
            lockout_window_seconds: all.interval("msDS-LockoutObservationWindow")?.unwrap_or(u64::MAX),
            // Zero and never both mean that only an administrator unlocks.
            lockout_duration_seconds: all.interval("msDS-LockoutDuration")?.filter(|&time| time > 0),
            applies_to: all.every("msDS-PSOAppliesTo").map(str::to_string).collect(),
        };
        settings.coherent()
    }

    fn coherent(self) -> Result<Self, PasswordSettingsError> {
        let contradiction = |smaller, larger| Err(PasswordSettingsError::Contradiction { smaller, larger });
        if self.rules.max_age_seconds.is_some_and(|max| self.rules.min_age_seconds > max) {
            return contradiction("msDS-MinimumPasswordAge", "msDS-MaximumPasswordAge");
        }
        if self.lockout_duration_seconds.is_some_and(|duration| self.lockout_window_seconds > duration) {
            return contradiction("msDS-LockoutObservationWindow", "msDS-LockoutDuration");
        }
        Ok(self)
    }

    /// Whether it is linked to the object of this distinguished name.
    fn applies_to(&self, dn: &str) -> bool {
        self.applies_to.iter().any(|link| same_dn(link, dn))
    }
}

impl From<&PasswordSettings> for AdPolicy {
    fn from(settings: &PasswordSettings) -> Self {
        settings.rules.clone()
    }
}

/// The object that binds a user, as a domain controller decides it: one that is linked to the user beats those linked to
/// its global groups, among those the lowest precedence wins, then the smallest GUID. `None` is the domain's policy.
///
/// `groups` are the global groups the user is a member of, nested ones and the primary group included.
#[must_use]
pub fn resultant<'a>(
    user: &str,
    groups: &[&str],
    settings: &'a [PasswordSettings],
) -> Option<&'a PasswordSettings> {
    let first = |linked: &dyn Fn(&PasswordSettings) -> bool| {
        let linked = settings.iter().filter(|one| linked(one));
        linked
            .min_by(|a, b| (a.precedence, a.guid.to_lowercase()).cmp(&(b.precedence, b.guid.to_lowercase())))
    };
    first(&|one| one.applies_to(user))
        .or_else(|| first(&|one| groups.iter().any(|group| one.applies_to(group))))
}

/// Distinguished names are compared without case and without blanks around the commas.
fn same_dn(a: &str, b: &str) -> bool {
    let parts = |dn: &str| -> Vec<String> { dn.split(',').map(|part| part.trim().to_lowercase()).collect() };
    parts(a) == parts(b)
}

/// The usual spelling of a GUID, in lower case and without braces.
fn guid(value: &str) -> Result<String, PasswordSettingsError> {
    let plain = value.trim().trim_start_matches('{').trim_end_matches('}').to_lowercase();
    let lengths = plain.split('-').map(str::len);
    let hex = plain.chars().all(|c| c == '-' || c.is_ascii_hexdigit());
    if hex && lengths.eq([8, 4, 4, 4, 12]) {
        Ok(plain)
    } else {
        Err(PasswordSettingsError::Invalid { attribute: "objectGUID", expected: "a GUID" })
    }
}

/// Names and values.
struct Attributes<'a>(Vec<(&'a str, &'a str)>);

impl<'a> Attributes<'a> {
    fn every(&self, attribute: &'static str) -> impl Iterator<Item = &'a str> {
        let named = self.0.iter().filter(move |(name, _)| name.eq_ignore_ascii_case(attribute));
        named.map(|&(_, value)| value)
    }

    fn first(&self, attribute: &'static str) -> Option<&'a str> {
        self.every(attribute).next()
    }

    fn needed(&self, attribute: &'static str) -> Result<&'a str, PasswordSettingsError> {
        self.first(attribute).ok_or(PasswordSettingsError::Missing { attribute })
    }

    fn number<T: TryFrom<u64>>(
        &self,
        attribute: &'static str,
        least: u64,
        most: u64,
    ) -> Result<T, PasswordSettingsError> {
        let expected = "a number that it can have";
        let number = self.needed(attribute)?.parse::<u64>().ok().filter(|n| (least..=most).contains(n));
        let number = number.and_then(|number| T::try_from(number).ok());
        number.ok_or(PasswordSettingsError::Invalid { attribute, expected })
    }

    fn truth(&self, attribute: &'static str) -> Result<bool, PasswordSettingsError> {
        match self.needed(attribute)? {
            value if value.eq_ignore_ascii_case("true") => Ok(true),
            value if value.eq_ignore_ascii_case("false") => Ok(false),
            _ => Err(PasswordSettingsError::Invalid { attribute, expected: "TRUE or FALSE" }),
        }
    }

    /// A time in seconds, rounded up; `None` is never.
    fn interval(&self, attribute: &'static str) -> Result<Option<u64>, PasswordSettingsError> {
        let expected = "a time as a negative number of 100 nanoseconds";
        match self.needed(attribute)?.parse::<i64>() {
            Ok(i64::MIN) => Ok(None),
            Ok(ticks @ ..=0) => Ok(Some(ticks.unsigned_abs().div_ceil(TICKS))),
            _ => Err(PasswordSettingsError::Invalid { attribute, expected }),
        }
    }
}
