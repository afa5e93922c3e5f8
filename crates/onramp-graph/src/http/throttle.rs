//! Throttling: the backoff that a service asks for, and the rate limiter that stays below its limits.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::http::service::ServiceKind;

/// The backoff of each service, shared by all clones of a client.
///
/// A service that throttles one request throttles the application. It would refuse other requests too, and they would
/// prolong the throttling.
#[derive(Debug, Default)]
pub(crate) struct ServiceBackoff(Mutex<BackoffEnds>);

/// The end of the backoff of each service.
#[derive(Debug, Default)]
struct BackoffEnds {
    graph: Duration,
    arm: Duration,
    login: Duration,
}

impl BackoffEnds {
    fn of(&mut self, service: ServiceKind) -> &mut Duration {
        match service {
            ServiceKind::Graph => &mut self.graph,
            ServiceKind::Arm => &mut self.arm,
            ServiceKind::Login => &mut self.login,
        }
    }
}

impl ServiceBackoff {
    /// Sends no request to a service for a time. A backoff never ends earlier than an earlier call set.
    pub(crate) fn start(&self, service: ServiceKind, now: Duration, time: Duration) {
        let mut ends = self.lock();
        let end = ends.of(service);
        *end = (*end).max(now.saturating_add(time));
    }

    /// Returns the end of a service's backoff, if one is running.
    pub(crate) fn ends(&self, service: ServiceKind, now: Duration) -> Option<Duration> {
        let end = *self.lock().of(service);
        (end > now).then_some(end)
    }

    fn lock(&self) -> MutexGuard<'_, BackoffEnds> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The limits above which Graph throttles one application in one tenant.
///
/// Bulk writes stay below them, and slow down when the service reports that a limit is near
/// (`x-ms-throttle-limit-percentage`). Other programs with the same application share the limits; requests that the
/// service throttles because of them are repeated after `Retry-After`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServiceLimits {
    /// Writes per [`ServiceLimits::write_window`].
    pub writes: u32,
    /// The time window for [`ServiceLimits::writes`].
    pub write_window: Duration,
    /// Resource units per [`ServiceLimits::unit_window`]; a write costs one.
    pub units: u32,
    /// The time window for [`ServiceLimits::units`].
    pub unit_window: Duration,
}

impl Default for ServiceLimits {
    /// Returns the limits that Microsoft documents for Entra ID: 3,000 writes in 150 seconds, and 3,500 resource units
    /// in 10 seconds for a tenant below 50 users (larger ones have 5,000 or 8,000).
    fn default() -> Self {
        Self {
            writes: 3000,
            write_window: Duration::from_secs(150),
            units: 3500,
            unit_window: Duration::from_secs(10),
        }
    }
}

impl ServiceLimits {
    /// Sets the number of writes in a time window.
    #[must_use]
    pub fn with_writes(mut self, writes: u32, window: Duration) -> Self {
        (self.writes, self.write_window) = (writes.max(1), window);
        self
    }

    /// Sets the number of resource units in a time window.
    #[must_use]
    pub fn with_units(mut self, units: u32, window: Duration) -> Self {
        (self.units, self.unit_window) = (units.max(1), window);
        self
    }
}

/// A sliding-window rate limiter for bulk writes, shared by all clones of a client.
#[derive(Debug)]
pub(crate) struct RateLimiter {
    limits: ServiceLimits,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// No write before this time, because a limit is near.
    not_before: Duration,
    writes: Window,
    units: Window,
}

/// The answer to a request for writes.
#[derive(Debug)]
pub(crate) enum Permit {
    /// These writes may be sent now.
    Granted(Reservation),
    /// No write before this time.
    RetryAt(Duration),
    /// No write before the response to one in flight.
    AfterReply,
}

impl RateLimiter {
    pub(crate) fn new(limits: ServiceLimits) -> Self {
        let state = State {
            not_before: Duration::ZERO,
            writes: Window::new(limits.writes, limits.write_window),
            units: Window::new(limits.units, limits.unit_window),
        };
        Self { limits, state: Mutex::new(state) }
    }

    /// Reserves up to `wanted` writes.
    pub(crate) fn reserve(self: &Arc<Self>, wanted: usize, now: Duration) -> Permit {
        let mut state = self.state();
        if now < state.not_before {
            return Permit::RetryAt(state.not_before);
        }
        let free = state.writes.free(now).min(state.units.free(now));
        if free == 0 {
            let next = [&state.writes, &state.units].into_iter().filter_map(Window::next_free).max();
            return next.map_or(Permit::AfterReply, Permit::RetryAt);
        }
        let writes = free.min(u32::try_from(wanted).unwrap_or(u32::MAX));
        state.writes.in_flight += writes;
        state.units.in_flight += writes;
        Permit::Granted(Reservation { limiter: Arc::clone(self), writes, at: now, settled: false })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reserved writes. Dropped without a response, they count as made when they were reserved.
#[derive(Debug)]
pub(crate) struct Reservation {
    limiter: Arc<RateLimiter>,
    writes: u32,
    at: Duration,
    settled: bool,
}

/// The use of the limits that a response reports.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Usage {
    /// The resource units that it cost, if reported.
    pub(crate) units: Option<u32>,
    /// The used share of a limit; 1 is all of it. Reported only when it is high.
    pub(crate) of_limit: Option<f64>,
}

impl Reservation {
    pub(crate) fn writes(&self) -> usize {
        self.writes as usize
    }

    /// Counts the writes that were made, at the time of the response. The service counted them earlier, at a time that
    /// is not known; so no window of the service holds more than the limit, wherever it begins.
    pub(crate) fn settle(mut self, refused: u32, usage: Usage, now: Duration) {
        self.settled = true;
        let made = self.writes.saturating_sub(refused);
        let mut state = self.limiter.state();
        state.writes.settle(self.writes, made, now);
        state.units.settle(self.writes, usage.units.unwrap_or(made), now);
        if let Some(used) = usage.of_limit {
            let pause = self.limiter.limits.pause(self.writes, used);
            state.not_before = state.not_before.max(now + pause);
        }
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        if !self.settled {
            let mut state = self.limiter.state();
            state.writes.settle(self.writes, self.writes, self.at);
            state.units.settle(self.writes, self.writes, self.at);
        }
    }
}

impl ServiceLimits {
    /// Returns the pause after some writes, so that the limit is approached more slowly: from four fifths of it on, up to
    /// the rate that can be sustained, and beyond the limit slower than that.
    fn pause(&self, writes: u32, used: f64) -> Duration {
        const NEAR: f64 = 0.8;
        if !used.is_finite() || used <= NEAR {
            return Duration::ZERO;
        }
        let share = ((used - NEAR) / (1.0 - NEAR)).min(1.0) * used.clamp(1.0, 2.0);
        let each = self.write_window.as_secs_f64() / f64::from(self.writes.max(1));
        Duration::try_from_secs_f64(each * f64::from(writes) * share).unwrap_or_default()
    }
}

/// The use of a limit within a time window that ends now.
#[derive(Debug)]
struct Window {
    limit: u32,
    length: Duration,
    in_flight: u32,
    used: VecDeque<(Duration, u32)>,
    sum: u32,
}

impl Window {
    fn new(limit: u32, length: Duration) -> Self {
        Self { limit: limit.max(1), length, in_flight: 0, used: VecDeque::new(), sum: 0 }
    }

    fn free(&mut self, now: Duration) -> u32 {
        while let Some((at, amount)) = self.used.front().copied()
            && at + self.length <= now
        {
            self.used.pop_front();
            self.sum = self.sum.saturating_sub(amount);
        }
        self.limit.saturating_sub(self.in_flight.saturating_add(self.sum))
    }

    /// Returns the time when capacity becomes free, if there is none and waiting is enough.
    fn next_free(&self) -> Option<Duration> {
        let full = self.in_flight.saturating_add(self.sum) >= self.limit;
        self.used.front().filter(|_| full).map(|(at, _)| *at + self.length)
    }

    fn settle(&mut self, reserved: u32, made: u32, now: Duration) {
        self.in_flight = self.in_flight.saturating_sub(reserved);
        if made > 0 {
            self.used.push_back((now, made));
            self.sum = self.sum.saturating_add(made);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn new_limiter(writes: u32, window: u64) -> Arc<RateLimiter> {
        Arc::new(RateLimiter::new(ServiceLimits::default().with_writes(writes, seconds(window))))
    }

    fn take(limiter: &Arc<RateLimiter>, wanted: usize, now: u64) -> usize {
        match limiter.reserve(wanted, seconds(now)) {
            Permit::Granted(reservation) => {
                let writes = reservation.writes();
                reservation.settle(0, Usage::default(), seconds(now));
                writes
            }
            Permit::RetryAt(_) | Permit::AfterReply => 0,
        }
    }

    #[test]
    fn a_backoff_holds_for_its_service_and_never_ends_early() {
        let backoff = ServiceBackoff::default();
        backoff.start(ServiceKind::Graph, seconds(1), seconds(9));
        backoff.start(ServiceKind::Graph, seconds(2), seconds(1));
        assert_eq!(backoff.ends(ServiceKind::Graph, seconds(3)), Some(seconds(10)));
        assert_eq!(backoff.ends(ServiceKind::Graph, seconds(10)), None);
        assert_eq!(backoff.ends(ServiceKind::Arm, seconds(3)), None);
        backoff.start(ServiceKind::Login, seconds(1), Duration::MAX);
        assert_eq!(backoff.ends(ServiceKind::Login, seconds(9)), Some(Duration::MAX));
    }

    #[test]
    fn a_window_lets_through_its_limit_and_goes_on_when_it_has_passed() {
        let limiter = new_limiter(30, 5);
        assert_eq!((take(&limiter, 20, 0), take(&limiter, 20, 1), take(&limiter, 20, 1)), (20, 10, 0));
        assert!(matches!(limiter.reserve(20, seconds(1)), Permit::RetryAt(at) if at == seconds(5)));
        assert_eq!((take(&limiter, 20, 5), take(&limiter, 20, 5), take(&limiter, 20, 6)), (20, 0, 10));
    }

    #[test]
    fn what_is_under_way_counts_and_what_was_refused_does_not() {
        let limiter = new_limiter(20, 5);
        let Permit::Granted(first) = limiter.reserve(20, seconds(0)) else { panic!() };
        assert!(matches!(limiter.reserve(1, seconds(0)), Permit::AfterReply));
        first.settle(15, Usage::default(), seconds(1));
        assert_eq!(take(&limiter, 20, 1), 15);
        let Permit::Granted(lost) = limiter.reserve(5, seconds(6)) else { panic!() };
        drop(lost);
        assert!(take(&limiter, 20, 6) <= 15, "an unanswered write may have been made");
    }

    #[test]
    fn near_the_limit_the_pace_falls_to_what_can_be_kept() {
        let limits = ServiceLimits::default();
        assert_eq!(limits.pause(20, 0.8), Duration::ZERO);
        assert_eq!(limits.pause(20, 0.9).as_millis(), 500);
        assert_eq!(limits.pause(20, 1.0), seconds(1));
        assert_eq!(limits.pause(20, 1.8).as_millis(), 1800);
        assert_eq!(limits.pause(20, f64::NAN), Duration::ZERO);
        let limiter = new_limiter(3000, 150);
        let Permit::Granted(some) = limiter.reserve(20, seconds(0)) else { panic!() };
        some.settle(0, Usage { units: Some(7), of_limit: Some(1.0) }, seconds(4));
        assert!(matches!(limiter.reserve(1, seconds(4)), Permit::RetryAt(at) if at == seconds(5)));
    }

    proptest::proptest! {
        /// However writes are asked for, no stretch of time as long as the window holds more than the limit.
        #[test]
        fn no_window_holds_more_than_the_limit(limit in 1_u32..60, asks in proptest::collection::vec((0_u64..4, 1_usize..25), 1..60)) {
            let limiter = new_limiter(limit, 10);
            let (mut now, mut made) = (0, Vec::new());
            for (later, wanted) in asks {
                now += later;
                made.push((now, take(&limiter, wanted, now)));
            }
            for (begin, _) in &made {
                let within = made.iter().filter(|(at, _)| at >= begin && *at < begin + 10);
                proptest::prop_assert!(within.map(|(_, writes)| writes).sum::<usize>() <= limit as usize);
            }
        }
    }
}
