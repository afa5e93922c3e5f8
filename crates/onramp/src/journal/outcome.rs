//! The outcome of a change.

use std::fmt;

use onramp_core::{Error, ErrorKind};
use serde::{Deserialize, Serialize};

/// The outcome of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Outcome {
    /// The change was made.
    Done,
    /// The object was in the desired state already; nothing was written.
    #[serde(rename = "already-so")]
    Unchanged,
    /// The value was changed by somebody else since the survey; nothing was written.
    Stale,
    /// The change was refused, or could not be tried.
    Failed,
    /// The reply was lost: the change may have been made. The next run reads the object.
    Unknown,
    /// The run was stopped before the change.
    Cancelled,
}

impl Outcome {
    /// Returns true if the object is in the desired state now.
    ///
    /// ```
    /// use onramp::Outcome;
    /// assert!(Outcome::Done.is_good() && Outcome::Unchanged.is_good());
    /// assert!(!Outcome::Stale.is_good());
    /// ```
    pub fn is_good(self) -> bool {
        matches!(self, Self::Done | Self::Unchanged)
    }

    pub(crate) fn of(error: &Error) -> Self {
        match error.kind() {
            ErrorKind::Stale => Self::Stale,
            ErrorKind::OutcomeUnknown => Self::Unknown,
            ErrorKind::Cancelled => Self::Cancelled,
            _ => Self::Failed,
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Done => "done",
            Self::Unchanged => "already correct",
            Self::Stale => "skipped, changed by somebody else",
            Self::Failed => "failed",
            Self::Unknown => "result unknown",
            Self::Cancelled => "cancelled",
        })
    }
}
