//! The verdict of Entra Password Protection on a candidate.

use core::fmt;

use serde::{Deserialize, Serialize};

/// The verdict of Entra Password Protection on a candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ProtectionVerdict {
    /// The points by the policy's interpretation. The conservative one stops counting once they are enough.
    pub points: u32,
    /// True if the policy's interpretation accepts the candidate.
    pub accepted: bool,
    /// The verdict under every interpretation; only from a [`Checker`](crate::Checker) that was made for that.
    #[serde(rename = "readings", default, skip_serializing_if = "Option::is_none")]
    pub interpretations: Option<Interpretations>,
}

/// The verdict on a candidate under all interpretations of the documentation.
///
/// They differ in which of several overlapping words are counted, whether a character that remains counts once or every
/// time, whether pieces one edit away from a word count as the word, from which length on names are looked for, and
/// which characters stand for others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Interpretations {
    /// True if the documented interpretation accepts the candidate, with the policy's own table of substitutions.
    pub documented: bool,
    /// The common verdict of all interpretations.
    pub every: AllInterpretations,
    /// The fewest points that any interpretation gives.
    pub low: u32,
    /// The most points that any interpretation gives.
    pub high: u32,
}

/// The common verdict of all interpretations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(clippy::exhaustive_enums)] // yes, no, and neither
pub enum AllInterpretations {
    /// Under every interpretation.
    Accepted,
    /// Under some, and not under others.
    Depends,
    /// Under none.
    Rejected,
}

impl AllInterpretations {
    /// Returns the stable name, as serialized.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Depends => "depends",
            Self::Rejected => "rejected",
        }
    }
}

impl fmt::Display for AllInterpretations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
