//! Waiting for many changes: each domain controller is asked how far it is, what changed on it, and about single values
//! only where those two leave a question.
//!
//! The target is the highest `uSNChanged` of our own objects where they were written, and not `highestCommittedUSN`:
//! that also counts other naming contexts, and one without changes is not announced to anybody.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::future::join_all;
use onramp_core::forest::{AttributeValue, ReplicationMetadata, ValueStamp};
use onramp_core::{Clock, Forest, Result};

use super::controller_state::ControllerState;
use super::poll::Poll;
use super::report::MISMATCHES_KEPT;
use super::wait_options::{OnProgress, WaitOptions};
use super::{
    HighWaterMark, LastContact, MismatchCause, ReplicationGoal, ReplicationReport, ReplicationState,
    ReplicationSubject, ValueMismatch,
};

/// Waits for many changes; see [`ReplicationExt::wait_for`](super::ReplicationExt::wait_for_changes).
pub(super) async fn wait(
    forest: &Forest,
    metadata: &dyn ReplicationMetadata,
    goal: &ReplicationGoal,
    options: WaitOptions,
    clock: &dyn Clock,
    mut on_progress: OnProgress<'_>,
) -> Result<ReplicationReport> {
    let mut waiting = Waiting::start(forest, metadata, goal, options, clock).await?;
    loop {
        waiting.poll().await;
        let waited = clock.elapsed().saturating_sub(waiting.started);
        let report = waiting.report(waited);
        if let Some(on_progress) = &mut on_progress {
            on_progress(&report);
        }
        if waiting.is_over() || waited >= options.timeout {
            return Ok(report);
        }
        clock.sleep(waiting.pause().min(options.timeout.saturating_sub(waited))).await;
    }
}

struct Waiting<'a> {
    metadata: &'a dyn ReplicationMetadata,
    goal: &'a ReplicationGoal,
    options: WaitOptions,
    clock: &'a dyn Clock,
    started: Duration,
    /// The site of the domain controller that is written to.
    site: String,
    watched: Vec<ControllerState>,
    /// A flag per index: true if the value was overwritten.
    lost: Vec<bool>,
    lost_count: u64,
    /// The first of the overwritten values.
    differences: BTreeMap<usize, ValueMismatch>,
}

impl<'a> Waiting<'a> {
    async fn start(
        forest: &Forest,
        metadata: &'a dyn ReplicationMetadata,
        goal: &'a ReplicationGoal,
        options: WaitOptions,
        clock: &'a dyn Clock,
    ) -> Result<Self> {
        let started = clock.elapsed();
        let mark = &goal.mark;
        let writer = match metadata.writer(&mark.context).await {
            Ok(writer) => writer.host,
            // It may be back soon. Until then the values alone are looked at.
            Err(_) => mark.writer.clone(),
        };
        let all = forest.replication.controllers().await?;
        let watched: Vec<ControllerState> = all
            .into_iter()
            .filter(|controller| controller.holds(&mark.context))
            .map(|controller| {
                ControllerState::new(controller, goal, &writer, started, options.first_interval)
            })
            .collect();
        let home = watched.iter().find(|watched| watched.is_writer);
        let site = home.map(|watched| watched.controller.site.clone()).unwrap_or_default();
        let lost = vec![false; goal.expected.len()];
        Ok(Self {
            metadata,
            goal,
            options,
            clock,
            started,
            site,
            watched,
            lost,
            lost_count: 0,
            differences: BTreeMap::new(),
        })
    }

    /// Polls each domain controller whose time has come, first the one that is written to.
    async fn poll(&mut self) {
        let now = self.clock.elapsed();
        for writers_turn in [true, false] {
            let target = self.target();
            let writer = self.watched.iter().find(|watched| watched.is_writer);
            let writer = writer.map(|watched| (watched.controller.clone(), watched.had_all));
            let poll = Poll {
                metadata: self.metadata,
                goal: self.goal,
                clock: self.clock,
                lost: &self.lost,
                target: target.as_ref(),
                writer: writer.as_ref().map(|(controller, had_all)| (controller, *had_all)),
            };
            let due = self.watched.iter_mut().filter(|watched| {
                watched.is_writer == writers_turn && !watched.is_done && watched.next_poll <= now
            });
            join_all(due.map(|watched| poll.run(watched))).await;
            self.collect();
        }
        let now = self.clock.elapsed();
        for watched in self.watched.iter_mut().filter(|watched| watched.next_poll <= now) {
            let near = watched.controller.site.eq_ignore_ascii_case(&self.site);
            let longest = match near {
                true => self.options.longest_interval,
                false => self.options.longest_interval_between_sites,
            };
            watched.next_poll = now + watched.interval;
            watched.interval = (watched.interval * 2).min(longest);
        }
    }

    /// Collects the overwritten values that the polls found.
    fn collect(&mut self) {
        for at in 0..self.watched.len() {
            let found = self.watched.get_mut(at).map(|watched| std::mem::take(&mut watched.overwritten));
            for (place, stamp, host) in found.unwrap_or_default() {
                if self.lost.get_mut(place).is_some_and(|lost| !std::mem::replace(lost, true)) {
                    self.lost_count += 1;
                }
                if let Some(known) = self.differences.get_mut(&place) {
                    if !known.on.contains(&host) {
                        known.on.push(host);
                    }
                } else if self.differences.len() < MISMATCHES_KEPT {
                    let difference = self.difference(place, stamp, host, MismatchCause::Overwritten);
                    self.differences.extend(difference.map(|difference| (place, difference)));
                }
            }
        }
    }

    fn target(&self) -> Option<HighWaterMark> {
        let writer = self.watched.iter().find(|watched| watched.is_writer && watched.top_usn > 0)?;
        let (host, usn) = (writer.controller.host.clone(), writer.top_usn);
        Some(HighWaterMark { host, invocation_id: writer.invocation_id?, usn })
    }

    /// Returns true if waiting longer changes nothing.
    fn is_over(&self) -> bool {
        let hopeless =
            |watched: &ControllerState| watched.status.state == ReplicationState::ReplicationDisabled;
        self.watched.iter().all(|watched| watched.is_done || hopeless(watched))
    }

    fn pause(&self) -> Duration {
        let next = self.watched.iter().filter(|watched| !watched.is_done).map(|watched| watched.next_poll);
        let next = next.min().unwrap_or_default();
        next.saturating_sub(self.clock.elapsed()).max(Duration::from_millis(1))
    }

    fn report(&self, waited: Duration) -> ReplicationReport {
        let target = self.target();
        let mut differences: BTreeMap<usize, ValueMismatch> = self.differences.clone();
        let mut diverged = std::collections::BTreeSet::new();
        for watched in &self.watched {
            for (place, stamp) in &watched.diverged {
                diverged.insert(*place);
                let host = watched.controller.host.clone();
                if differences.len() < MISMATCHES_KEPT {
                    let difference = self.difference(*place, stamp.clone(), host, MismatchCause::Diverged);
                    difference.map(|difference| differences.entry(*place).or_insert(difference));
                }
            }
        }
        let controllers = self.watched.iter().map(|watched| {
            let mut status = watched.status.clone();
            if status.state != ReplicationState::Converged {
                status.last_contact = self.last_contact(watched, target.as_ref());
            }
            status
        });
        ReplicationReport {
            subject: ReplicationSubject::Attribute {
                context: self.goal.mark.context.clone(),
                attribute: self.goal.attribute.clone(),
                expected: self.goal.expected.len() as u64,
            },
            controllers: controllers.collect(),
            target,
            differing: self.lost_count + diverged.len() as u64,
            differences: differences.into_values().collect(),
            waited_ms: waited.as_millis().try_into().unwrap_or(u64::MAX),
            timeout_ms: self.options.timeout.as_millis().try_into().unwrap_or(u64::MAX),
        }
    }

    /// Returns the last contact with a domain controller: for one that answers, its last replication with the one written
    /// to; for another, the latest that any domain controller knows.
    fn last_contact(&self, watched: &ControllerState, target: Option<&HighWaterMark>) -> Option<LastContact> {
        if !matches!(watched.status.state, ReplicationState::Unreachable { .. }) {
            let target = target?;
            let at = watched.position.as_ref()?.cursor(&target.invocation_id)?.last_sync?;
            return Some(LastContact { at, by: Some(target.host.clone()) });
        }
        let identity = watched.invocation_id.or(watched.controller.invocation_id);
        let told = self.watched.iter().filter_map(|other| {
            let at = other.position.as_ref()?.cursor(&identity?)?.last_sync?;
            Some(LastContact { at, by: Some(other.controller.host.clone()) })
        });
        let ourselves = watched.answered_at.map(|at| LastContact { at, by: None });
        told.chain(ourselves).max_by_key(|contact| contact.at)
    }

    fn difference(
        &self,
        place: usize,
        stamp: ValueStamp,
        host: String,
        cause: MismatchCause,
    ) -> Option<ValueMismatch> {
        let (guid, expected) = self.goal.expected.get(place)?;
        let text = |value: &AttributeValue| value.to_string();
        let written_on = stamp.written.and_then(|written| {
            let wrote = |watched: &&ControllerState| {
                [watched.invocation_id, watched.controller.invocation_id].contains(&Some(written.by))
            };
            self.watched.iter().find(wrote).map(|watched| watched.controller.host.clone())
        });
        Some(ValueMismatch {
            guid: *guid,
            expected: expected.as_ref().map(text),
            found: stamp.value.as_ref().map(text),
            on: vec![host],
            cause,
            written: stamp.written,
            written_on,
        })
    }
}
