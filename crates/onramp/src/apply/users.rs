//! Many users, several at a time, each by compare-and-swap.

use std::collections::HashMap;
use std::future::ready;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::StreamExt;
use onramp_core::ErrorKind;
use onramp_core::Result;
use onramp_core::forest::{UpnChanged, UpnOutcome};

use super::outcome::FAILURES_KEPT;
use super::{Ending, Run};
use crate::event::Event;
use crate::journal::{JournalEntry, Outcome};
use crate::plan::Change;

/// After so many refusals in a row that concern the server and not the user, the rest is not tried.
const PATIENCE: u32 = 20;
/// Journal records between two fsyncs, at most.
const GROUP: u64 = 256;
/// Time between two fsyncs, at most, while outcomes come.
const GROUP_TIME: Duration = Duration::from_millis(500);

impl Run<'_> {
    /// Makes the changes at those places of the plan; says whether the run goes on.
    pub(super) async fn users(&mut self, places: Range<usize>) -> Result<bool> {
        let plan = self.plan.shared();
        let changes = plan.changes().get(places.clone()).unwrap_or_default();
        let Some(first) = changes.first() else { return Ok(true) };
        let (total, next) = (changes.len() as u64, first.number);
        let title = format!("change the UPN of {total} users");
        self.tell(Event::ChangeStarted { number: next, total: self.outcome.total, title });
        let numbers: HashMap<_, _> = changes
            .iter()
            .filter_map(|planned| match &planned.change {
                Change::ChangeUpn { upn } => Some((upn.guid, planned.number)),
                _ => None,
            })
            .collect();
        if let Err(error) = self.mark_replication(changes).await {
            // Only a cancelled run is not marked, and nothing was tried yet.
            debug_assert!(error.is_cancelled());
            self.outcome.ending = Ending::Cancelled { next };
            return Ok(false);
        }
        let given_up = Arc::new(AtomicBool::new(false));
        let source = {
            let (plan, token) = (Arc::clone(&plan), self.onramp.cancellation.clone());
            let given_up = Arc::clone(&given_up);
            futures_util::stream::iter(places)
                .take_while(move |_| ready(!token.is_cancelled() && !given_up.load(Ordering::Relaxed)))
                .filter_map(move |place| {
                    ready(match plan.changes().get(place).map(|planned| &planned.change) {
                        Some(Change::ChangeUpn { upn }) => Some(upn.clone()),
                        _ => None,
                    })
                })
        };
        let mut outcomes = self.onramp.forest.users.change_upns(source.boxed());
        let started = self.onramp.clock.elapsed();
        let (mut tried, mut bad, mut in_a_row, mut unflushed) = (0, 0, 0, 0);
        let (mut last_bad, mut flushed_at) = (None, started);
        while let Some(UpnOutcome { change, result }) = outcomes.next().await {
            tried += 1;
            let (outcome, detail) = match &result {
                Ok(UpnChanged::AlreadySo) => (Outcome::AlreadySo, String::new()),
                Ok(UpnChanged::FoundChanged) => {
                    (Outcome::Done, "its answer was lost; reading showed that it was made".to_owned())
                }
                Ok(_) => (Outcome::Done, String::new()),
                Err(error) => (Outcome::of(error), error.to_string()),
            };
            in_a_row = match &result {
                Err(error) if concerns_server(error.kind()) => in_a_row + 1,
                _ => 0,
            };
            if in_a_row >= PATIENCE {
                given_up.store(true, Ordering::Relaxed);
            }
            self.outcome.count(outcome);
            if !outcome.is_good() {
                bad += 1;
                if self.outcome.failures.len() < FAILURES_KEPT {
                    self.outcome.failures.push((change.dn.to_string(), detail.clone()));
                }
                last_bad = Some((change.dn.to_string(), detail.clone()));
            }
            self.write(JournalEntry::ChangeEnded {
                number: numbers.get(&change.guid).copied().unwrap_or_default(),
                outcome,
                object: Some(change.guid.to_string()),
                before: change.before,
                after: Some(change.after.to_string()),
                detail,
            })?;
            unflushed += 1;
            let now = self.onramp.clock.elapsed();
            if unflushed >= GROUP || now.saturating_sub(flushed_at) >= GROUP_TIME {
                self.journal.flush()?;
                (unflushed, flushed_at) = (0, now);
            }
            if tried == total || tried % (total / 100).max(1) == 0 {
                let seconds = now.saturating_sub(started).as_secs_f64();
                let per_second = if seconds > 0.0 { tried as f64 / seconds } else { 0.0 };
                self.tell(Event::Users { done: tried, total, failed: bad, per_second });
            }
        }
        drop(outcomes);
        self.journal.flush()?;
        let detail = format!("{} changed or already so, {bad} not, {} not tried", tried - bad, total - tried);
        let good = bad == 0 && tried == total;
        let outcome = if good { Outcome::Done } else { Outcome::Failed };
        self.tell(Event::ChangeEnded { number: next, total: self.outcome.total, outcome, detail });
        if self.onramp.cancellation.is_cancelled() && tried < total {
            self.outcome.ending = Ending::Cancelled { next: next + tried };
            return Ok(false);
        }
        if let Some((who, why)) = last_bad {
            self.outcome.ending = Ending::Stopped {
                number: next,
                title: format!("change the UPN of {total} users"),
                problem: format!("{bad} users were not changed, the last of them {who}: {why}"),
            };
            return Ok(false);
        }
        Ok(true)
    }
}

/// Whether an error would meet every other user too.
fn concerns_server(kind: &ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::Unavailable
            | ErrorKind::Unauthenticated
            | ErrorKind::Throttled { .. }
            | ErrorKind::OutcomeUnknown
    )
}
