//! The retry policy, as a value.

use std::time::Duration;

use onramp_core::Clock;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;

/// The rule of attempts and delays: how often a request is repeated, and when the client gives up.
///
/// `Retry-After` is obeyed exactly. Without it, the delay is random between zero and a bound that doubles each time
/// ("full jitter"). A delay that would end after the deadline is not started: the error is returned at once, with the
/// delay that the server asked for.
///
/// ```
/// use std::time::Duration;
/// use onramp_graph::RetryPolicy;
///
/// let patient = RetryPolicy::default().with_max_attempts(10).with_deadline(Duration::from_secs(1800));
/// assert_eq!(RetryPolicy::never().max_attempts, 1);
/// # let _ = patient;
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RetryPolicy {
    /// The number of attempts, the first included. At least 1.
    pub max_attempts: u32,
    /// The bound of the first delay.
    pub base: Duration,
    /// The bound of every delay that the server did not ask for.
    pub cap: Duration,
    /// The maximum time for all attempts and delays of one request.
    pub deadline: Duration,
}

impl Default for RetryPolicy {
    /// Returns six attempts, delays bounded by 1, 2, 4, 8 and 16 seconds, and five minutes in all.
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
    /// Returns a policy with a single attempt.
    pub fn never() -> Self {
        Self { max_attempts: 1, ..Self::default() }
    }

    /// Sets the number of attempts.
    #[must_use]
    pub fn with_max_attempts(mut self, attempts: u32) -> Self {
        self.max_attempts = attempts.max(1);
        self
    }

    /// Sets the maximum time for all attempts and delays.
    #[must_use]
    pub fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Sets the bounds of the first delay and of every delay.
    #[must_use]
    pub fn with_backoff(mut self, base: Duration, cap: Duration) -> Self {
        self.base = base;
        self.cap = cap;
        self
    }

    /// Returns the delay after an attempt (counted from 1).
    pub(crate) fn wait(&self, attempt: u32, asked: Option<Duration>, clock: &dyn Clock) -> Duration {
        if let Some(asked) = asked.filter(|asked| !asked.is_zero()) {
            return asked;
        }
        let doubled =
            self.base.saturating_mul(1_u32.checked_shl(attempt.saturating_sub(1)).unwrap_or(u32::MAX));
        let bound = doubled.min(self.cap);
        // Never zero: a server that is not ready must not get the same request again at once.
        let share = (clock.random() >> 11) as f64 / (1_u64 << 53) as f64;
        bound.mul_f64(share).max(Duration::from_millis(10))
    }
}

/// Parses `Retry-After`: whole seconds, decimal seconds (Graph sends them) or an HTTP date. Anything else gives `None`.
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
