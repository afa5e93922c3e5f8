//! The limits on changes of one server: changes in flight, changes per second, and pauses while the server is
//! busy.

use std::fmt;
use std::pin::pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use onramp_core::Clock;
use tokio::sync::Notify;

use crate::ldap::adaptive_limit::AdaptiveLimit;

/// The first pause for a busy server; the next ones double.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const MAX_PAUSE: Duration = Duration::from_secs(10);

/// The write load of one domain controller at a moment: the rate and what it waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct WriteLoad {
    /// The host name of the domain controller.
    pub server: String,
    /// The present limit on changes in flight, which adapts to the latency of the server.
    pub limit: usize,
    /// The number of changes in flight.
    pub in_flight: usize,
    /// The number of changes that wait for the limit, the rate limit or the end of a pause.
    pub waiting: usize,
    /// The number of changes that the server answered, refusals included.
    pub answered: u64,
    /// The number of changes that the server was too busy to handle; they are sent again.
    pub throttled: u64,
    /// The average latency of the last answers.
    pub answer_time: Duration,
    /// The rest of the pause for a busy server.
    pub pause: Duration,
}

impl fmt::Display for WriteLoad {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} of {} changes in flight", self.server, self.in_flight, self.limit)?;
        if self.waiting > 0 {
            write!(f, ", {} waiting", self.waiting)?;
        }
        if !self.pause.is_zero() {
            write!(f, ", paused for {} ms because the server is busy", self.pause.as_millis())?;
        }
        write!(f, ", {} ms an answer", self.answer_time.as_millis())
    }
}

/// The limiter of changes to one server.
#[derive(Debug)]
pub(crate) struct WriteLimiter {
    state: Mutex<State>,
    freed: Notify,
    /// The minimum time between two changes, if there is a rate limit.
    spacing: Option<Duration>,
    /// The time at which the next change may begin. Locked during the wait for it, so that changes begin one
    /// after the other.
    next: tokio::sync::Mutex<Duration>,
}

#[derive(Debug)]
struct State {
    limit: AdaptiveLimit,
    in_flight: usize,
    waiting: usize,
    answered: u64,
    throttled: u64,
    answer_time: Duration,
    paused_until: Duration,
}

impl WriteLimiter {
    /// Creates a limiter with a maximum of changes in flight, and of changes per second.
    pub(crate) fn new(max: usize, per_second: Option<f64>) -> Self {
        Self {
            state: Mutex::new(State {
                limit: AdaptiveLimit::new(max),
                in_flight: 0,
                waiting: 0,
                answered: 0,
                throttled: 0,
                answer_time: Duration::ZERO,
                paused_until: Duration::ZERO,
            }),
            freed: Notify::new(),
            spacing: per_second.map(|rate| Duration::from_secs_f64(1.0 / rate)),
            next: tokio::sync::Mutex::default(),
        }
    }

    /// Returns the present limit on changes in flight.
    pub(crate) fn size(&self) -> usize {
        self.lock().limit.size()
    }

    pub(crate) fn load(&self, server: &str, clock: &dyn Clock) -> WriteLoad {
        let state = self.lock();
        WriteLoad {
            server: server.to_owned(),
            limit: state.limit.size(),
            in_flight: state.in_flight,
            waiting: state.waiting,
            answered: state.answered,
            throttled: state.throttled,
            answer_time: state.answer_time,
            pause: state.paused_until.saturating_sub(clock.elapsed()),
        }
    }

    /// Waits until another change may begin.
    pub(crate) async fn enter<'a>(&'a self, clock: &'a dyn Clock) -> Permit<'a> {
        if let Some(permit) = self.spacing.is_none().then(|| self.try_enter(clock).ok()).flatten() {
            return permit;
        }
        let _waiting = Waiting::new(self);
        if let Some(spacing) = self.spacing {
            let mut next = self.next.lock().await;
            let early = next.saturating_sub(clock.elapsed());
            if !early.is_zero() {
                clock.sleep(early).await;
            }
            *next = (*next).max(clock.elapsed()) + spacing;
        }
        loop {
            // Registered before the check, so that no notification is missed.
            let mut freed = pin!(self.freed.notified());
            freed.as_mut().enable();
            match self.try_enter(clock) {
                Ok(permit) => return permit,
                Err(pause) if pause.is_zero() => freed.await,
                Err(pause) => clock.sleep(pause).await,
            }
        }
    }

    /// Returns a permit, or the rest of the pause; zero if only the limit is reached.
    fn try_enter<'a>(&'a self, clock: &'a dyn Clock) -> Result<Permit<'a>, Duration> {
        let mut state = self.lock();
        let now = clock.elapsed();
        let pause = state.paused_until.saturating_sub(now);
        if !pause.is_zero() || state.in_flight >= state.limit.size() {
            return Err(pause);
        }
        state.in_flight += 1;
        Ok(Permit { limiter: self, clock, since: now })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns a random time between a half and the whole of `longest`, so that several programs do not retry
/// together.
pub(crate) fn with_jitter(longest: Duration, random: u64) -> Duration {
    let part = u32::try_from(random % 1000).unwrap_or_default();
    longest / 2 + longest / 2 * part / 1000
}

struct Waiting<'a>(&'a WriteLimiter);

impl<'a> Waiting<'a> {
    fn new(limiter: &'a WriteLimiter) -> Self {
        limiter.lock().waiting += 1;
        Self(limiter)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.waiting = state.waiting.saturating_sub(1);
    }
}

/// The permission for one change in flight, until it is dropped.
#[derive(Debug)]
pub(crate) struct Permit<'a> {
    limiter: &'a WriteLimiter,
    clock: &'a dyn Clock,
    since: Duration,
}

impl Permit<'_> {
    /// Marks the moment of sending: the time to connect does not count as latency.
    pub(crate) fn begin(&mut self) {
        self.since = self.clock.elapsed();
    }

    /// Records an answer.
    pub(crate) fn answered(self) {
        let now = self.clock.elapsed();
        let took = now.saturating_sub(self.since);
        let mut state = self.limiter.lock();
        state.answered += 1;
        // A moving average over about eight answers.
        state.answer_time = if state.answered == 1 { took } else { (state.answer_time * 7 + took) / 8 };
        let (size, in_flight) = (state.limit.size(), state.in_flight);
        state.limit.answered(now, took, in_flight);
        let grown = state.limit.size().saturating_sub(size);
        drop(state);
        // The drop of this permit notifies one more.
        (0..grown).for_each(|_| self.limiter.freed.notify_one());
    }

    /// Records a busy answer. Returns the number of busy answers in a row, over all tasks.
    pub(crate) fn throttled(self) -> u32 {
        let now = self.clock.elapsed();
        let mut state = self.limiter.lock();
        state.throttled += 1;
        let (busy_in_a_row, is_new) = state.limit.throttled(now, now.saturating_sub(self.since));
        if is_new {
            let longest =
                FIRST_PAUSE.saturating_mul(1 << busy_in_a_row.min(10).saturating_sub(1)).min(MAX_PAUSE);
            state.paused_until = now + with_jitter(longest, self.clock.random());
        }
        busy_in_a_row
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        let mut state = self.limiter.lock();
        state.in_flight = state.in_flight.saturating_sub(1);
        drop(state);
        self.limiter.freed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use onramp_core::ManualClock;

    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn a_spread_time_is_between_its_half_and_its_whole() {
        for (random, expected) in
            [(0, 100), (1, 100), (10, 101), (500, 150), (999, 199), (1000, 100), (2500, 150)]
        {
            assert_eq!(with_jitter(200 * MS, random).as_millis(), expected, "{random}");
        }
    }

    #[test]
    fn a_load_tells_what_is_waited_for_and_no_more() {
        let mut load = WriteLoad {
            server: "dc1".into(),
            limit: 8,
            in_flight: 3,
            waiting: 0,
            answered: 5,
            throttled: 1,
            answer_time: 12 * MS,
            pause: Duration::ZERO,
        };
        assert_eq!(load.to_string(), "dc1: 3 of 8 changes in flight, 12 ms an answer");
        (load.waiting, load.pause) = (2, 150 * MS);
        let all = "dc1: 3 of 8 changes in flight, 2 waiting, paused for 150 ms because the server is busy, 12 ms an answer";
        assert_eq!(load.to_string(), all);
    }

    #[tokio::test]
    async fn a_full_window_is_waited_for() {
        let (limiter, clock) = (WriteLimiter::new(2, None), ManualClock::default());
        assert_eq!(limiter.size(), 2);
        let first = limiter.enter(&clock).await;
        let _second = limiter.enter(&clock).await;
        let mut third = Box::pin(limiter.enter(&clock));
        assert!((&mut third).now_or_never().is_none(), "two are under way");
        let load = limiter.load("dc1", &clock);
        assert_eq!((load.server.as_str(), load.limit, load.in_flight, load.waiting), ("dc1", 2, 2, 1));
        drop(first);
        let permit = third.await;
        let load = limiter.load("dc1", &clock);
        assert_eq!((load.in_flight, load.waiting, load.answered), (2, 0, 0), "none was answered");
        drop(permit);
        assert_eq!(limiter.load("dc1", &clock).in_flight, 1);
        // A cancelled wait is not counted any more.
        let _all = limiter.enter(&clock).await;
        let mut another = Box::pin(limiter.enter(&clock));
        assert!((&mut another).now_or_never().is_none());
        drop(another);
        assert_eq!(limiter.load("dc1", &clock).waiting, 0);
    }

    #[tokio::test]
    async fn answers_are_counted_and_timed_from_when_they_were_asked_for() {
        let (limiter, clock) = (WriteLimiter::new(64, None), ManualClock::default());
        let answer = async |connecting: u32, took: u32| {
            let mut permit = limiter.enter(&clock).await;
            clock.advance(connecting * MS);
            permit.begin();
            clock.advance(took * MS);
            permit.answered();
            limiter.load("dc1", &clock)
        };
        let load = answer(1000, 80).await;
        assert_eq!((load.answered, load.answer_time), (1, 80 * MS), "connecting is not answering");
        let load = answer(0, 160).await;
        assert_eq!((load.answered, load.answer_time), (2, 90 * MS), "an eighth of what is new");
        assert_eq!((load.in_flight, load.throttled), (0, 0));
    }

    #[tokio::test]
    async fn a_busy_server_is_left_alone_for_twice_as_long_each_time() {
        let (limiter, clock) = (WriteLimiter::new(64, None), ManualClock::default());
        for (busy_in_a_row, longest) in [
            (1, 100),
            (2, 200),
            (3, 400),
            (4, 800),
            (5, 1600),
            (6, 3200),
            (7, 6400),
            (8, 10_000),
            (9, 10_000),
        ] {
            let before = clock.elapsed();
            let mut permit = limiter.enter(&clock).await;
            // A request that was sent during the pause would not count.
            clock.advance(MS);
            permit.begin();
            clock.advance(MS);
            assert_eq!(permit.throttled(), busy_in_a_row);
            let load = limiter.load("dc1", &clock);
            assert_eq!((load.throttled, load.answered, load.in_flight), (u64::from(busy_in_a_row), 0, 0));
            let half = longest / 2 * MS;
            assert!(load.pause >= half && load.pause <= 2 * half, "{busy_in_a_row}: {:?}", load.pause);
            // The next one begins after the pause, and not before.
            let paused_until = clock.elapsed() + load.pause;
            drop(limiter.enter(&clock).await);
            assert!(clock.elapsed() >= paused_until && clock.elapsed() < paused_until + 100 * MS);
            assert!(clock.elapsed() > before);
        }
    }

    #[tokio::test]
    async fn changes_begin_no_closer_than_the_rate_allows() {
        let (limiter, clock) = (WriteLimiter::new(64, Some(10.0)), ManualClock::default());
        let mut begun = Vec::new();
        for _ in 0..4 {
            drop(limiter.enter(&clock).await);
            begun.push(clock.elapsed().as_millis());
        }
        assert_eq!(begun, [0, 100, 200, 300]);
        // Unused time does not accumulate.
        clock.advance(1000 * MS);
        for _ in 0..2 {
            drop(limiter.enter(&clock).await);
            begun.push(clock.elapsed().as_millis());
        }
        assert_eq!(begun[4..], [1300, 1400]);
    }
}
