//! The port that checks and generates passwords, and its value types.

use std::borrow::Cow;
use std::fmt::{self, Debug};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::forest::PasswordSettings;
use crate::tenant::PasswordProtectionSettings;
use crate::{Password, Result};

/// The policies that a password has to satisfy, and the account that it is for.
///
/// ```
/// use onramp_core::{PasswordRequest, forest::PasswordSettings};
/// let request = PasswordRequest::new()
///     .with_account_name("svc-onramp")
///     .with_on_premises(vec![PasswordSettings::windows_default()])
///     .with_length(32);
/// assert_eq!(request.length, Some(32));
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct PasswordRequest {
    /// The `sAMAccountName` or the part of the UPN before the `@`.
    pub account_name: Option<String>,
    /// The `displayName`.
    pub display_name: Option<String>,
    /// The `givenName`.
    pub given_name: Option<String>,
    /// The `sn`.
    pub surname: Option<String>,
    /// The display name of the tenant.
    pub tenant_name: Option<String>,
    /// The password settings of the forest, all of which have to be satisfied. The default rules of Windows if empty.
    pub on_premises: Vec<PasswordSettings>,
    /// The password protection of the tenant; the default of a tenant if absent.
    pub protection: Option<PasswordProtectionSettings>,
    /// The length of a generated password in characters. It becomes more where a policy demands more.
    pub length: Option<usize>,
}

impl PasswordRequest {
    /// Creates a request with default policies and no account.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the account name.
    #[must_use]
    pub fn with_account_name(mut self, name: impl Into<String>) -> Self {
        self.account_name = Some(name.into());
        self
    }

    /// Sets the display name of the account.
    #[must_use]
    pub fn with_display_name(mut self, name: impl Into<String>) -> Self {
        self.display_name = Some(name.into());
        self
    }

    /// Sets the given name and the surname.
    #[must_use]
    pub fn with_person(mut self, given_name: impl Into<String>, surname: impl Into<String>) -> Self {
        self.given_name = Some(given_name.into());
        self.surname = Some(surname.into());
        self
    }

    /// Sets the display name of the tenant.
    #[must_use]
    pub fn with_tenant_name(mut self, name: impl Into<String>) -> Self {
        self.tenant_name = Some(name.into());
        self
    }

    /// Sets the password settings of the forest.
    #[must_use]
    pub fn with_on_premises(mut self, settings: Vec<PasswordSettings>) -> Self {
        self.on_premises = settings;
        self
    }

    /// Sets the password protection of the tenant.
    #[must_use]
    pub fn with_protection(mut self, settings: PasswordProtectionSettings) -> Self {
        self.protection = Some(settings);
        self
    }

    /// Sets the length of a generated password.
    #[must_use]
    pub fn with_length(mut self, characters: usize) -> Self {
        self.length = Some(characters);
        self
    }
}

/// The directory or rule set that a violated requirement belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum PasswordTarget {
    /// The Active Directory forest.
    OnPremises,
    /// Entra ID.
    Cloud,
    /// The banned password lists of Entra Password Protection.
    Protection,
    /// A rule set of the validator's own.
    Custom,
}

impl fmt::Display for PasswordTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OnPremises => "Active Directory",
            Self::Cloud => "Entra ID",
            Self::Protection => "Entra Password Protection",
            Self::Custom => "a custom rule",
        })
    }
}

/// A requirement that a password does not meet. It contains no part of the password.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PasswordViolation {
    /// The target that refuses the password.
    pub target: PasswordTarget,
    /// The code of the requirement in kebab case, such as `too-short`. Stable per validator.
    pub code: Cow<'static, str>,
    /// The English sentence for people.
    pub message: String,
}

impl PasswordViolation {
    /// Creates a violation.
    pub fn new(
        target: PasswordTarget,
        code: impl Into<Cow<'static, str>>,
        message: impl Into<String>,
    ) -> Self {
        Self { target, code: code.into(), message: message.into() }
    }
}

impl fmt::Display for PasswordViolation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.target, self.message)
    }
}

/// The result of a password check. Without violations, every target accepts the password.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PasswordCheck {
    /// The requirements that the password does not meet.
    pub violations: Vec<PasswordViolation>,
}

impl PasswordCheck {
    /// Creates a result from its violations.
    pub fn new(violations: Vec<PasswordViolation>) -> Self {
        Self { violations }
    }

    /// Returns true if every target accepts the password.
    pub fn is_accepted(&self) -> bool {
        self.violations.is_empty()
    }

    /// Returns true if the target has no objection to the password.
    pub fn accepted_by(&self, target: PasswordTarget) -> bool {
        self.violations.iter().all(|violation| violation.target != target)
    }
}

/// The port that checks and generates passwords.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait PasswordValidator: Debug + Send + Sync {
    /// Checks a password against all policies of a request. A refused password is a result, not an error.
    ///
    /// # Errors
    /// `Unavailable` if the validator cannot answer now.
    async fn check(&self, password: &Password, request: &PasswordRequest) -> Result<PasswordCheck>;

    /// Generates a password that [`check`](PasswordValidator::check) accepts for the same request.
    ///
    /// # Errors
    /// `Invalid` if no password can satisfy the request, `Unavailable` if there are no random numbers.
    async fn generate(&self, request: &PasswordRequest) -> Result<Password>;
}
