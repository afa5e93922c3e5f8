//! A run: its context, its journal and its outcome so far.

use std::time::Duration;

use onramp_core::{Error, ErrorKind, Result};

use super::context::Context;
use crate::event::Event;
use crate::journal::{Journal, JournalEntry, JournalRecord, JournalState};
use crate::outcome::{ApplyOutcome, Outcome, WaitReason};
use crate::policy::{PolicyDecision, RunProgress};

/// The minimum time between two decisions of a policy about the same change.
const MIN_POLICY_WAIT: Duration = Duration::from_secs(1);

/// A run of an approved plan.
pub(crate) struct Run<'a> {
    pub(crate) context: Context<'a>,
    pub(crate) journal: &'a mut dyn Journal,
    pub(crate) opened: JournalState,
    /// The digest of the plan.
    pub(crate) digest: String,
    pub(crate) outcome: ApplyOutcome,
}

impl Run<'_> {
    /// Hands control to the caller if a limit of the slice is reached.
    pub(crate) async fn pause_at_limit(&mut self) {
        self.context.slices.publish(&self.outcome);
        if self.context.slices.budget() == 0 {
            self.context.slices.pause_at_limit().await;
        }
    }

    /// Returns the decision of the policy about the next change.
    pub(crate) fn decide(&self) -> PolicyDecision {
        let onramp = &self.context.onramp;
        onramp.policy.as_ref().map_or(PolicyDecision::Continue, |policy| {
            policy.decide(&RunProgress::new(self.context.plan.plan(), &self.outcome, onramp.clock.now()))
        })
    }

    /// Waits until the policy allows the next change, or the run is cancelled. Returns the reason if the policy stops the
    /// run.
    pub(crate) async fn wait_for_policy(&mut self) -> Option<String> {
        loop {
            let (until, detail) = match self.decide() {
                PolicyDecision::Continue => return None,
                PolicyDecision::Stop { reason } => return Some(reason),
                PolicyDecision::WaitUntil { until, reason } => (until, reason),
            };
            self.context.slices.publish(&self.outcome);
            let left = Duration::try_from(until - self.context.onramp.clock.now()).unwrap_or_default();
            let left = left.max(MIN_POLICY_WAIT);
            let action = format!("wait for {detail}");
            self.context.notify(Event::Waiting {
                reason: WaitReason::Policy { detail, until },
                waited: Duration::ZERO,
                timeout: left,
            });
            if self.context.pause(&action, left).await.is_err() {
                return None;
            }
        }
    }

    /// Reviews the plan again before the first write of a slice: while the run waited, a plan can become too old. Returns the
    /// reason if the policy does not allow it any more.
    pub(crate) async fn review_after_wait(&mut self) -> Option<String> {
        if self.context.slices.is_reviewed() {
            return None;
        }
        match self.context.onramp.review_approved(self.context.plan).await {
            Ok(violations) if violations.is_empty() => {
                self.context.slices.set_reviewed();
                None
            }
            Ok(violations) => {
                let all: Vec<String> = violations.iter().map(ToString::to_string).collect();
                self.outcome.violations = violations;
                Some(format!("the policy does not allow the plan any more: {}", all.join("; ")))
            }
            Err(error) if error.is_cancelled() => None,
            Err(error) => Some(format!("the policy cannot review the plan again: {error}")),
        }
    }

    /// Adds the outcome of a change to the numbers.
    pub(crate) fn count(&mut self, outcome: Outcome) {
        self.outcome.count(outcome);
        self.context.slices.count(outcome == Outcome::Done);
    }

    /// Returns the time for which an interrupted run waited in that change already.
    pub(crate) fn waited_before(&self, number: u64) -> Duration {
        let since = self.opened.started_at(&self.digest, number);
        let waited = since.map(|since| self.context.onramp.clock.now() - since);
        waited.and_then(|waited| waited.try_into().ok()).unwrap_or_default()
    }

    /// Returns true if a change was sent and the run was stopped before its result.
    pub(crate) fn is_cut_short(&self, error: &Error) -> bool {
        error.kind() == ErrorKind::OutcomeUnknown && self.context.onramp.cancellation.is_cancelled()
    }

    /// Writes an entry of the journal and makes it durable.
    pub(crate) async fn record(&mut self, entry: JournalEntry) -> Result<()> {
        self.write(vec![entry]).await?;
        self.journal.flush().await
    }

    /// Appends entries to the journal.
    pub(crate) async fn write(&mut self, entries: Vec<JournalEntry>) -> Result<()> {
        let at = self.context.onramp.clock.now();
        let records: Vec<JournalRecord> =
            entries.into_iter().map(|entry| JournalRecord { at, entry }).collect();
        self.journal.append(self.opened.epoch, &records).await
    }

    /// Makes everything that was appended to the journal durable.
    pub(crate) async fn flush(&mut self) -> Result<()> {
        self.journal.flush().await
    }
}

/// Adds the changes that are not recorded to an error of the journal.
pub(crate) fn unrecorded(error: &Error, what: &str) -> Error {
    let detail = format!("{}; {what}", error.to_string().trim_end_matches('.'));
    Error::new(error.kind(), "record what was done")
        .with_detail(detail)
        .with_hint("Free space or choose another place, then run the same command again to continue.")
}
