//! Password policies of a forest: that of each domain, fine-grained ones, and which of them binds a user.

use std::fmt::{self, Debug};
use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{DistinguishedName, DomainName, ObjectGuid, Result};

/// The settings of a password policy, of a domain or fine-grained.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PasswordSettings {
    /// The minimum length in UTF-16 units.
    pub min_length: u32,
    /// The number of old passwords that are refused.
    pub history_length: u32,
    /// True if complexity is required.
    pub complexity: bool,
    /// True if passwords are stored with reversible encryption.
    pub reversible_encryption: bool,
    /// The maximum password age; `None` is never.
    pub max_age: Option<Duration>,
    /// The minimum password age.
    pub min_age: Duration,
    /// The account lockout; `None` is never.
    pub lockout: Option<Lockout>,
}

impl PasswordSettings {
    /// The rules of a domain that was never changed: 7 characters, complexity, 24 old passwords, 42 days, kept for
    /// 1 day, no lock-out.
    pub fn windows_default() -> Self {
        const DAY: Duration = Duration::from_secs(86_400);
        Self {
            min_length: 7,
            history_length: 24,
            complexity: true,
            reversible_encryption: false,
            max_age: Some(DAY * 42),
            min_age: DAY,
            lockout: None,
        }
    }
}

/// The account lockout settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[allow(clippy::exhaustive_structs)] // the three attributes there are
pub struct Lockout {
    /// The number of wrong passwords until lockout; at least 1.
    pub threshold: u32,
    /// After how long wrong tries are forgotten; `None` if the directory sets no time.
    pub window: Option<Duration>,
    /// The lockout duration; `None` is until an administrator unlocks it.
    pub duration: Option<Duration>,
}

/// The password policy of a domain, from the attributes of its head.
///
/// A fine-grained policy binds a user instead of it, not besides it: see [`PasswordPolicies::effective`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DomainPasswordPolicy {
    /// The domain.
    #[serde(deserialize_with = "DomainName::deserialize_directory")]
    pub domain: DomainName,
    /// The settings.
    pub rules: PasswordSettings,
}

impl DomainPasswordPolicy {
    /// A policy of a domain.
    pub fn new(domain: DomainName, rules: PasswordSettings) -> Self {
        Self { domain, rules }
    }
}

/// A fine-grained password policy: a password settings object (PSO) below
/// `CN=Password Settings Container,CN=System,…` of a domain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct FineGrainedPolicy {
    /// Distinguished name of the object.
    pub dn: DistinguishedName,
    /// Among several that apply, the lowest wins.
    pub precedence: u32,
    /// The settings.
    pub rules: PasswordSettings,
    /// The users and global groups that it is linked to. Those of other domains have no effect.
    pub applies_to: Vec<DistinguishedName>,
}

impl FineGrainedPolicy {
    /// A policy that is linked to nobody yet.
    pub fn new(dn: DistinguishedName, precedence: u32, rules: PasswordSettings) -> Self {
        Self { dn, precedence, rules, applies_to: Vec::new() }
    }

    /// Linked to these users and groups.
    #[must_use]
    pub fn with_applies_to(mut self, links: Vec<DistinguishedName>) -> Self {
        self.applies_to = links;
        self
    }

    /// Returns the name, for people.
    pub fn name(&self) -> String {
        self.dn.rdns().first().map(|rdn| rdn.value.clone()).unwrap_or_default()
    }
}

/// The policy that binds one user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "policy")]
#[non_exhaustive]
pub enum EffectivePasswordPolicy {
    /// The policy of the domain: no fine-grained one applies.
    Domain(DomainPasswordPolicy),
    /// A fine-grained one.
    FineGrained(FineGrainedPolicy),
    /// An unknown policy, which is not "none": fine-grained policies are hidden from ordinary accounts.
    Unknown {
        /// The fine-grained policy that binds the user, if its name at least is visible.
        named: Option<DistinguishedName>,
        /// The reason, and the next step.
        reason: String,
    },
}

impl EffectivePasswordPolicy {
    /// Returns the settings, if they are known.
    pub fn rules(&self) -> Option<&PasswordSettings> {
        match self {
            Self::Domain(policy) => Some(&policy.rules),
            Self::FineGrained(policy) => Some(&policy.rules),
            Self::Unknown { .. } => None,
        }
    }
}

impl fmt::Display for EffectivePasswordPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Domain(policy) => write!(f, "the password policy of {}", policy.domain),
            Self::FineGrained(policy) => {
                write!(f, "the fine-grained password policy {}", policy.name())
            }
            Self::Unknown { named: Some(dn), reason } => write!(f, "unknown password policy {dn}: {reason}"),
            Self::Unknown { named: None, reason } => write!(f, "unknown password policy: {reason}"),
        }
    }
}

/// The port of the password policies of a forest.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait PasswordPolicies: Debug + Send + Sync {
    /// The policy of each domain of the forest.
    async fn domain_policies(&self) -> Result<Vec<DomainPasswordPolicy>>;

    /// The fine-grained policies of every domain, those that are linked to nobody included. Empty if there are none.
    ///
    /// # Errors
    /// `Forbidden` if this account may not see them, as ordinary accounts may not: an empty answer would look like none.
    async fn fine_grained_policies(&self) -> Result<Vec<FineGrainedPolicy>>;

    /// The policy that binds a user: of the fine-grained ones linked to the user itself, else of those linked to its
    /// global groups, the one of lowest precedence; else that of its domain. The directory decides, not the client.
    ///
    /// An account that may not see fine-grained policies learns that the policy is unknown, and never that it is the
    /// domain's.
    ///
    /// # Errors
    /// `NotFound` if there is no such user.
    async fn effective(&self, user: &ObjectGuid) -> Result<EffectivePasswordPolicy>;
}
