//! The requirements of Entra.

use serde::{Deserialize, Serialize};

/// The requirements of Entra for a password that is set in the cloud.
///
/// The characters are not a setting: printable ASCII and the blank, no other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct EntraPolicy {
    /// The fewest characters.
    pub min_length: u16,
    /// The most characters.
    pub max_length: u16,
    /// The required number of the four classes (lower, upper, digit, symbol).
    ///
    /// The blank is an allowed character, but does not count as a symbol here: the documentation leaves that open,
    /// and a password that needs it to count might be refused.
    pub required_classes: u8,
}

impl EntraPolicy {
    /// Returns the policy of every cloud account: 8 to 256 characters, three of four classes.
    #[must_use]
    pub fn cloud() -> Self {
        Self { min_length: 8, max_length: 256, required_classes: 3 }
    }

    /// Creates the policy of an account with `DisableStrongPassword` in its `passwordPolicies`, or of an Education tenant:
    /// the classes do not count.
    #[must_use]
    pub fn without_complexity() -> Self {
        Self { required_classes: 0, ..Self::cloud() }
    }

    /// Returns the policy with this many of the four classes needed.
    #[must_use]
    pub fn with_required_classes(mut self, classes: u8) -> Self {
        self.required_classes = classes;
        self
    }

    /// Returns the policy with this minimum length.
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
