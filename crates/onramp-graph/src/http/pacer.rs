//! How fast the service may be written to, by everybody who writes in bulk with a client together.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What the service takes before it throttles, of one application in one tenant.
///
/// Writers in bulk stay under it by themselves, and slow down when the service says that a limit is near
/// (`x-ms-throttle-limit-percentage`). Other programs on the same application use up the same limits; what they leave
/// too little of is told by `Retry-After`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServiceLimits {
    /// Writes per [`ServiceLimits::write_window`].
    pub writes: u32,
    /// The time in which that many writes may be made.
    pub write_window: Duration,
    /// Resource units per [`ServiceLimits::unit_window`]; a write costs one.
    pub units: u32,
    /// The time in which that many units may be used.
    pub unit_window: Duration,
}

impl Default for ServiceLimits {
    /// What Microsoft documents for Entra ID: 3 000 writes in 150 seconds, and the 3 500 resource units in 10 seconds
    /// of a tenant below 50 users (larger ones have 5 000 or 8 000).
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
    /// With that many writes in that time.
    #[must_use]
    pub fn with_writes(mut self, writes: u32, window: Duration) -> Self {
        (self.writes, self.write_window) = (writes.max(1), window);
        self
    }

    /// With that many resource units in that time.
    #[must_use]
    pub fn with_units(mut self, units: u32, window: Duration) -> Self {
        (self.units, self.unit_window) = (units.max(1), window);
        self
    }
}

/// Lets writes through as the limits allow.
#[derive(Debug)]
pub(crate) struct Pacer {
    limits: ServiceLimits,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// Nobody writes before this time, because a limit is near.
    not_before: Duration,
    writes: Window,
    units: Window,
}

/// What may be sent.
#[derive(Debug)]
pub(crate) enum Grant {
    /// That many writes, now.
    Now(Reservation),
    /// Nothing before this time.
    At(Duration),
    /// Nothing before some of what is under way was answered.
    WhenAnswered,
}

impl Pacer {
    pub(crate) fn new(limits: ServiceLimits) -> Self {
        let state = State {
            not_before: Duration::ZERO,
            writes: Window::new(limits.writes, limits.write_window),
            units: Window::new(limits.units, limits.unit_window),
        };
        Self { limits, state: Mutex::new(state) }
    }

    /// Asks for up to so many writes.
    pub(crate) fn reserve(self: &Arc<Self>, wanted: usize, now: Duration) -> Grant {
        let mut state = self.state();
        if now < state.not_before {
            return Grant::At(state.not_before);
        }
        let free = state.writes.free(now).min(state.units.free(now));
        if free == 0 {
            let next = [&state.writes, &state.units].into_iter().filter_map(Window::next_free).max();
            return next.map_or(Grant::WhenAnswered, Grant::At);
        }
        let writes = free.min(u32::try_from(wanted).unwrap_or(u32::MAX));
        state.writes.under_way += writes;
        state.units.under_way += writes;
        Grant::Now(Reservation { pacer: Arc::clone(self), writes, at: now, settled: false })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes that may be sent, or were. Dropped without an answer they count as made when they were reserved.
#[derive(Debug)]
pub(crate) struct Reservation {
    pacer: Arc<Pacer>,
    writes: u32,
    at: Duration,
    settled: bool,
}

/// What the answer says about the limits.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Usage {
    /// Resource units that it cost, if the service said.
    pub(crate) units: Option<u32>,
    /// How much of a limit is used, 1 being all of it; said only when it is much.
    pub(crate) of_limit: Option<f64>,
}

impl Reservation {
    pub(crate) fn writes(&self) -> usize {
        self.writes as usize
    }

    /// Counts what was made, from the time of the answer on: when the service counted it is not known, only that it
    /// was before. So no window of the service ever holds more than the limit, wherever it begins.
    pub(crate) fn settle(mut self, refused: u32, usage: Usage, now: Duration) {
        self.settled = true;
        let made = self.writes.saturating_sub(refused);
        let mut state = self.pacer.state();
        state.writes.settle(self.writes, made, now);
        state.units.settle(self.writes, usage.units.unwrap_or(made), now);
        if let Some(used) = usage.of_limit {
            let pause = self.pacer.limits.pause(self.writes, used);
            state.not_before = state.not_before.max(now + pause);
        }
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        if !self.settled {
            let mut state = self.pacer.state();
            state.writes.settle(self.writes, self.writes, self.at);
            state.units.settle(self.writes, self.writes, self.at);
        }
    }
}

impl ServiceLimits {
    /// How long to pause after so many writes, so that the limit is approached ever more slowly: from four fifths of it
    /// on up to the pace that can be kept for ever, and beyond it slower than that.
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

/// What was used up within a stretch of time that ends now.
#[derive(Debug)]
struct Window {
    limit: u32,
    length: Duration,
    under_way: u32,
    spent: VecDeque<(Duration, u32)>,
    sum: u32,
}

impl Window {
    fn new(limit: u32, length: Duration) -> Self {
        Self { limit: limit.max(1), length, under_way: 0, spent: VecDeque::new(), sum: 0 }
    }

    fn free(&mut self, now: Duration) -> u32 {
        while let Some((at, amount)) = self.spent.front().copied()
            && at + self.length <= now
        {
            self.spent.pop_front();
            self.sum = self.sum.saturating_sub(amount);
        }
        self.limit.saturating_sub(self.under_way.saturating_add(self.sum))
    }

    /// When something becomes free, if nothing is and time alone brings it.
    fn next_free(&self) -> Option<Duration> {
        let full = self.under_way.saturating_add(self.sum) >= self.limit;
        self.spent.front().filter(|_| full).map(|(at, _)| *at + self.length)
    }

    fn settle(&mut self, reserved: u32, made: u32, now: Duration) {
        self.under_way = self.under_way.saturating_sub(reserved);
        if made > 0 {
            self.spent.push_back((now, made));
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

    fn pacer(writes: u32, window: u64) -> Arc<Pacer> {
        Arc::new(Pacer::new(ServiceLimits::default().with_writes(writes, seconds(window))))
    }

    fn take(pacer: &Arc<Pacer>, wanted: usize, now: u64) -> usize {
        match pacer.reserve(wanted, seconds(now)) {
            Grant::Now(reservation) => {
                let writes = reservation.writes();
                reservation.settle(0, Usage::default(), seconds(now));
                writes
            }
            Grant::At(_) | Grant::WhenAnswered => 0,
        }
    }

    #[test]
    fn a_window_lets_through_its_limit_and_goes_on_when_it_has_passed() {
        let pacer = pacer(30, 5);
        assert_eq!((take(&pacer, 20, 0), take(&pacer, 20, 1), take(&pacer, 20, 1)), (20, 10, 0));
        assert!(matches!(pacer.reserve(20, seconds(1)), Grant::At(at) if at == seconds(5)));
        assert_eq!((take(&pacer, 20, 5), take(&pacer, 20, 5), take(&pacer, 20, 6)), (20, 0, 10));
    }

    #[test]
    fn what_is_under_way_counts_and_what_was_refused_does_not() {
        let pacer = pacer(20, 5);
        let Grant::Now(first) = pacer.reserve(20, seconds(0)) else { panic!() };
        assert!(matches!(pacer.reserve(1, seconds(0)), Grant::WhenAnswered));
        first.settle(15, Usage::default(), seconds(1));
        assert_eq!(take(&pacer, 20, 1), 15);
        let Grant::Now(lost) = pacer.reserve(5, seconds(6)) else { panic!() };
        drop(lost);
        assert!(take(&pacer, 20, 6) <= 15, "an unanswered write may have been made");
    }

    #[test]
    fn near_the_limit_the_pace_falls_to_what_can_be_kept() {
        let limits = ServiceLimits::default();
        assert_eq!(limits.pause(20, 0.8), Duration::ZERO);
        assert_eq!(limits.pause(20, 0.9).as_millis(), 500);
        assert_eq!(limits.pause(20, 1.0), seconds(1));
        assert_eq!(limits.pause(20, 1.8).as_millis(), 1800);
        assert_eq!(limits.pause(20, f64::NAN), Duration::ZERO);
        let pacer = pacer(3000, 150);
        let Grant::Now(some) = pacer.reserve(20, seconds(0)) else { panic!() };
        some.settle(0, Usage { units: Some(7), of_limit: Some(1.0) }, seconds(4));
        assert!(matches!(pacer.reserve(1, seconds(4)), Grant::At(at) if at == seconds(5)));
    }

    proptest::proptest! {
        /// However writes are asked for, no stretch of time as long as the window holds more than the limit.
        #[test]
        fn no_window_holds_more_than_the_limit(limit in 1_u32..60, asks in proptest::collection::vec((0_u64..4, 1_usize..25), 1..60)) {
            let pacer = pacer(limit, 10);
            let (mut now, mut made) = (0, Vec::new());
            for (later, wanted) in asks {
                now += later;
                made.push((now, take(&pacer, wanted, now)));
            }
            for (begin, _) in &made {
                let within = made.iter().filter(|(at, _)| at >= begin && *at < begin + 10);
                proptest::prop_assert!(within.map(|(_, writes)| writes).sum::<usize>() <= limit as usize);
            }
        }
    }
}
