//! The slices of a run: its limits, and the pauses in which it hands control to the caller.
//!
//! A run is one future. Where it has to wait, or where a limit is reached, it notes the reason and stays pending; the
//! caller gets the reason as an [`ApplyStatus`](crate::ApplyStatus), and the next slice polls the future again.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Duration;

use async_trait::async_trait;
use onramp_core::Clock;
use time::OffsetDateTime;
use tokio_util::sync::CancellationToken;

use crate::outcome::{ApplyOutcome, WaitReason};

/// The bounds of one slice of a run.
///
/// ```
/// use onramp::Limits;
///
/// let limits = Limits::default().with_max_changes(500);
/// ```
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Limits {
    /// The time at which the slice ends. A change that was sent is completed.
    pub until: Option<OffsetDateTime>,
    /// The number of changes after which the slice ends, at least 1. Objects in the desired state do not count.
    pub max_changes: Option<u64>,
    /// The token that stops the run between two changes.
    pub stop: CancellationToken,
}

impl Limits {
    /// Sets the time at which the slice ends.
    #[must_use]
    pub fn with_until(mut self, until: OffsetDateTime) -> Self {
        self.until = Some(until);
        self
    }

    /// Sets the number of changes after which the slice ends.
    #[must_use]
    pub fn with_max_changes(mut self, max_changes: u64) -> Self {
        self.max_changes = Some(max_changes);
        self
    }

    /// Sets the token that stops the run.
    #[must_use]
    pub fn with_stop(mut self, stop: CancellationToken) -> Self {
        self.stop = stop;
        self
    }
}

/// The maximum time between two slices, if the run does not wait, after which the look for new values among other objects still
/// holds.
const LOOK_HOLDS: Duration = Duration::from_secs(60);

/// The reason of a pause.
pub(crate) enum Pause {
    /// A limit of the slice is reached.
    Limit,
    /// There is nothing to do for some time.
    Wait(Duration),
}

/// The connection between a run and its slices.
#[derive(Debug)]
pub(crate) struct Slices {
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    limits: Limits,
    /// True if the policy allowed the plan in the current slice.
    is_reviewed: bool,
    /// True if the new values were looked for among other objects since the run began or was interrupted for long.
    is_looked_up: bool,
    /// The time of the pause, by the monotonic clock, until the next slice begins.
    paused_at: Option<Duration>,
    /// The number of changes made in the current slice.
    made: u64,
    /// The number of changes tried in the current slice, also without effect.
    tried: u64,
    /// The pause that the run asks for, with its number: the time to wait, or none if a limit is reached.
    pause: Option<(u64, Option<Duration>)>,
    /// The number of the latest pause.
    pauses: u64,
    reason: Option<WaitReason>,
    /// True while the run waits.
    is_waiting: bool,
    /// The reason of the wait in which the caller ended the run.
    ended_wait: Option<WaitReason>,
    outcome: Option<ApplyOutcome>,
}

impl Slices {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Arc<Self> {
        Arc::new(Self { clock, state: Mutex::default() })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins a slice.
    pub(crate) fn begin(&self, limits: &Limits) {
        let now = self.clock.elapsed();
        let mut state = self.state();
        let paused_for = state.paused_at.take().map(|since| now.saturating_sub(since));
        state.is_looked_up &= paused_for.is_none_or(|time| time < LOOK_HOLDS);
        (state.is_reviewed, state.made, state.tried) = (false, 0, 0);
        state.limits = limits.clone();
        state.pause = None;
    }

    /// Returns the pause that the run asked for, if it did.
    pub(crate) fn take_pause(&self) -> Option<Pause> {
        let now = self.clock.elapsed();
        let mut state = self.state();
        let (_, pause) = state.pause.take()?;
        state.paused_at = Some(now);
        state.is_waiting = pause.is_some();
        state.is_looked_up &= pause.is_none();
        Some(pause.map_or(Pause::Limit, Pause::Wait))
    }

    /// Returns the outcome at the last pause or before the current change, and the reason of the wait.
    pub(crate) fn snapshot(&self) -> (Option<ApplyOutcome>, WaitReason) {
        let state = self.state();
        (state.outcome.clone(), state.reason.clone().unwrap_or(WaitReason::Replication))
    }

    /// Notes that the caller ends the run, if it waits.
    pub(crate) fn end_wait(&self) {
        let mut state = self.state();
        state.ended_wait = state.reason.clone().filter(|_| state.is_waiting);
    }

    /// Returns the reason of the wait in which the caller ended the run.
    pub(crate) fn ended_wait(&self) -> Option<WaitReason> {
        self.state().ended_wait.clone()
    }

    /// Notes the outcome so far.
    pub(crate) fn publish(&self, outcome: &ApplyOutcome) {
        self.state().outcome = Some(outcome.clone());
    }

    /// Notes the reason of the next wait.
    pub(crate) fn set_reason(&self, reason: WaitReason) {
        self.state().reason = Some(reason);
    }

    /// Returns true if the policy allowed the plan in the current slice.
    pub(crate) fn is_reviewed(&self) -> bool {
        self.state().is_reviewed
    }

    /// Notes that the policy allows the plan in the current slice.
    pub(crate) fn set_reviewed(&self) {
        self.state().is_reviewed = true;
    }

    /// Returns true if the new values were looked for among other objects, and the look still holds.
    pub(crate) fn is_looked_up(&self) -> bool {
        self.state().is_looked_up
    }

    /// Notes that the new values were looked for.
    pub(crate) fn set_looked_up(&self) {
        self.state().is_looked_up = true;
    }

    /// Counts a change that was tried, and maybe made.
    pub(crate) fn count(&self, made: bool) {
        let mut state = self.state();
        state.tried += 1;
        state.made += u64::from(made);
    }

    /// Returns the number of changes that may still be made in the current slice.
    pub(crate) fn budget(&self) -> u64 {
        let now = self.clock.now();
        let state = self.state();
        // Every slice tries a change, so that a run ends however short its slices are.
        if state.limits.until.is_some_and(|until| now >= until) {
            return 1_u64.saturating_sub(state.tried);
        }
        state.limits.max_changes.map_or(u64::MAX, |max| max.max(1).saturating_sub(state.made))
    }

    /// Hands control to the caller because a limit is reached. Returns in the next slice.
    pub(crate) async fn pause_at_limit(&self) {
        self.pause(None).await;
    }

    async fn pause(&self, time: Option<Duration>) {
        let mut asked: Option<Request<'_>> = None;
        // The next poll is that of the next slice, because the pause ends this one.
        std::future::poll_fn(|_| {
            if asked.is_some() {
                return Poll::Ready(());
            }
            let mut state = self.state();
            state.pauses += 1;
            state.pause = Some((state.pauses, time));
            asked = Some(Request { slices: self, number: state.pauses });
            Poll::Pending
        })
        .await;
    }
}

/// A pause that was asked for. The run may go on without it, when it is cancelled: then the slice goes on, too.
struct Request<'a> {
    slices: &'a Slices,
    number: u64,
}

impl Drop for Request<'_> {
    fn drop(&mut self) {
        self.slices.state().pause.take_if(|(number, _)| *number == self.number);
    }
}

/// The clock of a run: instead of sleeping, it hands control to the caller.
#[derive(Debug)]
pub(crate) struct PausingClock(pub(crate) Arc<Slices>);

#[async_trait]
impl Clock for PausingClock {
    fn now(&self) -> OffsetDateTime {
        self.0.clock.now()
    }

    fn elapsed(&self) -> Duration {
        self.0.clock.elapsed()
    }

    async fn sleep(&self, time: Duration) {
        let end = self.elapsed() + time;
        loop {
            let left = end.saturating_sub(self.elapsed());
            if left.is_zero() {
                return;
            }
            self.0.pause(Some(left)).await;
        }
    }

    fn random(&self) -> u64 {
        self.0.clock.random()
    }
}
