//! Password policies of a forest.

use std::fmt::Debug;
use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{DomainName, Result};

/// The password policy of a domain, from the attributes of its head.
///
/// Fine-grained policies (PSOs) may bind a user more strictly.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DomainPasswordPolicy {
    /// The domain.
    pub domain: DomainName,
    /// Least number of UTF-16 units.
    pub min_length: u32,
    /// How many old passwords may not come back.
    pub history_length: u32,
    /// Whether complexity is demanded (`pwdProperties` bit 1).
    pub complexity: bool,
    /// After how long a password expires; `None` is never.
    pub max_age: Option<Duration>,
    /// How long a password must be kept.
    pub min_age: Duration,
    /// Wrong tries until lock-out; 0 is no lock-out.
    pub lockout_threshold: u32,
}

impl DomainPasswordPolicy {
    /// The policy of a domain that was never changed: 7 characters, complexity, 24 old passwords, 42 days, kept
    /// for 1 day.
    pub fn windows_default(domain: DomainName) -> Self {
        const DAY: Duration = Duration::from_secs(86_400);
        Self {
            domain,
            min_length: 7,
            history_length: 24,
            complexity: true,
            max_age: Some(DAY * 42),
            min_age: DAY,
            lockout_threshold: 0,
        }
    }
}

/// Port: the password policies of a forest.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait PasswordPolicies: Debug + Send + Sync {
    /// The policy of each domain of the forest.
    async fn domain_policies(&self) -> Result<Vec<DomainPasswordPolicy>>;
}
