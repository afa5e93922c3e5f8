//! The driver of a bulk run: takes changes, fills batches, sends them, and decides about every response.

use std::collections::{BTreeMap, VecDeque};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, Stream, StreamExt};
use onramp_core::{Error, ErrorKind, Result};

use super::change::GraphChange;
use super::decision::{Decision, PendingChange, decide, decide_failure};
use super::envelope;
use super::monitor::BulkMonitor;
use super::outcome::{Applied, BulkOutcome};
use super::send::{SendResult, send};
use super::settings::BulkSettings;
use crate::http::attempt_error::{AttemptError, RetryDecision};
use crate::http::request::Request;
use crate::http::service::ServiceKind;
use crate::http::throttle::{Permit, Reservation, Usage};

/// The interval of checks while the requests of another bulk run use up a limit.
const LIMIT_CHECK_INTERVAL: Duration = Duration::from_millis(100);

type Source<K> = Pin<Box<dyn Stream<Item = (K, GraphChange)> + Send>>;

/// The driver of a bulk run.
pub(super) struct Driver<K> {
    settings: BulkSettings,
    /// `None` after its end.
    source: Option<Source<K>>,
    /// The changes for the next batch.
    gathered: Vec<PendingChange<K>>,
    /// The changes to retry, by time and by the order in which they were taken.
    retries: BTreeMap<(Duration, u64), PendingChange<K>>,
    in_flight: FuturesUnordered<BoxFuture<'static, SentBatch<K>>>,
    outcomes: VecDeque<BulkOutcome<K>>,
    /// The pause in which nothing is sent.
    pause: Option<BoxFuture<'static, ()>>,
    /// The timer of the next retry.
    retry_timer: Option<(Duration, BoxFuture<'static, ()>)>,
    /// The current number of batches that may be in flight.
    concurrency: usize,
    taken: u64,
    /// True after a refusal if changes are in order: nothing more is sent.
    stopped: bool,
    monitor: BulkMonitor,
}

/// A batch with its responses.
struct SentBatch<K> {
    jobs: Vec<PendingChange<K>>,
    reservation: Reservation,
    result: SendResult,
}

impl<K: Send + 'static> Driver<K> {
    pub(super) fn new(settings: BulkSettings, source: Source<K>, monitor: BulkMonitor) -> Self {
        let concurrency = if settings.in_order { 1 } else { settings.concurrency };
        let settings = BulkSettings { concurrency, ..settings };
        Self {
            concurrency: settings.concurrency,
            settings,
            source: Some(source),
            gathered: Vec::new(),
            retries: BTreeMap::new(),
            in_flight: FuturesUnordered::new(),
            outcomes: VecDeque::new(),
            pause: None,
            retry_timer: None,
            taken: 0,
            stopped: false,
            monitor,
        }
    }

    pub(super) fn poll_outcome(&mut self, cx: &mut Context<'_>) -> Poll<Option<BulkOutcome<K>>> {
        loop {
            if let Some(outcome) = self.outcomes.pop_front() {
                return Poll::Ready(Some(outcome));
            }
            while let Poll::Ready(Some(done)) = self.in_flight.poll_next_unpin(cx) {
                self.handle_batch(done);
            }
            if !self.outcomes.is_empty() {
                continue;
            }
            if self.stopped {
                self.cancel_the_rest(cx);
            } else if self.send_next(cx) {
                continue;
            }
            self.note_waiting();
            if !self.outcomes.is_empty() {
                continue;
            }
            let nothing_left = self.source.is_none() && self.gathered.is_empty() && self.retries.is_empty();
            return if nothing_left && self.in_flight.is_empty() { Poll::Ready(None) } else { Poll::Pending };
        }
    }

    /// Sends the next batch if possible. Returns true if anything was sent, or became possible.
    fn send_next(&mut self, cx: &mut Context<'_>) -> bool {
        if let Some(pause) = &mut self.pause {
            if pause.poll_unpin(cx).is_pending() {
                return false;
            }
            self.pause = None;
            self.monitor.update(|stats| stats.pause = None);
        }
        if self.in_flight.len() >= self.concurrency {
            return false;
        }
        let now = self.now();
        self.gather(cx, now);
        let Some(first) = self.gathered.first() else {
            return self.poll_retry_timer(cx, now) || !self.outcomes.is_empty();
        };
        let whole = first.alone || first.needs_lookup();
        let full = self.gathered.len() >= self.settings.size;
        // More changes may arrive while another batch is in flight; otherwise waiting gains nothing.
        if !whole && !full && self.source.is_some() && !self.in_flight.is_empty() {
            return false;
        }
        if let Some(end) = self.settings.transport.backoff.ends(ServiceKind::Graph, now) {
            return self.wait_until(end, now);
        }
        let rate_limiter = &self.settings.transport.rate_limiter;
        match rate_limiter.reserve(if whole { 1 } else { self.gathered.len() }, now) {
            Permit::Granted(reservation) => {
                self.send(reservation, now);
                true
            }
            Permit::RetryAt(time) => self.wait_until(time, now),
            Permit::AfterReply if self.in_flight.is_empty() => {
                self.wait_until(now + LIMIT_CHECK_INTERVAL, now)
            }
            Permit::AfterReply => false,
        }
    }

    /// Takes the retries that are due first, then changes from the source.
    fn gather(&mut self, cx: &mut Context<'_>, now: Duration) {
        let single = |job: &PendingChange<K>| job.alone || job.needs_lookup();
        while self.gathered.len() < self.settings.size && !self.gathered.first().is_some_and(single) {
            if let Some(next) = self.retries.first_entry()
                && next.key().0 <= now
            {
                if single(next.get()) && !self.gathered.is_empty() {
                    return;
                }
                self.gathered.push(next.remove());
                continue;
            }
            // In order, nothing overtakes what is sent again.
            if self.settings.in_order && !self.retries.is_empty() {
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
        match change.request(self.settings.transport.endpoints(), self.settings.version) {
            Ok(request) => self.gathered.push(PendingChange {
                number: self.taken,
                key,
                change,
                request,
                sent: 0,
                failures: 0,
                delays: 0,
                deadline: None,
                lost_reply: None,
                alone: false,
            }),
            Err(error) => self.finish(key, Err(error), 0),
        }
    }

    fn send(&mut self, reservation: Reservation, now: Duration) {
        let count = reservation.writes().min(self.gathered.len());
        let mut jobs: Vec<PendingChange<K>> = self.gathered.drain(..count).collect();
        for job in &mut jobs {
            job.sent += 1;
            job.deadline.get_or_insert(now + self.settings.transport.retry.deadline);
        }
        self.monitor.update(|stats| {
            stats.in_flight += jobs.len() as u64;
            stats.requests += 1;
        });
        let settings = self.settings.clone();
        let sending = async move {
            let result = send(&settings, &mut jobs).await;
            SentBatch { jobs, reservation, result }
        };
        self.in_flight.push(sending.boxed());
    }

    /// Decides about every change of a batch, and updates backoff and limits.
    fn handle_batch(&mut self, done: SentBatch<K>) {
        let SentBatch { jobs, reservation, result } = done;
        let now = self.now();
        self.monitor.update(|stats| stats.in_flight = stats.in_flight.saturating_sub(jobs.len() as u64));
        let usage = match &result {
            SendResult::Replies(replies) => envelope::usage(replies.iter().flatten()),
            SendResult::Failed(_) | SendResult::Found(_) => Usage::default(),
        };
        let decisions: Vec<Decision> = match result {
            SendResult::Found(result) => vec![Decision::Done(result)],
            SendResult::Failed(failure) => return self.handle_failure(jobs, reservation, failure),
            SendResult::Replies(replies) => {
                let mut jobs = jobs;
                let transport = &self.settings.transport;
                let decisions =
                    jobs.iter_mut().zip(replies).map(|(job, reply)| decide(transport, job, reply)).collect();
                return self.settle(jobs, decisions, reservation, usage, now);
            }
        };
        self.settle(jobs, decisions, reservation, usage, now);
    }

    /// Handles the refusal or loss of a whole batch.
    fn handle_failure(
        &mut self,
        mut jobs: Vec<PendingChange<K>>,
        reservation: Reservation,
        mut failure: AttemptError,
    ) {
        let now = self.now();
        let several = jobs.len() > 1;
        if matches!(failure.next, RetryDecision::RefreshToken { .. }) {
            // Another token was used already.
            failure.next = RetryDecision::GiveUp;
        }
        // The change that caused it is found by sending each alone.
        let split =
            several && failure.next == RetryDecision::GiveUp && failure.error.kind() == ErrorKind::Invalid;
        let mut failure = Some(failure);
        let shared = failure.as_ref().map(|failure| (failure.error.kind(), failure.next.clone()));
        let text = failure.as_ref().map(|failure| (failure.error.to_string(), failure.error.reply().clone()));
        let transport = &self.settings.transport;
        let mut decisions = Vec::with_capacity(jobs.len());
        for job in &mut jobs {
            if split {
                job.alone = true;
                decisions.push(Decision::Retry { wait: Duration::ZERO, throttled: false });
                continue;
            }
            // The first gets the error itself, the others a copy.
            let own = failure.take().or_else(|| {
                let ((kind, next), (text, reply)) = (shared.clone()?, text.clone()?);
                let error = job
                    .request
                    .error(kind)
                    .with_detail(format!("the batch with it failed: {text}"))
                    .with_reply(reply);
                Some(AttemptError::new(error, next))
            });
            decisions.extend(own.map(|failure| decide_failure(transport, job, failure)));
        }
        self.settle(jobs, decisions, reservation, Usage::default(), now);
    }

    fn settle(
        &mut self,
        jobs: Vec<PendingChange<K>>,
        decisions: Vec<Decision>,
        reservation: Reservation,
        usage: Usage,
        now: Duration,
    ) {
        let throttled = |decision: &Decision| matches!(decision, Decision::Retry { throttled: true, .. });
        let refused = u32::try_from(decisions.iter().filter(|decision| throttled(decision)).count())
            .unwrap_or(u32::MAX);
        reservation.settle(refused, usage, now);
        self.concurrency =
            if refused > 0 { 1 } else { (self.concurrency + 1).min(self.settings.concurrency) };
        let waits = decisions.iter().filter_map(|decision| match decision {
            Decision::Retry { wait, throttled: true } => Some(*wait),
            Decision::Done(_) | Decision::Retry { .. } => None,
        });
        if let Some(shortest) = waits.min() {
            self.settings.transport.backoff.start(ServiceKind::Graph, now, shortest);
        }
        self.monitor.update(|stats| stats.throttled += u64::from(refused));
        // In order, all changes after one that is retried are retried with it.
        let mut behind = None;
        for (job, decision) in jobs.into_iter().zip(decisions) {
            let depends_on_failed = (behind.is_some() || self.stopped)
                && matches!(&decision, Decision::Done(Err(error)) if error.reply().status == Some(424));
            match decision {
                Decision::Done(_) if depends_on_failed && self.stopped => self.cancel(job),
                Decision::Done(_) if depends_on_failed => {
                    self.retries.insert((behind.unwrap_or(now), job.number), job);
                }
                Decision::Done(result) => {
                    self.stopped |= self.settings.in_order && result.is_err();
                    self.finish(job.key, result, job.sent);
                }
                Decision::Retry { wait, .. } => {
                    let due = behind.unwrap_or(now + wait);
                    behind = self.settings.in_order.then_some(due);
                    self.retries.insert((due, job.number), job);
                }
            }
        }
    }

    fn finish(&mut self, key: K, result: Result<Applied>, attempts: u32) {
        self.monitor.update(|stats| match &result {
            Ok(_) => stats.applied += 1,
            Err(error) if error.kind() == ErrorKind::OutcomeUnknown => stats.unknown += 1,
            Err(error) if error.is_cancelled() => stats.cancelled += 1,
            Err(_) => stats.refused += 1,
        });
        self.outcomes.push_back(BulkOutcome { key, result, attempts });
    }

    fn cancel(&mut self, job: PendingChange<K>) {
        let error = cancelled(&job.request);
        self.finish(job.key, Err(error), 0);
    }

    fn cancel_the_rest(&mut self, cx: &mut Context<'_>) {
        let again = std::mem::take(&mut self.retries).into_values();
        let rest: Vec<PendingChange<K>> =
            std::mem::take(&mut self.gathered).into_iter().chain(again).collect();
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

    /// Returns true if a retry is due. Otherwise its timer wakes the task.
    fn poll_retry_timer(&mut self, cx: &mut Context<'_>, now: Duration) -> bool {
        let Some((due, _)) = self.retries.first_key_value().map(|(key, _)| *key) else { return false };
        if self.retry_timer.as_ref().is_none_or(|(set, _)| *set != due) {
            self.retry_timer = Some((due, self.sleep(due.saturating_sub(now))));
        }
        let due_now = self.retry_timer.as_mut().is_some_and(|(_, timer)| timer.poll_unpin(cx).is_ready());
        if due_now {
            self.retry_timer = None;
        }
        due_now
    }

    fn sleep(&self, time: Duration) -> BoxFuture<'static, ()> {
        let clock = Arc::clone(&self.settings.transport.http.clock);
        async move { clock.sleep(time).await }.boxed()
    }

    fn wait_until(&mut self, time: Duration, now: Duration) -> bool {
        let wait = time.saturating_sub(now);
        self.monitor.update(|stats| stats.pause = Some(wait));
        self.pause = Some(self.sleep(wait));
        true
    }

    fn note_waiting(&self) {
        let waiting = (self.gathered.len() + self.retries.len()) as u64;
        self.monitor.update(|stats| stats.waiting = waiting);
    }

    fn now(&self) -> Duration {
        self.settings.transport.clock().elapsed()
    }
}

fn cancelled(request: &Request) -> Error {
    request
        .error(ErrorKind::Cancelled)
        .with_detail("an earlier change was refused, so this one was not sent")
        .with_hint("Fix the refused change, then continue from there.")
}
