//! Time, waiting and jitter as an argument, so that tests of retries and time-outs are instant and exact.

use std::fmt::Debug;
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use time::OffsetDateTime;

/// The source of time, waiting and jitter.
///
/// Dropping the future of [`Clock::sleep`] ends the wait. [`Clock::random`] is for jitter only; secrets take
/// their randomness from the operating system.
#[async_trait]
pub trait Clock: Debug + Send + Sync {
    /// The time of day.
    fn now(&self) -> OffsetDateTime;

    /// Time passed since some fixed moment; never goes backwards.
    fn elapsed(&self) -> Duration;

    /// Returns after that time.
    async fn sleep(&self, time: Duration);

    /// Sixty-four bits that need not be secret.
    fn random(&self) -> u64;
}

/// The clock of a tokio program: the machine's time, tokio's timer.
#[cfg(feature = "tokio")]
#[derive(Debug, Clone)]
pub struct SystemClock {
    started: std::time::Instant,
}

#[cfg(feature = "tokio")]
impl SystemClock {
    /// A clock that counts from now.
    pub fn new() -> Self {
        Self { started: std::time::Instant::now() }
    }
}

#[cfg(feature = "tokio")]
impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(feature = "tokio")]
#[async_trait]
impl Clock for SystemClock {
    #[allow(clippy::disallowed_methods)] // the one place where the machine's time comes in
    fn now(&self) -> OffsetDateTime {
        OffsetDateTime::now_utc()
    }

    fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    async fn sleep(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }

    fn random(&self) -> u64 {
        use std::hash::{BuildHasher, Hasher};
        // RandomState is seeded by the operating system and differs per instance: good enough for jitter.
        std::collections::hash_map::RandomState::new().build_hasher().finish()
    }
}

/// A clock that moves only when told to, or when somebody sleeps: a sleep returns at once and has passed.
///
/// ```
/// # use onramp_core::{Clock, ManualClock};
/// # use std::time::Duration;
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let clock = ManualClock::default();
/// clock.sleep(Duration::from_secs(3600)).await;
/// assert_eq!(clock.elapsed(), Duration::from_secs(3600));
/// # });
/// ```
#[derive(Debug)]
pub struct ManualClock {
    start: OffsetDateTime,
    state: Mutex<(Duration, u64)>,
}

impl ManualClock {
    /// A clock that starts at that time of day.
    pub fn starting_at(start: OffsetDateTime) -> Self {
        Self { start, state: Mutex::new((Duration::ZERO, 0x9E37_79B9_7F4A_7C15)) }
    }

    /// Moves the clock forward.
    pub fn advance(&self, time: Duration) {
        self.with(|state| state.0 += time);
    }

    fn with<T>(&self, f: impl FnOnce(&mut (Duration, u64)) -> T) -> T {
        f(&mut self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
    }
}

impl Default for ManualClock {
    /// Starts on 1 January 2026, 00:00 UTC.
    fn default() -> Self {
        const START: Duration = Duration::from_secs(1_767_225_600);
        Self::starting_at(OffsetDateTime::UNIX_EPOCH + START)
    }
}

#[async_trait]
impl Clock for ManualClock {
    fn now(&self) -> OffsetDateTime {
        self.start + self.elapsed()
    }

    fn elapsed(&self) -> Duration {
        self.with(|state| state.0)
    }

    async fn sleep(&self, time: Duration) {
        self.advance(time);
        YieldOnce(false).await;
    }

    fn random(&self) -> u64 {
        // xorshift64*: reproducible, and never zero.
        self.with(|state| {
            let mut x = state.1;
            x ^= x >> 12;
            x ^= x << 25;
            x ^= x >> 27;
            state.1 = x;
            x.wrapping_mul(0x2545_F491_4F6C_DD1D)
        })
    }
}

/// Lets other tasks run once, so that a loop over an instant sleep cannot starve them.
struct YieldOnce(bool);

impl Future for YieldOnce {
    type Output = ();
    fn poll(mut self: std::pin::Pin<&mut Self>, cx: &mut std::task::Context<'_>) -> std::task::Poll<()> {
        if self.0 {
            return std::task::Poll::Ready(());
        }
        self.0 = true;
        cx.waker().wake_by_ref();
        std::task::Poll::Pending
    }
}
