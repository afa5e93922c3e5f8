//! The requirements of NIST SP 800-63B-4 for a verifier (section 3.1.1.2).

use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

/// The rules of NIST SP 800-63B-4 for passwords.
///
/// They are a length, counted in code points after NFC, and a list of passwords that are common, expected or
/// compromised, compared with the *whole* password; composition rules are forbidden, and so there are none. What
/// the [`Context`](crate::check::Context) knows counts as expected. A list is the verifier's to choose; none comes along.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct NistPolicy {
    /// The use of the password, alone or as one of several factors.
    #[serde(default)]
    pub factor: Factor,
    /// The fewest code points, if more than the factor demands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_length: Option<u16>,
    /// The most code points; `None` when there is no end. At least 64 should be taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_length: Option<u16>,
    /// Passwords that are refused as a whole, whatever their case.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub blocklist: Vec<String>,
}

impl NistPolicy {
    /// Creates the policy for a password that is the only factor: 15 characters.
    #[must_use]
    pub fn single_factor() -> Self {
        Self { factor: Factor::Single, min_length: None, max_length: None, blocklist: Vec::new() }
    }

    /// Creates the policy for a password that is only used together with another factor: 8 characters.
    #[must_use]
    pub fn with_mfa() -> Self {
        Self { factor: Factor::WithMfa, ..Self::single_factor() }
    }

    /// Returns the policy with this minimum length in code points, if it is more than the factor demands.
    #[must_use]
    pub fn with_min_length(mut self, code_points: u16) -> Self {
        self.min_length = Some(code_points);
        self
    }

    /// Returns the policy with this maximum length in code points.
    #[must_use]
    pub fn with_max_length(mut self, code_points: u16) -> Self {
        self.max_length = Some(code_points);
        self
    }

    /// Returns the policy with these passwords refused.
    #[must_use]
    pub fn with_blocklist<I: IntoIterator<Item = S>, S: Into<String>>(mut self, passwords: I) -> Self {
        self.blocklist = passwords.into_iter().map(Into::into).collect();
        self
    }

    /// Returns the fewest code points that are needed.
    #[must_use]
    pub fn needed_length(&self) -> u16 {
        self.min_length.unwrap_or(0).max(self.factor.min_length())
    }
}

impl Default for NistPolicy {
    fn default() -> Self {
        Self::single_factor()
    }
}

/// The use of a password in authentication.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(clippy::exhaustive_enums)] // the two cases of the standard
pub enum Factor {
    /// The only factor.
    #[default]
    Single,
    /// One of several factors.
    WithMfa,
}

impl Factor {
    /// Returns the fewest code points that the standard allows.
    #[must_use]
    pub const fn min_length(self) -> u16 {
        match self {
            Self::Single => 15,
            Self::WithMfa => 8,
        }
    }
}
