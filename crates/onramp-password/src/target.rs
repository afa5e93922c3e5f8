//! The parties that set requirements for a password.

use core::fmt;

use serde::{Deserialize, Serialize};

/// A party that sets requirements for a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Target {
    /// The domain controllers.
    OnPremises,
    /// Entra.
    Cloud,
    /// NIST SP 800-63B-4.
    Nist,
    /// Lithnet Password Protection for Active Directory, a filter on the domain controllers.
    Lithnet,
    /// The organization itself: its own rules, and [`Context::words`](crate::check::Context::words).
    Custom,
}

impl Target {
    /// All targets, in order.
    pub const ALL: [Self; 5] = [Self::OnPremises, Self::Cloud, Self::Nist, Self::Lithnet, Self::Custom];

    /// Returns the stable name, as serialized.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OnPremises => "on_premises",
            Self::Cloud => "cloud",
            Self::Nist => "nist",
            Self::Lithnet => "lithnet",
            Self::Custom => "custom",
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OnPremises => "Active Directory",
            Self::Cloud => "Entra",
            Self::Nist => "NIST SP 800-63B-4",
            Self::Lithnet => "Lithnet Password Protection",
            Self::Custom => "the organization",
        })
    }
}
