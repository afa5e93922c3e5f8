//! The result of applying a plan.

use std::fmt;

use onramp_core::{Error, ErrorKind, Result};
use serde::Serialize;

use crate::journal::Outcome;

/// The number of failures that are kept in words; the journal has them all.
pub(crate) const FAILURES_KEPT: usize = 1000;

/// The result of applying a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ApplyOutcome {
    /// The ending of the run as a whole.
    pub ending: Ending,
    /// Changes in the plan.
    pub total: u64,
    /// Changes made.
    pub done: u64,
    /// Changes that had been made before.
    pub already_so: u64,
    /// Changes not made because somebody else changed the value meanwhile.
    pub stale: u64,
    /// Changes refused or impossible.
    pub failed: u64,
    /// Changes of which nothing tells whether they were made.
    pub unknown: u64,
    /// What failed and why, in words: the first 1,000.
    pub failures: Vec<(String, String)>,
    /// The steps that were tried, in order; all users together are one.
    pub steps: Vec<StepOutcome>,
}

/// The outcome of a step: of a single change, or of all users together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct StepOutcome {
    /// The number of the change in the plan; of users, that of the first.
    pub number: u64,
    /// The outcome.
    pub outcome: Outcome,
    /// Details in words, empty if there are none.
    pub detail: String,
}

/// The ending of a run as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "ending")]
#[non_exhaustive]
pub enum Ending {
    /// Every change was made.
    Completed,
    /// A change failed; those after it were not tried.
    Stopped {
        /// Its number in the plan.
        number: u64,
        /// What it was.
        title: String,
        /// Why it failed.
        problem: String,
    },
    /// The caller asked to stop.
    Cancelled {
        /// The number of the change that comes next.
        next: u64,
    },
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Completed => f.write_str("completed"),
            Self::Stopped { number, title, problem } => {
                write!(f, "stopped at change {number} ({title}): {problem}")
            }
            Self::Cancelled { next } => write!(f, "stopped on request before change {next}"),
        }
    }
}

impl ApplyOutcome {
    pub(super) fn new(total: u64) -> Self {
        Self {
            ending: Ending::Completed,
            total,
            done: 0,
            already_so: 0,
            stale: 0,
            failed: 0,
            unknown: 0,
            failures: Vec::new(),
            steps: Vec::new(),
        }
    }

    pub(crate) fn count(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Done => self.done += 1,
            Outcome::AlreadySo => self.already_so += 1,
            Outcome::Stale => self.stale += 1,
            Outcome::Unknown => self.unknown += 1,
            Outcome::Failed => self.failed += 1,
            Outcome::Cancelled => {}
        }
    }

    /// Changes that were not tried.
    pub fn not_tried(&self) -> u64 {
        self.total.saturating_sub(self.done + self.already_so + self.stale + self.failed + self.unknown)
    }

    /// The counts in words.
    pub fn counts(&self) -> String {
        format!(
            "{} changes done, {} already correct, {} skipped because somebody else changed the value, {} failed, {} with \
             unknown result, {} not attempted",
            self.done,
            self.already_so,
            self.stale,
            self.failed,
            self.unknown,
            self.not_tried()
        )
    }

    /// Whether every change of the plan is so now.
    pub fn is_complete(&self) -> bool {
        self.ending == Ending::Completed && self.done + self.already_so == self.total
    }

    /// `Ok` if every change of the plan is so now.
    ///
    /// # Errors
    /// `Cancelled`, or `Unavailable` with the first problem; both say how to go on.
    pub fn require_complete(&self) -> Result<()> {
        let (kind, hint) = match &self.ending {
            Ending::Completed if self.is_complete() => return Ok(()),
            Ending::Completed => (ErrorKind::Unavailable, "Run the same command again to go on."),
            Ending::Cancelled { .. } => {
                (ErrorKind::Cancelled, "Completed steps are kept. Run the same command again to continue.")
            }
            Ending::Stopped { .. } if self.stale > 0 && self.failed + self.unknown == 0 => (
                ErrorKind::Unavailable,
                "Completed steps are kept. This plan no longer fits the directories: make and review a new plan to continue.",
            ),
            Ending::Stopped { .. } => (
                ErrorKind::Unavailable,
                "Completed steps are kept. Fix the problem and run the same command again to continue.",
            ),
        };
        let ending = self.ending.to_string();
        let detail = format!(
            "{}; {}",
            self.counts(),
            // The problem may end with a whole sentence: what to do next.
            ending.trim_end_matches('.')
        );
        Err(Error::new(kind, "apply the whole plan").with_detail(detail).with_hint(hint))
    }
}
