//! Waiting for many changes: each domain controller is asked how far it is, what changed on it, and about single values
//! only where those two leave a question.
//!
//! The target is the highest `uSNChanged` of our own objects where they were written, and not `highestCommittedUSN`:
//! that also counts other naming contexts, and one without changes is not announced to anybody.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::future::join_all;
use futures_util::stream::{self, StreamExt};
use time::OffsetDateTime;

use super::bulk_report::DIFFERENCES_KEPT;
use super::judgement::{Judge, Judgement};
use super::{
    AttributeValue, BulkReport, ChangesQuery, ControllerProgress, Convergence, DifferingValue,
    DomainController, HighWaterMark, InvocationId, LastContact, Replication, ReplicationGoal,
    ReplicationPosition, ValueProof, ValueStamp, Verdict, WaitOptions,
};
use crate::{Clock, ErrorKind, ObjectGuid, Result};

/// So many values are read one by one at a look; more are read with everything else.
const ONE_BY_ONE: usize = 1000;
/// So many of them at a time.
const AT_A_TIME: usize = 16;

/// See [`ReplicationExt::wait_for`](super::ReplicationExt::wait_for).
pub(super) async fn wait<R: Replication + ?Sized>(
    port: &R,
    goal: &ReplicationGoal,
    options: WaitOptions,
    clock: &dyn Clock,
    on_progress: &mut (dyn for<'r> FnMut(&'r BulkReport) + Send),
) -> Result<BulkReport> {
    let mut waiting = Waiting::start(port, goal, options, clock).await?;
    loop {
        waiting.look().await;
        let waited = clock.elapsed().saturating_sub(waiting.started);
        let report = waiting.report(waited);
        on_progress(&report);
        if waiting.is_over() || waited >= options.timeout {
            return Ok(report);
        }
        clock.sleep(waiting.pause().min(options.timeout.saturating_sub(waited))).await;
    }
}

struct Waiting<'a, R: ?Sized> {
    port: &'a R,
    goal: &'a ReplicationGoal,
    options: WaitOptions,
    clock: &'a dyn Clock,
    started: Duration,
    /// Site of the domain controller that is written to.
    site: String,
    watched: Vec<Watched>,
    /// Places whose value is another one for good.
    lost: Vec<bool>,
    lost_count: u64,
    /// The first of them.
    differences: BTreeMap<usize, DifferingValue>,
}

/// A domain controller that is waited for.
pub(super) struct Watched {
    pub(super) controller: DomainController,
    pub(super) is_writer: bool,
    /// It had every value once, since its database is the one that they were written in.
    pub(super) had_all: bool,
    invocation_id: Option<InvocationId>,
    position: Option<ReplicationPosition>,
    /// Where the next reading of changes begins; 0 is with everything.
    from_usn: u64,
    read_everything: bool,
    /// Places that were not seen with the expected value yet.
    missing: Places,
    /// The highest USN here of the objects that have the expected value.
    top_usn: u64,
    progress: ControllerProgress,
    answered_at: Option<OffsetDateTime>,
    interval: Duration,
    next_look: Duration,
    is_done: bool,
    /// What turned out at this look to be somebody else's value, and where it is.
    overwritten: Vec<(usize, ValueStamp, String)>,
    diverged: Vec<(usize, ValueStamp)>,
}

/// A set of places.
struct Places {
    flags: Vec<bool>,
    count: usize,
}

impl Places {
    fn new(flags: Vec<bool>) -> Self {
        let count = flags.iter().filter(|flag| **flag).count();
        Self { flags, count }
    }

    /// Takes a place out; whether it was in.
    fn remove(&mut self, place: usize) -> bool {
        let was_in = self.flags.get_mut(place).is_some_and(std::mem::take);
        self.count -= usize::from(was_in);
        was_in
    }

    fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        self.flags.iter().enumerate().filter(|(_, flag)| **flag).map(|(place, _)| place)
    }
}

impl<'a, R: Replication + ?Sized> Waiting<'a, R> {
    async fn start(
        port: &'a R,
        goal: &'a ReplicationGoal,
        options: WaitOptions,
        clock: &'a dyn Clock,
    ) -> Result<Self> {
        let started = clock.elapsed();
        let mark = &goal.mark;
        let writer = match port.writer(&mark.context).await {
            Ok(writer) => writer.host,
            Err(error) if *error.kind() == ErrorKind::Unsupported => return Err(error),
            // It may be back soon. Until then the values alone are looked at.
            Err(_) => mark.writer.clone(),
        };
        let all = port.controllers().await?;
        let watched: Vec<Watched> = all
            .into_iter()
            .filter(|controller| controller.holds(&mark.context))
            .map(|controller| Watched::new(controller, goal, &writer, started, options.first_interval))
            .collect();
        let home = watched.iter().find(|watched| watched.is_writer);
        let site = home.map(|watched| watched.controller.site.clone()).unwrap_or_default();
        let lost = vec![false; goal.expected.len()];
        Ok(Self {
            port,
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

    /// Looks at each domain controller whose time has come, first at the one that is written to.
    async fn look(&mut self) {
        let now = self.clock.elapsed();
        for writers_turn in [true, false] {
            let target = self.target();
            let writer = self.watched.iter().find(|watched| watched.is_writer);
            let writer = writer.map(|watched| (watched.controller.clone(), watched.had_all));
            let look = Look {
                port: self.port,
                goal: self.goal,
                clock: self.clock,
                lost: &self.lost,
                target: target.as_ref(),
                writer: writer.as_ref().map(|(controller, had_all)| (controller, *had_all)),
            };
            let due = self.watched.iter_mut().filter(|watched| {
                watched.is_writer == writers_turn && !watched.is_done && watched.next_look <= now
            });
            join_all(due.map(|watched| look.at(watched))).await;
            self.take_over();
        }
        let now = self.clock.elapsed();
        for watched in self.watched.iter_mut().filter(|watched| watched.next_look <= now) {
            let near = watched.controller.site.eq_ignore_ascii_case(&self.site);
            let longest = match near {
                true => self.options.longest_interval,
                false => self.options.longest_interval_between_sites,
            };
            watched.next_look = now + watched.interval;
            watched.interval = (watched.interval * 2).min(longest);
        }
    }

    /// Takes note of what the looks found out for all.
    fn take_over(&mut self) {
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
                } else if self.differences.len() < DIFFERENCES_KEPT {
                    let difference = self.difference(place, stamp, host, Verdict::Overwritten);
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

    /// Whether waiting longer changes nothing.
    fn is_over(&self) -> bool {
        let hopeless = |watched: &Watched| watched.progress.convergence == Convergence::ReplicationDisabled;
        self.watched.iter().all(|watched| watched.is_done || hopeless(watched))
    }

    fn pause(&self) -> Duration {
        let next = self.watched.iter().filter(|watched| !watched.is_done).map(|watched| watched.next_look);
        let next = next.min().unwrap_or_default();
        next.saturating_sub(self.clock.elapsed()).max(Duration::from_millis(1))
    }

    fn report(&self, waited: Duration) -> BulkReport {
        let target = self.target();
        let mut differences: BTreeMap<usize, DifferingValue> = self.differences.clone();
        let mut diverged = std::collections::BTreeSet::new();
        for watched in &self.watched {
            for (place, stamp) in &watched.diverged {
                diverged.insert(*place);
                let host = watched.controller.host.clone();
                if differences.len() < DIFFERENCES_KEPT {
                    let difference = self.difference(*place, stamp.clone(), host, Verdict::Diverged);
                    difference.map(|difference| differences.entry(*place).or_insert(difference));
                }
            }
        }
        let controllers = self.watched.iter().map(|watched| {
            let mut progress = watched.progress.clone();
            if progress.convergence != Convergence::Converged {
                progress.last_contact = self.last_contact(watched, target.as_ref());
            }
            progress
        });
        BulkReport {
            context: self.goal.mark.context.clone(),
            attribute: self.goal.attribute.clone(),
            expected: self.goal.expected.len() as u64,
            controllers: controllers.collect(),
            target,
            differing: self.lost_count + diverged.len() as u64,
            differences: differences.into_values().collect(),
            waited_ms: waited.as_millis().try_into().unwrap_or(u64::MAX),
            timeout_ms: self.options.timeout.as_millis().try_into().unwrap_or(u64::MAX),
        }
    }

    /// When a domain controller was last heard from: one that answers us, by when it was in step with the one written
    /// to; another, by what anybody knows of it.
    fn last_contact(&self, watched: &Watched, target: Option<&HighWaterMark>) -> Option<LastContact> {
        if !matches!(watched.progress.convergence, Convergence::Unreachable { .. }) {
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
        verdict: Verdict,
    ) -> Option<DifferingValue> {
        let (guid, expected) = self.goal.expected.get(place)?;
        let text = |value: &AttributeValue| value.to_string();
        let written_on = stamp.written.and_then(|written| {
            let wrote = |watched: &&Watched| {
                [watched.invocation_id, watched.controller.invocation_id].contains(&Some(written.by))
            };
            self.watched.iter().find(wrote).map(|watched| watched.controller.host.clone())
        });
        Some(DifferingValue {
            guid: *guid,
            expected: expected.as_ref().map(text),
            found: stamp.value.as_ref().map(text),
            on: vec![host],
            verdict,
            written: stamp.written,
            written_on,
        })
    }
}

impl Watched {
    fn new(
        controller: DomainController,
        goal: &ReplicationGoal,
        writer: &str,
        now: Duration,
        interval: Duration,
    ) -> Self {
        let mark = &goal.mark;
        let marked = mark.of(&controller.host);
        let is_writer = controller.host.eq_ignore_ascii_case(writer);
        Self {
            progress: ControllerProgress::new(&controller),
            is_writer,
            had_all: is_writer && mark.writer.eq_ignore_ascii_case(writer),
            invocation_id: marked.and_then(|marked| marked.invocation_id),
            position: None,
            from_usn: marked.map_or(0, |marked| marked.highest_usn.saturating_add(1)),
            read_everything: false,
            missing: Places::new(goal.places()),
            top_usn: 0,
            answered_at: None,
            interval,
            next_look: now,
            is_done: false,
            overwritten: Vec::new(),
            diverged: Vec::new(),
            controller,
        }
    }
}

/// One round of looks.
struct Look<'a, R: ?Sized> {
    port: &'a R,
    goal: &'a ReplicationGoal,
    clock: &'a dyn Clock,
    lost: &'a [bool],
    target: Option<&'a HighWaterMark>,
    /// The domain controller that is written to, and whether it had every value once.
    writer: Option<(&'a DomainController, bool)>,
}

impl<R: Replication + ?Sized> Look<'_, R> {
    async fn at(&self, watched: &mut Watched) {
        let diverged_before = matches!(watched.progress.convergence, Convergence::Diverged { .. });
        let outcome = self.progress(watched).await;
        let convergence =
            outcome.unwrap_or_else(|error| Convergence::Unreachable { reason: error.to_string() });
        watched.is_done = match &convergence {
            Convergence::Converged => true,
            // Twice in a row, so that a change that arrives at this very moment is not taken for it.
            Convergence::Diverged { .. } => diverged_before,
            _ => false,
        };
        watched.progress.convergence = convergence;
        watched.progress.missing = Some(watched.missing.count as u64);
    }

    async fn progress(&self, watched: &mut Watched) -> Result<Convergence> {
        let position = self.port.position(&watched.controller, &self.goal.mark.context).await?;
        watched.answered_at = Some(self.clock.now());
        if let (Some(before), Some(now)) = (watched.invocation_id, position.invocation_id)
            && before != now
        {
            // Restored from a backup: its numbers started over, and what was written to it may be gone.
            (watched.from_usn, watched.top_usn, watched.had_all) = (0, 0, false);
        }
        watched.invocation_id = position.invocation_id.or(watched.invocation_id);
        watched.diverged.clear();
        for (place, _) in self.lost.iter().enumerate().filter(|(_, lost)| **lost) {
            watched.missing.remove(place);
        }
        let mut arrived = 0;
        let reads_all = self.goal.proof == ValueProof::Every || watched.is_writer;
        // A few values are not worth reading everything for, where it is not known what changed.
        let is_worth_it = watched.from_usn > 0 || watched.missing.count > ONE_BY_ONE;
        let has_news = position.highest_usn >= watched.from_usn;
        if reads_all && is_worth_it && watched.missing.count > 0 && has_news {
            watched.read_everything |= watched.from_usn == 0;
            arrived = self.read(watched, watched.from_usn).await?;
            watched.from_usn = position.highest_usn.saturating_add(1);
        }
        let behind = match self.target {
            _ if watched.is_writer => Some(0),
            Some(target) => position.behind(&target.invocation_id, target.usn),
            None => None,
        };
        // Values that are missing although everything has arrived, or although nothing more comes where that cannot be
        // told: they were there before the mark, or are other ones.
        if watched.missing.count > 0 && (behind == Some(0) || behind.is_none() && arrived == 0) {
            self.settle(watched, &position).await?;
        }
        watched.position = Some(position);
        let missing = watched.missing.count;
        Ok(match behind {
            Some(usns) if usns > 0 && !watched.controller.inbound_disabled => Convergence::Behind { usns },
            _ if missing == 0 && behind.unwrap_or_default() == 0 => Convergence::Converged,
            _ if watched.controller.inbound_disabled => Convergence::ReplicationDisabled,
            _ if missing == watched.diverged.len() => Convergence::Diverged { values: missing as u64 },
            _ => Convergence::Lagging,
        })
    }

    /// Reads what changed on a domain controller and takes note of expected values; says of how many.
    async fn read(&self, watched: &mut Watched, from_usn: u64) -> Result<usize> {
        let mut query =
            ChangesQuery::new(self.goal.mark.context.clone(), self.goal.attribute.clone(), from_usn);
        query.filter = self.goal.filter.clone();
        let mut arrived = 0;
        let mut changes = self.port.changes(&watched.controller, query);
        while let Some(change) = changes.next().await {
            let change = change?;
            let Some(place) = self.goal.place_of(&change.guid) else { continue };
            let expected = self.goal.expected.get(place).map(|(_, value)| value);
            if expected == Some(&change.value) {
                watched.top_usn = watched.top_usn.max(change.usn);
                arrived += usize::from(watched.missing.remove(place));
            }
        }
        Ok(arrived)
    }

    /// Finds out about the values that are missing: all in one go if they are many, then one by one.
    async fn settle(&self, watched: &mut Watched, position: &ReplicationPosition) -> Result<()> {
        let reads_all = self.goal.proof == ValueProof::Every;
        if reads_all && watched.missing.count > ONE_BY_ONE && !watched.read_everything {
            self.read(watched, 0).await?;
            watched.read_everything = true;
        }
        let places: Vec<usize> = watched.missing.iter().take(ONE_BY_ONE).collect();
        let judge = Judge {
            port: self.port,
            attribute: &self.goal.attribute,
            controller: &watched.controller,
            position,
            is_truth: watched.had_all,
            writer: self.writer.filter(|(writer, _)| writer.host != watched.controller.host),
        };
        let judge = &judge;
        let judged = stream::iter(places).map(|place| async move {
            let expected: Option<&(ObjectGuid, Option<AttributeValue>)> = self.goal.expected.get(place);
            let judgement = match expected {
                Some((guid, value)) => judge.judge(guid, value.as_ref()).await,
                None => Judgement::Lags,
            };
            (place, judgement)
        });
        let judged: Vec<(usize, Judgement)> = judged.buffer_unordered(AT_A_TIME).collect().await;
        for (place, judgement) in judged {
            match judgement {
                Judgement::Held(written) => {
                    watched.missing.remove(place);
                    let own = written.filter(|written| Some(written.by) == watched.invocation_id);
                    watched.top_usn = watched.top_usn.max(own.map_or(0, |written| written.usn));
                }
                Judgement::Overwritten(stamp, host) => {
                    watched.missing.remove(place);
                    watched.overwritten.push((place, stamp, host));
                }
                Judgement::Diverged(stamp) => watched.diverged.push((place, stamp)),
                Judgement::Lags => {}
            }
        }
        Ok(())
    }
}
