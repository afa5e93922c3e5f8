//! The way of changes to one server: how many may be under way at a time, how many may begin in a second, and when the
//! server wants to be left alone.

use std::fmt;
use std::pin::pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use onramp_core::Clock;
use tokio::sync::Notify;

use crate::writing::window::Window;

/// How long a busy server is left alone at first, and at most.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// What writing to one domain controller is like at a moment: for people who want to see the rate and what it waits
/// for.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct WriteLoad {
    /// Host name of the domain controller.
    pub server: String,
    /// So many changes may be under way at a time. Follows how well the server answers.
    pub window: usize,
    /// So many are.
    pub under_way: usize,
    /// So many wait for the window, the rate limit or the end of a pause.
    pub waiting: usize,
    /// Changes that the server answered, refused ones included.
    pub answered: u64,
    /// Changes that the server was too busy to look at; they are sent again.
    pub pushed_back: u64,
    /// How long the last answers took, on the average.
    pub answer_time: Duration,
    /// How long the server is still left alone because it was busy.
    pub pause: Duration,
}

impl fmt::Display for WriteLoad {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} of {} changes under way", self.server, self.under_way, self.window)?;
        if self.waiting > 0 {
            write!(f, ", {} waiting", self.waiting)?;
        }
        if !self.pause.is_zero() {
            write!(f, ", left alone for {} ms because it is busy", self.pause.as_millis())?;
        }
        write!(f, ", {} ms an answer", self.answer_time.as_millis())
    }
}

/// Admits changes to one server.
#[derive(Debug)]
pub(crate) struct Lane {
    state: Mutex<State>,
    freed: Notify,
    /// Time between two changes, if there is a limit.
    spacing: Option<Duration>,
    /// When the next change may begin. Held while somebody waits for it, so that they go one after the other.
    next: tokio::sync::Mutex<Duration>,
}

#[derive(Debug)]
struct State {
    window: Window,
    under_way: usize,
    waiting: usize,
    answered: u64,
    pushed_back: u64,
    answer_time: Duration,
    paused_until: Duration,
}

impl Lane {
    /// A lane for at most so many changes at a time and in a second.
    pub(crate) fn new(most: usize, per_second: Option<f64>) -> Self {
        Self {
            state: Mutex::new(State {
                window: Window::new(most),
                under_way: 0,
                waiting: 0,
                answered: 0,
                pushed_back: 0,
                answer_time: Duration::ZERO,
                paused_until: Duration::ZERO,
            }),
            freed: Notify::new(),
            spacing: per_second.map(|rate| Duration::from_secs_f64(1.0 / rate)),
            next: tokio::sync::Mutex::default(),
        }
    }

    /// How many changes it is good to have under way.
    pub(crate) fn size(&self) -> usize {
        self.lock().window.size()
    }

    pub(crate) fn load(&self, server: &str, clock: &dyn Clock) -> WriteLoad {
        let state = self.lock();
        WriteLoad {
            server: server.to_owned(),
            window: state.window.size(),
            under_way: state.under_way,
            waiting: state.waiting,
            answered: state.answered,
            pushed_back: state.pushed_back,
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
            // Listens before it looks, so that nothing that is freed in between is missed.
            let mut freed = pin!(self.freed.notified());
            freed.as_mut().enable();
            match self.try_enter(clock) {
                Ok(permit) => return permit,
                Err(pause) if pause.is_zero() => freed.await,
                Err(pause) => clock.sleep(pause).await,
            }
        }
    }

    /// A permit, or how long the server is still left alone; no time if it is the window that is full.
    fn try_enter<'a>(&'a self, clock: &'a dyn Clock) -> Result<Permit<'a>, Duration> {
        let mut state = self.lock();
        let now = clock.elapsed();
        let pause = state.paused_until.saturating_sub(now);
        if !pause.is_zero() || state.under_way >= state.window.size() {
            return Err(pause);
        }
        state.under_way += 1;
        Ok(Permit { lane: self, clock, since: now })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Waiting<'a>(&'a Lane);

impl<'a> Waiting<'a> {
    fn new(lane: &'a Lane) -> Self {
        lane.lock().waiting += 1;
        Self(lane)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.waiting = state.waiting.saturating_sub(1);
    }
}

/// The right to have one change under way, until it is dropped.
#[derive(Debug)]
pub(crate) struct Permit<'a> {
    lane: &'a Lane,
    clock: &'a dyn Clock,
    since: Duration,
}

impl Permit<'_> {
    /// The request is sent now: before, a connection had to be opened.
    pub(crate) fn begin(&mut self) {
        self.since = self.clock.elapsed();
    }

    /// The server looked at the change and answered.
    pub(crate) fn answered(self) {
        let now = self.clock.elapsed();
        let took = now.saturating_sub(self.since);
        let mut state = self.lane.lock();
        state.answered += 1;
        // A moving average over some ten answers.
        state.answer_time = if state.answered == 1 { took } else { (state.answer_time * 7 + took) / 8 };
        let (size, under_way) = (state.window.size(), state.under_way);
        state.window.answered(now, took, under_way);
        let grown = state.window.size().saturating_sub(size);
        drop(state);
        // One more is told when this permit is dropped.
        (0..grown).for_each(|_| self.lane.freed.notify_one());
    }

    /// The server was too busy to look at it. Says how often in a row it was, whoever asked.
    pub(crate) fn pushed_back(self) -> u32 {
        let now = self.clock.elapsed();
        let mut state = self.lane.lock();
        state.pushed_back += 1;
        let (strikes, is_new) = state.window.pushed_back(now, now.saturating_sub(self.since));
        if is_new {
            let longest =
                FIRST_PAUSE.saturating_mul(1 << strikes.min(10).saturating_sub(1)).min(LONGEST_PAUSE);
            // Spread, so that several programs that were refused together do not come back together.
            let spread = u32::try_from(self.clock.random() % 1000).unwrap_or_default();
            state.paused_until = now + longest / 2 + longest / 2 * spread / 1000;
        }
        strikes
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        let mut state = self.lane.lock();
        state.under_way = state.under_way.saturating_sub(1);
        drop(state);
        self.lane.freed.notify_one();
    }
}
