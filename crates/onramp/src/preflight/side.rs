//! The sides that a preflight looks at.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The side that an item of a preflight is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum CheckSide {
    /// The tenant.
    Tenant,
    /// The forest.
    Forest,
    /// DNS.
    Dns,
}

impl fmt::Display for CheckSide {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tenant => "tenant",
            Self::Forest => "forest",
            Self::Dns => "DNS",
        })
    }
}
