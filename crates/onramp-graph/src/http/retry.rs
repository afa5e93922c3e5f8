//! How often and how long to try again, as a value that each request carries.

use std::time::Duration;

use onramp_core::Clock;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;

/// How often a request is repeated, how long to wait between, and when to give up.
///
/// A server's `Retry-After` is obeyed to the letter; without one the wait is drawn between zero and a bound that
/// doubles each time ("full jitter"). A wait that would end after the deadline is not begun: the error comes at
/// once and says how long the server asked to wait.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RetryPolicy {
    /// Tries in all, the first included. At least 1.
    pub max_attempts: u32,
    /// Bound of the first wait.
    pub base: Duration,
    /// Bound of every wait that the server did not ask for.
    pub cap: Duration,
    /// Longest time that all tries and waits of one request may take together.
    pub deadline: Duration,
}

impl Default for RetryPolicy {
    /// Six tries, waits bounded by 1, 2, 4, 8 and 16 seconds, five minutes in all.
    fn default() -> Self {
        Self {
            max_attempts: 6,
            base: Duration::from_secs(1),
            cap: Duration::from_secs(30),
            deadline: Duration::from_secs(300),
        }
    }
}

impl RetryPolicy {
    /// One try only.
    pub fn never() -> Self {
        Self { max_attempts: 1, ..Self::default() }
    }

    /// With that many tries in all.
    #[must_use]
    pub fn with_max_attempts(mut self, attempts: u32) -> Self {
        self.max_attempts = attempts.max(1);
        self
    }

    /// With that time for all tries and waits together.
    #[must_use]
    pub fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// With those bounds for the first wait and for every wait.
    #[must_use]
    pub fn with_backoff(mut self, base: Duration, cap: Duration) -> Self {
        (self.base, self.cap) = (base, cap);
        self
    }

    /// The wait after the `attempt`-th try (counted from 1).
    pub(crate) fn wait(&self, attempt: u32, asked: Option<Duration>, clock: &dyn Clock) -> Duration {
        if let Some(asked) = asked.filter(|asked| !asked.is_zero()) {
            return asked;
        }
        let doubled =
            self.base.saturating_mul(1_u32.checked_shl(attempt.saturating_sub(1)).unwrap_or(u32::MAX));
        let bound = doubled.min(self.cap);
        // Never zero: a server that says “not now” must not be asked again in the same instant.
        let share = (clock.random() >> 11) as f64 / (1_u64 << 53) as f64;
        bound.mul_f64(share).max(Duration::from_millis(10))
    }
}

/// Reads `Retry-After`: whole seconds, decimal seconds (Graph sends them) or an HTTP date. Anything else is none.
pub(crate) fn retry_after(value: &str, now: OffsetDateTime) -> Option<Duration> {
    let value = value.trim();
    if value.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        let seconds: f64 = value.parse().ok()?;
        return Duration::try_from_secs_f64(seconds).ok();
    }
    let date = OffsetDateTime::parse(value, &Rfc2822).ok()?;
    Some(Duration::try_from(date - now).unwrap_or(Duration::ZERO))
}

#[cfg(test)]
mod tests {
    use onramp_core::ManualClock;
    use time::macros::datetime;

    use super::*;

    const NOW: OffsetDateTime = datetime!(2026-11-22 10:00:00 UTC);

    #[test]
    fn retry_after_in_all_its_spellings() {
        let read = |text| retry_after(text, NOW);
        assert_eq!(read("2"), Some(Duration::from_secs(2)));
        assert_eq!(read(" 400 "), Some(Duration::from_secs(400)));
        assert_eq!(read("2.128"), Some(Duration::from_millis(2128)));
        assert_eq!(read("0"), Some(Duration::ZERO));
        assert_eq!(read("Sun, 22 Nov 2026 10:00:07 GMT"), Some(Duration::from_secs(7)));
        assert_eq!(read("Sun, 22 Nov 2026 09:00:00 GMT"), Some(Duration::ZERO));
        for garbage in
            ["", "soon", "-1", "1e9", "1.2.3", ".", "NaN", "inf", "99999999999999999999999999999999"]
        {
            assert_eq!(read(garbage), None, "{garbage}");
        }
    }

    #[test]
    fn waits_double_up_to_the_cap_and_are_never_zero() {
        let (policy, clock) = (RetryPolicy::default(), ManualClock::default());
        for attempt in 1..80 {
            let wait = policy.wait(attempt, None, &clock);
            let bound = Duration::from_secs(1 << (attempt - 1).min(10)).min(policy.cap);
            assert!(wait <= bound && wait >= Duration::from_millis(10), "{attempt}: {wait:?}");
        }
        assert_eq!(policy.wait(1, Some(Duration::from_secs(99)), &clock), Duration::from_secs(99));
    }

    proptest::proptest! {
        #[test]
        fn reading_never_panics(text in "\\PC{0,40}") {
            let _ = retry_after(&text, NOW);
        }
    }
}
