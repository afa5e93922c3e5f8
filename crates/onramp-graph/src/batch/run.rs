//! The engine of a bulk run: takes changes, fills batches, sends them, and decides about every answer.

use std::collections::{BTreeMap, VecDeque};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, Stream, StreamExt};
use onramp_core::{Error, ErrorKind, Result};

use super::exchange::{Answer, exchange};
use super::verdict::{Job, Verdict, judge, judge_failure};
use super::{Applied, BulkMonitor, BulkWriter, Outcome, envelope};
use crate::batch::change::GraphChange;
use crate::endpoints::Audience;
use crate::http::error::{Failure, Next};
use crate::http::pacer::{Grant, Reservation, Usage};
use crate::http::request::Request;

/// While somebody else's requests use up a limit, it is looked at again after this time.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

type Source<K> = Pin<Box<dyn Stream<Item = (K, GraphChange)> + Send>>;

pub(super) struct Driver<K> {
    writer: BulkWriter,
    /// `None` when it has ended.
    source: Option<Source<K>>,
    /// Changes for the next batch.
    gathered: Vec<Job<K>>,
    /// Changes to be sent again, by the time and the order in which they were taken.
    again: BTreeMap<(Duration, u64), Job<K>>,
    under_way: FuturesUnordered<BoxFuture<'static, Done<K>>>,
    outcomes: VecDeque<Outcome<K>>,
    /// Until it is over nothing is sent.
    pause: Option<BoxFuture<'static, ()>>,
    /// Rings when the next change is to be sent again.
    alarm: Option<(Duration, BoxFuture<'static, ()>)>,
    /// How many batches may be under way now.
    allowed: usize,
    taken: u64,
    /// In order, and one was refused: nothing more is sent.
    stopped: bool,
    monitor: BulkMonitor,
}

/// What came back.
struct Done<K> {
    jobs: Vec<Job<K>>,
    reservation: Reservation,
    answer: Answer,
}

impl<K: Send + 'static> Driver<K> {
    pub(super) fn new(writer: BulkWriter, source: Source<K>, monitor: BulkMonitor) -> Self {
        let writer =
            BulkWriter { concurrency: if writer.in_order { 1 } else { writer.concurrency }, ..writer };
        Self {
            allowed: writer.concurrency,
            writer,
            source: Some(source),
            gathered: Vec::new(),
            again: BTreeMap::new(),
            under_way: FuturesUnordered::new(),
            outcomes: VecDeque::new(),
            pause: None,
            alarm: None,
            taken: 0,
            stopped: false,
            monitor,
        }
    }

    pub(super) fn poll_outcome(&mut self, cx: &mut Context<'_>) -> Poll<Option<Outcome<K>>> {
        loop {
            if let Some(outcome) = self.outcomes.pop_front() {
                return Poll::Ready(Some(outcome));
            }
            while let Poll::Ready(Some(done)) = self.under_way.poll_next_unpin(cx) {
                self.digest(done);
            }
            if !self.outcomes.is_empty() {
                continue;
            }
            if self.stopped {
                self.cancel_the_rest(cx);
            } else if self.send_something(cx) {
                continue;
            }
            self.note_waiting();
            if !self.outcomes.is_empty() {
                continue;
            }
            let nothing_left = self.source.is_none() && self.gathered.is_empty() && self.again.is_empty();
            return if nothing_left && self.under_way.is_empty() { Poll::Ready(None) } else { Poll::Pending };
        }
    }

    /// Whether anything was sent, or became possible.
    fn send_something(&mut self, cx: &mut Context<'_>) -> bool {
        if let Some(pause) = &mut self.pause {
            if pause.poll_unpin(cx).is_pending() {
                return false;
            }
            self.pause = None;
            self.monitor.update(|stats| stats.pause = None);
        }
        if self.under_way.len() >= self.allowed {
            return false;
        }
        let now = self.now();
        self.gather(cx, now);
        let Some(first) = self.gathered.first() else {
            return self.poll_alarm(cx, now) || !self.outcomes.is_empty();
        };
        let whole = first.alone || first.must_look();
        let full = self.gathered.len() >= self.writer.size;
        // More may come while another batch is under way; alone, nothing is gained by waiting.
        if !whole && !full && self.source.is_some() && !self.under_way.is_empty() {
            return false;
        }
        if let Some(opens) = self.writer.transport.gate.opens(Audience::Graph, now) {
            return self.wait_until(opens, now);
        }
        let pacer = &self.writer.transport.pacer;
        match pacer.reserve(if whole { 1 } else { self.gathered.len() }, now) {
            Grant::Now(reservation) => {
                self.send(reservation, now);
                true
            }
            Grant::At(time) => self.wait_until(time, now),
            Grant::WhenAnswered if self.under_way.is_empty() => self.wait_until(now + LOOK_AGAIN, now),
            Grant::WhenAnswered => false,
        }
    }

    /// Takes what is due again first, then from the source.
    fn gather(&mut self, cx: &mut Context<'_>, now: Duration) {
        let single = |job: &Job<K>| job.alone || job.must_look();
        while self.gathered.len() < self.writer.size && !self.gathered.first().is_some_and(single) {
            if let Some(next) = self.again.first_entry()
                && next.key().0 <= now
            {
                if single(next.get()) && !self.gathered.is_empty() {
                    return;
                }
                self.gathered.push(next.remove());
                continue;
            }
            // In order, nothing overtakes what is sent again.
            if self.writer.in_order && !self.again.is_empty() {
                return;
            }
            let Some(source) = &mut self.source else { return };
            match source.poll_next_unpin(cx) {
                Poll::Ready(Some((key, change))) => self.take(key, change),
                Poll::Ready(None) => self.source = None,
                Poll::Pending => return,
            }
        }
    }

    fn take(&mut self, key: K, change: GraphChange) {
        self.taken += 1;
        self.monitor.update(|stats| stats.taken += 1);
        match change.request(self.writer.transport.endpoints(), self.writer.version) {
            Ok(request) => self.gathered.push(Job {
                number: self.taken,
                key,
                change,
                request,
                sent: 0,
                failures: 0,
                waits: 0,
                until: None,
                lost: None,
                alone: false,
            }),
            Err(error) => self.over(key, Err(error), 0),
        }
    }

    fn send(&mut self, reservation: Reservation, now: Duration) {
        let count = reservation.writes().min(self.gathered.len());
        let mut jobs: Vec<Job<K>> = self.gathered.drain(..count).collect();
        for job in &mut jobs {
            job.sent += 1;
            job.until.get_or_insert(now + self.writer.transport.retry.deadline);
        }
        self.monitor.update(|stats| {
            stats.under_way += jobs.len() as u64;
            stats.requests += 1;
        });
        let writer = self.writer.clone();
        let sending = async move {
            let answer = exchange(&writer, &mut jobs).await;
            Done { jobs, reservation, answer }
        };
        self.under_way.push(sending.boxed());
    }

    /// Decides about everything that came back, and says to the gate what it tells about the service.
    fn digest(&mut self, done: Done<K>) {
        let Done { jobs, reservation, answer } = done;
        let now = self.now();
        self.monitor.update(|stats| stats.under_way = stats.under_way.saturating_sub(jobs.len() as u64));
        let usage = match &answer {
            Answer::Replies(replies) => envelope::usage(replies.iter().flatten()),
            Answer::Failed(_) | Answer::Found(_) => Usage::default(),
        };
        let verdicts: Vec<Verdict> = match answer {
            Answer::Found(result) => vec![Verdict::Over(result)],
            Answer::Failed(failure) => return self.digest_failure(jobs, reservation, failure),
            Answer::Replies(replies) => {
                let mut jobs = jobs;
                let transport = &self.writer.transport;
                let verdicts =
                    jobs.iter_mut().zip(replies).map(|(job, reply)| judge(transport, job, reply)).collect();
                return self.settle(jobs, verdicts, reservation, usage, now);
            }
        };
        self.settle(jobs, verdicts, reservation, usage, now);
    }

    /// The envelope itself was refused or lost.
    fn digest_failure(&mut self, mut jobs: Vec<Job<K>>, reservation: Reservation, mut failure: Failure) {
        let now = self.now();
        let several = jobs.len() > 1;
        if matches!(failure.next, Next::NewToken { .. }) {
            // Another token was tried already.
            failure.next = Next::Stop;
        }
        // What one of them is to blame for is found out by sending each alone.
        let blame = several && failure.next == Next::Stop && failure.error.kind() == ErrorKind::Invalid;
        let mut failure = Some(failure);
        let shared = failure.as_ref().map(|failure| (failure.error.kind(), failure.next.clone()));
        let text = failure.as_ref().map(|failure| (failure.error.to_string(), failure.error.reply().clone()));
        let transport = &self.writer.transport;
        let mut verdicts = Vec::with_capacity(jobs.len());
        for job in &mut jobs {
            if blame {
                job.alone = true;
                verdicts.push(Verdict::Again { wait: Duration::ZERO, throttled: false });
                continue;
            }
            // The first gets the error itself, the others one like it.
            let own = failure.take().or_else(|| {
                let ((kind, next), (text, reply)) = (shared.clone()?, text.clone()?);
                let error = job
                    .request
                    .error(kind)
                    .with_detail(format!("the batch with it failed: {text}"))
                    .with_reply(reply);
                Some(Failure::new(error, next))
            });
            verdicts.extend(own.map(|failure| judge_failure(transport, job, failure)));
        }
        self.settle(jobs, verdicts, reservation, Usage::default(), now);
    }

    fn settle(
        &mut self,
        jobs: Vec<Job<K>>,
        verdicts: Vec<Verdict>,
        reservation: Reservation,
        usage: Usage,
        now: Duration,
    ) {
        let throttled = |verdict: &Verdict| matches!(verdict, Verdict::Again { throttled: true, .. });
        let refused =
            u32::try_from(verdicts.iter().filter(|verdict| throttled(verdict)).count()).unwrap_or(u32::MAX);
        reservation.settle(refused, usage, now);
        self.allowed = if refused > 0 { 1 } else { (self.allowed + 1).min(self.writer.concurrency) };
        let waits = verdicts.iter().filter_map(|verdict| match verdict {
            Verdict::Again { wait, throttled: true } => Some(*wait),
            Verdict::Over(_) | Verdict::Again { .. } => None,
        });
        if let Some(shortest) = waits.min() {
            self.writer.transport.gate.close(Audience::Graph, now, shortest);
        }
        self.monitor.update(|stats| stats.throttled += u64::from(refused));
        // In order, everything behind a change that is sent again goes with it.
        let mut behind = None;
        for (job, verdict) in jobs.into_iter().zip(verdicts) {
            let not_done_for_the_one_before = (behind.is_some() || self.stopped)
                && matches!(&verdict, Verdict::Over(Err(error)) if error.reply().status == Some(424));
            match verdict {
                Verdict::Over(_) if not_done_for_the_one_before && self.stopped => self.cancel(job),
                Verdict::Over(_) if not_done_for_the_one_before => {
                    self.again.insert((behind.unwrap_or(now), job.number), job);
                }
                Verdict::Over(result) => {
                    self.stopped |= self.writer.in_order && result.is_err();
                    self.over(job.key, result, job.sent);
                }
                Verdict::Again { wait, .. } => {
                    let due = behind.unwrap_or(now + wait);
                    behind = self.writer.in_order.then_some(due);
                    self.again.insert((due, job.number), job);
                }
            }
        }
    }

    fn over(&mut self, key: K, result: Result<Applied>, tries: u32) {
        self.monitor.update(|stats| match &result {
            Ok(_) => stats.applied += 1,
            Err(error) if error.kind() == ErrorKind::OutcomeUnknown => stats.unknown += 1,
            Err(error) if error.is_cancelled() => stats.cancelled += 1,
            Err(_) => stats.refused += 1,
        });
        self.outcomes.push_back(Outcome { key, result, tries });
    }

    fn cancel(&mut self, job: Job<K>) {
        let error = cancelled(&job.request);
        self.over(job.key, Err(error), 0);
    }

    fn cancel_the_rest(&mut self, cx: &mut Context<'_>) {
        let again = std::mem::take(&mut self.again).into_values();
        let rest: Vec<Job<K>> = std::mem::take(&mut self.gathered).into_iter().chain(again).collect();
        for job in rest {
            self.cancel(job);
        }
        while let Some(source) = &mut self.source {
            match source.poll_next_unpin(cx) {
                Poll::Ready(Some((key, change))) => {
                    self.take(key, change);
                    for job in std::mem::take(&mut self.gathered) {
                        self.cancel(job);
                    }
                    return;
                }
                Poll::Ready(None) => self.source = None,
                Poll::Pending => return,
            }
        }
    }

    /// Whether a change that is to be sent again is due; if not, it wakes us when it is.
    fn poll_alarm(&mut self, cx: &mut Context<'_>, now: Duration) -> bool {
        let Some((due, _)) = self.again.first_key_value().map(|(key, _)| *key) else { return false };
        if self.alarm.as_ref().is_none_or(|(set, _)| *set != due) {
            self.alarm = Some((due, self.sleep(due.saturating_sub(now))));
        }
        let rings = self.alarm.as_mut().is_some_and(|(_, alarm)| alarm.poll_unpin(cx).is_ready());
        if rings {
            self.alarm = None;
        }
        rings
    }

    fn sleep(&self, time: Duration) -> BoxFuture<'static, ()> {
        let clock = Arc::clone(&self.writer.transport.wire.clock);
        async move { clock.sleep(time).await }.boxed()
    }

    fn wait_until(&mut self, time: Duration, now: Duration) -> bool {
        let wait = time.saturating_sub(now);
        self.monitor.update(|stats| stats.pause = Some(wait));
        self.pause = Some(self.sleep(wait));
        true
    }

    fn note_waiting(&self) {
        let waiting = (self.gathered.len() + self.again.len()) as u64;
        self.monitor.update(|stats| stats.waiting = waiting);
    }

    fn now(&self) -> Duration {
        self.writer.transport.clock().elapsed()
    }
}

fn cancelled(request: &Request) -> Error {
    request
        .error(ErrorKind::Cancelled)
        .with_detail("an earlier change was refused, so this one was not sent")
        .with_hint("See what was refused, then go on from there.")
}
