//! An adaptive limit on the requests in flight at one server, after the pattern of TCP Vegas. Pure.
//!
//! A server that handles requests one after the other gains nothing from a longer queue: answers only come
//! later. More requests in flight pay only for the time on the network. The length of the queue at the server
//! follows from the latency above the minimum. At first the limit doubles until a queue forms, so that a long
//! distance costs a few round trips and not seconds. From then on the limit grows while the queue is short,
//! stays while it is moderate, returns to the target when it is long, and halves when the server is busy.

use std::time::Duration;

/// The initial limit.
pub(crate) const INITIAL: usize = 32;
/// The queue length below which the limit grows.
const SHORT_QUEUE: f64 = 8.0;
/// The target queue length after a decrease; it absorbs jitter of the server, the network and the client.
const TARGET_QUEUE: f64 = 16.0;
/// The queue length above which the limit decreases.
const LONG_QUEUE: f64 = 24.0;
/// The divisor of the step by which the limit grows.
const GROWTH_DIVISOR: usize = 16;
/// The interval at which the minimum latency is measured again, with few requests in flight, since routes
/// change.
const MEASUREMENT_INTERVAL: Duration = Duration::from_secs(30);
const MEASUREMENT_LIMIT: usize = 2;
/// The number of rounds without congestion below a size that was too large, before that size is tried again.
const ROUNDS_BEFORE_RETRY: u32 = 50;

/// The limit and its measurements.
#[derive(Debug)]
pub(crate) struct AdaptiveLimit {
    size: usize,
    max: usize,
    /// True until the first queue forms: the limit doubles.
    is_doubling: bool,
    /// The minimum latency since the last measurement.
    min_latency: Option<Duration>,
    next_measurement: Duration,
    /// The size to return to after the measurement of the minimum latency.
    size_before_measurement: Option<usize>,
    round: Round,
    /// The time of the last change of size. Answers to requests that were sent before say nothing about the
    /// new size.
    resized_at: Option<Duration>,
    /// The number of busy answers in a row, counted once per size.
    busy_in_a_row: u32,
    /// The size at which the server was last busy.
    busy_size: Option<usize>,
    /// The number of rounds without congestion right below that size.
    rounds_below: u32,
}

#[derive(Debug, Default)]
struct Round {
    answers: usize,
    time: Duration,
    /// True if the limit was reached: otherwise the size is not what limits the rate.
    full: bool,
}

impl AdaptiveLimit {
    pub(crate) fn new(max: usize) -> Self {
        Self {
            size: INITIAL.min(max).max(1),
            max: max.max(1),
            is_doubling: true,
            min_latency: None,
            next_measurement: MEASUREMENT_INTERVAL,
            size_before_measurement: None,
            round: Round::default(),
            resized_at: None,
            busy_in_a_row: 0,
            busy_size: None,
            rounds_below: 0,
        }
    }

    /// Returns the number of requests that may be in flight.
    pub(crate) fn size(&self) -> usize {
        self.size
    }

    /// Records an answer, its latency, and the number of requests in flight, itself included.
    pub(crate) fn answered(&mut self, now: Duration, took: Duration, in_flight: usize) {
        self.busy_in_a_row = 0;
        let sent = now.saturating_sub(took);
        if self.resized_at.is_some_and(|resized_at| sent < resized_at) {
            return;
        }
        self.min_latency = Some(self.min_latency.map_or(took, |min_latency| min_latency.min(took)));
        self.round.answers += 1;
        self.round.time += took;
        self.round.full |= in_flight >= self.size;
        if self.round.answers < self.size {
            return;
        }
        let round = std::mem::take(&mut self.round);
        match self.size_before_measurement.take() {
            Some(size) => self.resize(now, size),
            None if now >= self.next_measurement => {
                (self.next_measurement, self.min_latency) = (now + MEASUREMENT_INTERVAL, None);
                self.size_before_measurement = Some(self.size);
                self.resize(now, MEASUREMENT_LIMIT);
            }
            None => self.adapt(now, &round),
        }
    }

    /// Records a busy answer and its latency. Returns the number of busy answers in a row, and true if this
    /// one counts: one to a request that was sent before the last decrease does not.
    pub(crate) fn throttled(&mut self, now: Duration, took: Duration) -> (u32, bool) {
        let sent = now.saturating_sub(took);
        if self.resized_at.is_some_and(|resized_at| sent < resized_at) {
            return (self.busy_in_a_row, false);
        }
        self.busy_in_a_row = self.busy_in_a_row.saturating_add(1);
        (self.busy_size, self.rounds_below) = (Some(self.size), 0);
        (self.size_before_measurement, self.is_doubling) = (None, false);
        self.resize(now, self.size / 2);
        // Even if the clock stands still, the other requests of this round were sent before.
        self.resized_at = Some(now + Duration::from_nanos(1));
        (self.busy_in_a_row, true)
    }

    fn adapt(&mut self, now: Duration, round: &Round) {
        let mean = round.time.as_secs_f64() / round.answers.max(1) as f64;
        let min_latency = self.min_latency.unwrap_or_default().as_secs_f64();
        let queued = if mean > 0.0 { self.size as f64 * (1.0 - min_latency / mean) } else { 0.0 };
        if queued > LONG_QUEUE {
            self.is_doubling = false;
            // The requests that are not queued are on the network or being handled.
            let enough = (self.size as f64 - queued + TARGET_QUEUE).ceil() as usize;
            self.resize(now, enough.min(self.size - 1));
        } else if self.is_doubling && round.full {
            self.is_doubling = self.size < self.max;
            self.resize(now, self.size * 2);
        } else if queued < SHORT_QUEUE && round.full {
            self.grow();
        }
    }

    /// Grows by one step. The measurements of the round stay valid.
    fn grow(&mut self) {
        let larger = (self.size + (self.size / GROWTH_DIVISOR).max(1)).min(self.max);
        if self.busy_size.is_some_and(|busy_size| larger >= busy_size) {
            self.rounds_below += 1;
            if self.rounds_below < ROUNDS_BEFORE_RETRY {
                return;
            }
            self.busy_size = None;
        }
        self.size = larger;
    }

    fn resize(&mut self, now: Duration, size: usize) {
        self.size = size.clamp(1, self.max);
        self.resized_at = Some(now);
        self.round = Round::default();
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BinaryHeap;

    use super::*;

    /// A simulated server: `lanes` requests at a time take `service` each; the network takes `travel`.
    struct Server {
        lanes: usize,
        service: Duration,
        travel: Duration,
        /// The number of requests in flight from which the server is busy.
        max: usize,
    }

    struct Run {
        limit: AdaptiveLimit,
        /// Answers per second in the last quarter.
        rate: f64,
        /// The time of the last answer.
        took: Duration,
        throttled: usize,
    }

    fn run(server: &Server, max: usize, requests: usize) -> Run {
        let mut limit = AdaptiveLimit::new(max);
        let (mut now, mut sent, mut done, mut throttled) = (Duration::ZERO, 0, 0, 0);
        let mut free = vec![Duration::ZERO; server.lanes];
        let mut arriving: BinaryHeap<std::cmp::Reverse<(Duration, Duration, bool)>> = BinaryHeap::new();
        let mut quarter = Duration::ZERO;
        let mut rounds = 0;
        while done < requests {
            rounds += 1;
            assert!(rounds < 10 * requests, "it gets nowhere: {limit:?}");
            while arriving.len() < limit.size() && sent < requests + throttled {
                sent += 1;
                let busy = arriving.len() >= server.max;
                let answer = if busy {
                    now + server.travel
                } else {
                    let limiter = free.iter_mut().min().unwrap();
                    *limiter = (*limiter).max(now + server.travel / 2) + server.service;
                    *limiter + server.travel / 2
                };
                arriving.push(std::cmp::Reverse((answer, now, busy)));
            }
            let in_flight = arriving.len();
            let std::cmp::Reverse((answer, sent_at, busy)) = arriving.pop().unwrap();
            now = answer;
            if busy {
                throttled += 1;
                limit.throttled(now, now - sent_at);
            } else {
                done += 1;
                limit.answered(now, now - sent_at, in_flight);
            }
            if done == requests * 3 / 4 && quarter.is_zero() {
                quarter = now;
            }
        }
        let rate = requests as f64 / 4.0 / (now - quarter).as_secs_f64();
        Run { limit, rate, took: now, throttled }
    }

    fn milliseconds(count: u64) -> Duration {
        Duration::from_millis(count)
    }

    #[test]
    fn a_server_that_works_serially_nearby_keeps_a_small_window() {
        let server = Server { lanes: 1, service: milliseconds(2), travel: Duration::ZERO, max: usize::MAX };
        let run = run(&server, 256, 20_000);
        assert!(run.limit.size() <= 24, "{}", run.limit.size());
        assert!(run.rate > 495.0, "{}", run.rate);
    }

    #[test]
    fn distance_is_made_up_for_and_no_more() {
        for travel in [10, 40, 150] {
            let server =
                Server { lanes: 1, service: milliseconds(2), travel: milliseconds(travel), max: usize::MAX };
            let run = run(&server, 256, 20_000);
            assert!(run.rate > 480.0, "{travel} ms: {}", run.rate);
            let needed = (travel as usize + 2) / 2;
            assert!(run.limit.size() <= needed + LONG_QUEUE as usize, "{travel} ms: {}", run.limit.size());
        }
    }

    #[test]
    fn a_distance_costs_some_journeys_at_the_beginning_and_no_seconds() {
        for travel in [10, 40, 150] {
            let server =
                Server { lanes: 1, service: milliseconds(1), travel: milliseconds(travel), max: usize::MAX };
            let over = run(&server, 256, 3_000).took - milliseconds(3_000);
            assert!(over < milliseconds(travel) * 6, "{travel} ms: {over:?} more than without a distance");
        }
    }

    #[test]
    fn an_answer_that_takes_long_once_is_made_up_for() {
        let mut limit = AdaptiveLimit::new(256);
        // The first answers are late, as if the server had a queue.
        let mut now = milliseconds(40);
        limit.answered(now, milliseconds(40), INITIAL);
        for _ in 1..INITIAL {
            now += milliseconds(1);
            limit.answered(now, milliseconds(400), INITIAL);
        }
        let small = limit.size();
        assert!(small < INITIAL, "{small}");
        let mut rounds = 0;
        while limit.size() < 2 * INITIAL {
            now += milliseconds(42);
            let size = limit.size();
            (0..size).for_each(|_| limit.answered(now, milliseconds(41), size));
            rounds += 1;
        }
        assert!(rounds < 50, "{rounds}");
    }

    #[test]
    fn a_server_that_works_on_many_at_a_time_gets_many() {
        let server =
            Server { lanes: 64, service: milliseconds(5), travel: milliseconds(10), max: usize::MAX };
        let all = run(&server, 256, 40_000);
        assert!(all.rate > 64.0 / 0.005 * 0.8, "{}", all.rate);
        assert_eq!(run(&server, 32, 10_000).limit.size(), 32, "but never more than it may get");
    }

    #[test]
    fn a_busy_server_gets_as_many_as_it_takes() {
        let server = Server { lanes: 8, service: milliseconds(4), travel: milliseconds(4), max: 10 };
        let run = run(&server, 64, 10_000);
        assert!(run.limit.size() <= 10 + 2, "{}", run.limit.size());
        assert!(run.throttled < 400, "{} of 10000 were refused", run.throttled);
        assert!(run.rate > 700.0, "{}", run.rate);
    }

    #[test]
    fn refusals_of_one_window_count_once() {
        let mut limit = AdaptiveLimit::new(64);
        assert_eq!(limit.throttled(milliseconds(10), milliseconds(5)), (1, true));
        assert_eq!(limit.size(), INITIAL / 2);
        for _ in 1..INITIAL {
            assert_eq!(limit.throttled(milliseconds(10), milliseconds(5)), (1, false));
        }
        assert_eq!(limit.size(), INITIAL / 2);
        assert_eq!(limit.throttled(milliseconds(20), milliseconds(5)), (2, true));
        for at in 3..9 {
            limit.throttled(milliseconds(10 * at), milliseconds(1));
        }
        assert_eq!(limit.size(), 1, "never none");
        limit.answered(milliseconds(100), milliseconds(1), 1);
        assert_eq!(limit.throttled(milliseconds(110), milliseconds(1)), (1, true));
    }

    #[test]
    fn a_stream_that_comes_slowly_does_not_grow_the_window() {
        let mut limit = AdaptiveLimit::new(64);
        for at in 0..1000 {
            limit.answered(milliseconds(at * 10), milliseconds(5), 2);
        }
        assert_eq!(limit.size(), INITIAL);
    }

    /// A full round of answers, all sent at one time, with one latency.
    fn round(limit: &mut AdaptiveLimit, sent: Duration, took: Duration) {
        let size = limit.size();
        (0..size).for_each(|_| limit.answered(sent + took, took, size));
    }

    /// A limit of that size that does not double any more and has measured that minimum latency.
    fn settled(max: usize, size: usize, min_latency: Duration) -> AdaptiveLimit {
        let mut limit = AdaptiveLimit::new(max);
        (limit.is_doubling, limit.min_latency, limit.size) = (false, Some(min_latency), size);
        limit
    }

    #[test]
    fn it_begins_with_some_and_never_with_none_or_more_than_allowed() {
        assert_eq!(
            [0, 1, 8, 31, 32, 33, 500].map(|max| AdaptiveLimit::new(max).size()),
            [1, 1, 8, 31, 32, 32, 32]
        );
        assert_eq!(AdaptiveLimit::new(0).max, 1);
    }

    #[test]
    fn a_whole_window_of_answers_doubles_it_and_what_was_sent_before_does_not_count() {
        let mut limit = AdaptiveLimit::new(256);
        for _ in 1..INITIAL {
            limit.answered(milliseconds(10), milliseconds(10), INITIAL);
        }
        assert_eq!(limit.size(), INITIAL, "one is missing");
        limit.answered(milliseconds(10), milliseconds(10), INITIAL);
        assert_eq!(limit.size(), 2 * INITIAL);
        // Sent before the limit doubled.
        (0..500).for_each(|_| limit.answered(milliseconds(15), milliseconds(6), 2 * INITIAL));
        assert_eq!(limit.size(), 2 * INITIAL);
        // Sent at that very moment.
        round(&mut limit, milliseconds(10), milliseconds(10));
        assert_eq!(limit.size(), 4 * INITIAL);
        round(&mut limit, milliseconds(20), milliseconds(10));
        round(&mut limit, milliseconds(30), milliseconds(10));
        assert_eq!(limit.size(), 256, "and no further than allowed");
        assert!(!limit.is_doubling || limit.size < limit.max);
    }

    #[test]
    fn a_window_that_was_never_full_stays() {
        let mut limit = AdaptiveLimit::new(256);
        (0..200).for_each(|_| limit.answered(milliseconds(10), milliseconds(10), INITIAL - 1));
        assert_eq!(limit.size(), INITIAL);
        let mut limit = settled(256, 64, milliseconds(10));
        (0..200).for_each(|_| limit.answered(milliseconds(10), milliseconds(10), 63));
        assert_eq!(limit.size(), 64);
    }

    #[test]
    fn how_many_queue_decides_whether_it_grows_stays_or_shrinks() {
        // With 64 in flight, a latency of 64/(64-q) times the minimum stands for a queue of q.
        let after = |queued: f64| {
            let min_latency = Duration::from_millis(1000);
            let mut limit = settled(256, 64, min_latency);
            round(&mut limit, Duration::ZERO, min_latency.mul_f64(64.0 / (64.0 - queued)));
            limit.size()
        };
        assert_eq!([0.0, 4.0, 7.9].map(after), [68, 68, 68], "few: by a sixteenth");
        assert_eq!([8.1, 16.0, 23.9].map(after), [64, 64, 64], "some");
        assert_eq!([24.1, 32.0, 48.0].map(after), [56, 48, 32], "many: back to some");
        let mut doubling = AdaptiveLimit::new(256);
        doubling.min_latency = Some(milliseconds(10));
        round(&mut doubling, Duration::ZERO, milliseconds(1000));
        assert!(doubling.size() < INITIAL && !doubling.is_doubling, "{}", doubling.size());
        // A small limit grows by one.
        let mut small = settled(256, 4, milliseconds(10));
        round(&mut small, Duration::ZERO, milliseconds(10));
        assert_eq!(small.size(), 5);
        // A server without latency has no queue.
        let mut instant = settled(256, 64, Duration::ZERO);
        round(&mut instant, Duration::ZERO, Duration::ZERO);
        assert_eq!(instant.size(), 68);
    }

    #[test]
    fn the_shortest_time_is_found_out_anew_now_and_then() {
        let mut limit = settled(256, 64, milliseconds(1));
        let before = MEASUREMENT_INTERVAL - milliseconds(11);
        round(&mut limit, before - milliseconds(20), milliseconds(1));
        assert_eq!(limit.size_before_measurement, None);
        let size = limit.size();
        round(&mut limit, MEASUREMENT_INTERVAL - milliseconds(10), milliseconds(10));
        assert_eq!(
            (limit.size(), limit.size_before_measurement),
            (MEASUREMENT_LIMIT, Some(size)),
            "few at a time"
        );
        assert_eq!(
            (limit.min_latency, limit.next_measurement),
            (None, MEASUREMENT_INTERVAL + MEASUREMENT_INTERVAL)
        );
        round(&mut limit, MEASUREMENT_INTERVAL, milliseconds(10));
        assert_eq!((limit.size(), limit.size_before_measurement), (size, None), "and then as many as before");
        assert_eq!(limit.min_latency, Some(milliseconds(10)));
        // A longer latency is not the minimum.
        limit.answered(MEASUREMENT_INTERVAL + milliseconds(60), milliseconds(40), 1);
        assert_eq!(limit.min_latency, Some(milliseconds(10)));
        // A busy server in the meantime keeps the smaller limit.
        let mut limit = settled(256, 64, milliseconds(1));
        round(&mut limit, MEASUREMENT_INTERVAL, milliseconds(1));
        limit.throttled(MEASUREMENT_INTERVAL + milliseconds(9), milliseconds(1));
        assert_eq!((limit.size(), limit.size_before_measurement), (1, None));
    }

    #[test]
    fn what_was_too_much_is_tried_again_only_after_a_while() {
        let mut limit = settled(256, 64, milliseconds(10));
        assert_eq!(limit.throttled(milliseconds(20), milliseconds(10)), (1, true));
        assert_eq!((limit.size(), limit.busy_size), (32, Some(64)));
        let mut now = milliseconds(100);
        let mut rounds = 0;
        while limit.size() < 64 {
            round(&mut limit, now, milliseconds(10));
            now += milliseconds(10);
            rounds += 1;
            assert!(rounds < 1000);
            if limit.busy_size.is_some() {
                assert!(limit.size() < 64);
            }
        }
        // 32, 34, … 63, and then fifty rounds right below.
        assert_eq!(rounds, 13 + ROUNDS_BEFORE_RETRY);
        assert_eq!(limit.busy_size, None);
    }

    #[test]
    fn a_refusal_of_what_was_sent_before_the_last_change_of_size_does_not_count() {
        let mut limit = settled(256, 64, milliseconds(10));
        assert_eq!(limit.throttled(milliseconds(20), milliseconds(10)), (1, true));
        assert_eq!(limit.throttled(milliseconds(25), milliseconds(6)), (1, false));
        assert_eq!(
            limit.throttled(milliseconds(25), milliseconds(5)),
            (1, false),
            "sent at that very moment"
        );
        assert_eq!(limit.throttled(milliseconds(25), milliseconds(4)), (2, true));
        let mut standing = settled(256, 64, milliseconds(10));
        assert_eq!(standing.throttled(Duration::ZERO, Duration::ZERO), (1, true));
        assert_eq!(standing.throttled(Duration::ZERO, Duration::ZERO), (1, false), "on a clock that stands");
        standing.answered(Duration::ZERO, Duration::ZERO, 1);
        assert_eq!(standing.busy_in_a_row, 0);
    }
}
