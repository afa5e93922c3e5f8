//! The outcome of a change, of a wait and of a run.

use std::fmt;
use std::time::Duration;

use onramp_core::{DomainName, Error, ErrorKind, Result, Upn};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::policy_violation::PolicyViolation;

/// The maximum number of failures in an outcome; the journal has all of them.
pub(crate) const FAILURES_KEPT: usize = 1000;

/// The outcome of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
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
    /// The run was stopped before the change. A user with this outcome was not sent to the forest.
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

/// The reason of a wait.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", tag = "wait")]
#[non_exhaustive]
pub enum WaitReason {
    /// The DNS record that proves the ownership of a domain is not published yet.
    DnsRecord {
        /// The domain.
        domain: DomainName,
    },
    /// The tenant does not return a written value yet.
    Visible {
        /// The value in words.
        value: String,
    },
    /// A new password may not be known in the whole tenant yet.
    Password {
        /// The account.
        upn: Upn,
    },
    /// Azure does not know a new account yet.
    AzurePrincipal {
        /// The account.
        upn: Upn,
    },
    /// Domain controllers do not have a change yet.
    Replication,
    /// The change policy allows no change at present.
    Policy {
        /// The thing that is waited for, in words.
        detail: String,
        /// The time at which the policy decides again.
        #[serde(with = "time::serde::rfc3339")]
        #[cfg_attr(feature = "schemars", schemars(with = "String"))]
        until: OffsetDateTime,
    },
}

impl fmt::Display for WaitReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DnsRecord { domain } => write!(f, "the DNS record of {domain} to be visible"),
            Self::Visible { value } => write!(f, "the tenant to show {value}"),
            Self::Password { upn } => write!(f, "the password of {upn} to be known in the tenant"),
            Self::AzurePrincipal { upn } => write!(f, "Azure to know {upn}"),
            Self::Replication => f.write_str("replication to all domain controllers"),
            Self::Policy { detail, until } => write!(f, "{detail} at {until}"),
        }
    }
}

/// The result of applying a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ApplyOutcome {
    /// The status of the run.
    #[serde(flatten)]
    pub status: ApplyStatus,
    /// The number of changes in the plan.
    pub total: u64,
    /// The number of changes that were made, waits and tests among them.
    pub done: u64,
    /// The number of waits and tests among them, which change nothing.
    pub waits: u64,
    /// The number of changes whose object was in the desired state already.
    pub unchanged: u64,
    /// The number of changes that were skipped because somebody else changed the value.
    pub stale: u64,
    /// The number of changes that were refused or impossible.
    pub failed: u64,
    /// The number of changes with an unknown result.
    pub unknown: u64,
    /// The first 1,000 failures.
    pub failures: Vec<Failure>,
    /// The outcomes of the changes that were tried, in order; all users together are one.
    pub steps: Vec<StepOutcome>,
    /// The rules of the policy that the plan broke when the run was about to go on after a wait, and stopped.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub violations: Vec<PolicyViolation>,
}

/// A change that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Failure {
    /// The user, by distinguished name, or the change.
    pub object: String,
    /// The error.
    pub error: String,
}

/// The outcome of a single change, or of all users together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct StepOutcome {
    /// The number of the change in the plan; for users, of the first one.
    pub number: u64,
    /// The outcome.
    pub outcome: Outcome,
    /// Details in words, empty if there are none.
    pub detail: String,
}

/// The status of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "status")]
#[non_exhaustive]
pub enum ApplyStatus {
    /// Every change is made.
    Completed,
    /// A limit of the slice is reached, and changes are left.
    More,
    /// There is nothing to do for some time.
    Waiting {
        /// The reason of the wait.
        reason: WaitReason,
        /// The time after which the next slice is useful.
        #[serde(rename = "retry_after_ms", with = "crate::millis")]
        retry_after: Duration,
    },
    /// A change failed, and the changes after it were not tried.
    Stopped {
        /// The number of the change in the plan.
        number: u64,
        /// The title of the change.
        title: String,
        /// The error.
        problem: String,
    },
    /// The caller stopped the run.
    Cancelled {
        /// The number of the next change.
        next: u64,
    },
}

impl ApplyStatus {
    /// Parses the sentence that a journal of format version 1 has in place of a status.
    pub(crate) fn from_text(text: &str) -> Self {
        let stopped = || {
            let (number, rest) = text.strip_prefix("stopped at change ")?.split_once(" (")?;
            let (title, problem) = rest.split_once("): ")?;
            let (title, problem) = (title.to_owned(), problem.to_owned());
            Some(Self::Stopped { number: number.parse().ok()?, title, problem })
        };
        let cancelled = || {
            let next = text.strip_prefix("stopped on request before change ")?.parse().ok()?;
            Some(Self::Cancelled { next })
        };
        let unknown = || Self::Stopped { number: 0, title: String::new(), problem: text.to_owned() };
        match text {
            "completed" => Self::Completed,
            _ => stopped().or_else(cancelled).unwrap_or_else(unknown),
        }
    }
}

impl fmt::Display for ApplyStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Completed => f.write_str("completed"),
            Self::More => f.write_str("not completed: the limit of this call is reached"),
            Self::Waiting { reason, .. } => write!(f, "waiting for {reason}"),
            Self::Stopped { number, title, problem } => {
                write!(f, "stopped at change {number} ({title}): {problem}")
            }
            Self::Cancelled { next } => write!(f, "stopped on request before change {next}"),
        }
    }
}

impl ApplyOutcome {
    pub(crate) fn new(total: u64) -> Self {
        Self {
            status: ApplyStatus::Completed,
            total,
            done: 0,
            waits: 0,
            unchanged: 0,
            stale: 0,
            failed: 0,
            unknown: 0,
            failures: Vec::new(),
            steps: Vec::new(),
            violations: Vec::new(),
        }
    }

    pub(crate) fn count(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Done => self.done += 1,
            Outcome::Unchanged => self.unchanged += 1,
            Outcome::Stale => self.stale += 1,
            Outcome::Unknown => self.unknown += 1,
            Outcome::Failed => self.failed += 1,
            Outcome::Cancelled => {}
        }
    }

    /// Returns the number of changes that were not tried.
    pub fn not_tried(&self) -> u64 {
        self.total.saturating_sub(self.done + self.unchanged + self.stale + self.failed + self.unknown)
    }

    /// Returns the numbers in words.
    pub fn counts(&self) -> String {
        let changes = self.done.saturating_sub(self.waits);
        let waits = match self.waits {
            0 => String::new(),
            1 => " and 1 wait or test".to_owned(),
            count => format!(" and {count} waits or tests"),
        };
        let noun = if changes == 1 { "change" } else { "changes" };
        format!(
            "{changes} {noun}{waits} done, {} already correct, {} skipped because somebody else changed the value, {} failed, {} with \
             unknown result, {} not attempted",
            self.unchanged,
            self.stale,
            self.failed,
            self.unknown,
            self.not_tried()
        )
    }

    /// Returns true if every change of the plan is made.
    pub fn is_complete(&self) -> bool {
        self.status == ApplyStatus::Completed && self.done + self.unchanged == self.total
    }

    /// Returns an error unless every change of the plan is made.
    ///
    /// # Errors
    /// `Cancelled`, `Forbidden` if the policy did not allow the plan any more, or `Unavailable` with the first problem; all have
    /// a hint how to continue.
    pub fn require_complete(&self) -> Result<()> {
        let (kind, hint) = match &self.status {
            ApplyStatus::Completed if self.is_complete() => return Ok(()),
            ApplyStatus::Completed => (ErrorKind::Unavailable, "Run the same command again to continue."),
            ApplyStatus::More | ApplyStatus::Waiting { .. } => {
                (ErrorKind::Unavailable, "Call it again to continue.")
            }
            ApplyStatus::Cancelled { .. } => {
                (ErrorKind::Cancelled, "Completed steps are kept. Run the same command again to continue.")
            }
            ApplyStatus::Stopped { .. } if !self.violations.is_empty() => {
                (ErrorKind::Forbidden, "Completed steps are kept. Make and review a new plan to continue.")
            }
            ApplyStatus::Stopped { .. } if self.stale > 0 && self.failed + self.unknown == 0 => (
                ErrorKind::Unavailable,
                "Completed steps are kept. This plan no longer fits the directories: make and review a new plan to continue.",
            ),
            ApplyStatus::Stopped { .. } => (
                ErrorKind::Unavailable,
                "Completed steps are kept. Fix the problem and run the same command again to continue.",
            ),
        };
        let status = self.status.to_string();
        let detail = format!(
            "{}; {}",
            self.counts(),
            // The problem may end with a sentence and its period.
            status.trim_end_matches('.')
        );
        Err(Error::new(kind, "apply the whole plan").with_detail(detail).with_hint(hint))
    }
}
