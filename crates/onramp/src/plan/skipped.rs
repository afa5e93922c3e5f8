//! The users that were read and are not changed.

use std::fmt;

use onramp_core::forest::AccountKind;
use onramp_core::visible;
use serde::{Deserialize, Serialize};

use crate::user_ref::UserRef;

/// The reason why a user is not changed although it was read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "reason")]
#[non_exhaustive]
pub enum SkipReason {
    /// The user has the new UPN already.
    #[serde(rename = "already-so")]
    Unchanged,
    /// A built-in account: its relative identifier (RID) is below 1000.
    BuiltIn,
    /// A critical system object: `isCriticalSystemObject` is set.
    Critical,
    /// A system account: of a mail system, a synchronization client or a web server.
    System,
    /// An account that is not a person's.
    Kind {
        /// The kind of account.
        kind: AccountKind,
    },
    /// A user that `exclude` or `exclude_ous` leaves out.
    Excluded,
    /// A user that `only` does not list.
    NotNamed,
    /// A user that is left for after the canary.
    AfterCanary,
    /// A user with a suffix that is not in `from_suffixes`.
    OtherSuffix,
    /// A disabled user, with `skip_disabled` set.
    Disabled,
    /// A user whose UPN is no longer the one that the run to undo wrote, or is that of another run.
    ChangedSince {
        /// The UPN that it has now.
        present: Option<String>,
        /// The name of the other run that wrote it, if one did and was not undone.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        run: Option<String>,
    },
    /// A user whose UPN and addresses are no longer all those that the run to undo wrote, or are those of another run.
    ValuesChangedSince {
        /// The difference, in words.
        detail: String,
        /// The name of the other run that wrote them, if one did and was not undone.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        run: Option<String>,
    },
    /// A user with a UPN or an address from before the run that another object has now.
    FormerAddressTaken {
        /// The value.
        value: String,
        /// The other object.
        holder: UserRef,
    },
    /// A user that no longer exists, or cannot be read.
    Gone,
    /// A user whose UPN from before the run belongs to another principal now.
    FormerUpnTaken {
        /// The other principal.
        holder: UserRef,
    },
}

impl fmt::Display for SkipReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Self::ChangedSince { run: Some(run), .. } = self {
            return write!(f, "its UPN was written by the run {}", visible(run));
        }
        if let Self::ValuesChangedSince { run: Some(run), .. } = self {
            return write!(f, "its addresses were written by the run {}", visible(run));
        }
        f.write_str(match self {
            Self::Unchanged => "has the new UPN already",
            Self::BuiltIn => "built-in account",
            Self::Critical => "critical system object",
            Self::System => "system account",
            Self::Kind { kind: AccountKind::Computer } => "computer account",
            Self::Kind { kind: AccountKind::ManagedServiceAccount } => "managed service account",
            Self::Kind { kind: AccountKind::Trust } => "trust account",
            Self::Kind { .. } => "not a person's account",
            Self::Excluded => "excluded by `exclude` or `exclude_ous`",
            Self::NotNamed => "not listed in `only`",
            Self::AfterCanary => "left for after the canary",
            Self::OtherSuffix => "its suffix is not in `from_suffixes`",
            Self::Disabled => "disabled account",
            Self::ChangedSince { .. } => "its UPN was changed again since the run",
            Self::ValuesChangedSince { .. } => "its UPN or addresses were changed again since the run",
            Self::FormerAddressTaken { .. } => {
                "its UPN or an address from before the run belongs to another object now"
            }
            Self::Gone => "no longer exists or cannot be read",
            Self::FormerUpnTaken { .. } => "its UPN from before the run belongs to another principal now",
        })
    }
}

/// A user that was left out, with the reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Skipped {
    /// The user.
    pub user: UserRef,
    /// The reason.
    #[serde(flatten)]
    pub reason: SkipReason,
}
