//! How many changes a server gets at a time: as many as it answers well, found out from its answers. Pure.
//!
//! A server that works on requests one after the other answers no more of them if it gets more at a time, only later.
//! What there is to win is the time that requests and answers travel. How many queue at the server shows in how much longer
//! an answer takes than the shortest one did. At first the window doubles until that tells that the server has enough, so
//! that a distance costs some journeys and not seconds. From then on it grows while few queue, stays while some do, goes back
//! to some when many do, and halves when the server says that it is busy.

use std::time::Duration;

/// The window of a server of which nothing is known yet.
pub(crate) const INITIAL: usize = 32;
/// With fewer requests queued at the server than that, the window grows.
const FEW: f64 = 8.0;
/// So many keep a server at work through the moments in which it, the network or the client falters.
const SOME: f64 = 16.0;
/// With more, it shrinks.
const MANY: f64 = 24.0;
/// It grows by one in so many.
const PART: usize = 16;
/// The shortest time of an answer is found out anew that often, with few requests at a time: ways change.
const ERA: Duration = Duration::from_secs(30);
const PROBE: usize = 2;
/// So many rounds go well below a size at which the server was busy before it is tried again.
const ROUNDS_BELOW: u32 = 50;

/// A window, and what it learned.
#[derive(Debug)]
pub(crate) struct AdaptiveLimit {
    size: usize,
    most: usize,
    /// Doubling: the server never had enough yet.
    doubles: bool,
    /// The shortest time of an answer in this era.
    shortest: Option<Duration>,
    era_ends: Duration,
    /// The size to go back to, while the shortest time is found out anew.
    interrupted: Option<usize>,
    round: Round,
    /// When the size changed last: answers to what was sent before tell nothing of it.
    since: Option<Duration>,
    /// Refusals for being busy without an answer in between, of one size each.
    strikes: u32,
    /// The size at which the server was busy last.
    too_much: Option<usize>,
    /// Rounds that went well right below it.
    rounds_below: u32,
}

#[derive(Debug, Default)]
struct Round {
    answers: usize,
    time: Duration,
    /// Whether the window was ever full: else its size is not what limits.
    full: bool,
}

impl AdaptiveLimit {
    pub(crate) fn new(most: usize) -> Self {
        Self {
            size: INITIAL.min(most).max(1),
            most: most.max(1),
            doubles: true,
            shortest: None,
            era_ends: ERA,
            interrupted: None,
            round: Round::default(),
            since: None,
            strikes: 0,
            too_much: None,
            rounds_below: 0,
        }
    }

    /// How many requests may be under way.
    pub(crate) fn size(&self) -> usize {
        self.size
    }

    /// An answer came that took that time, while so many were under way, itself included.
    pub(crate) fn answered(&mut self, now: Duration, took: Duration, in_flight: usize) {
        self.strikes = 0;
        let sent = now.saturating_sub(took);
        if self.since.is_some_and(|since| sent < since) {
            return;
        }
        self.shortest = Some(self.shortest.map_or(took, |shortest| shortest.min(took)));
        self.round.answers += 1;
        self.round.time += took;
        self.round.full |= in_flight >= self.size;
        if self.round.answers < self.size {
            return;
        }
        let round = std::mem::take(&mut self.round);
        match self.interrupted.take() {
            Some(size) => self.resize(now, size),
            None if now >= self.era_ends => {
                (self.era_ends, self.shortest) = (now + ERA, None);
                self.interrupted = Some(self.size);
                self.resize(now, PROBE);
            }
            None => self.adapt(now, &round),
        }
    }

    /// The server refused a request that took that time because it is busy. Says how often in a row it did so, and
    /// whether this one counts: not if it was sent before the window was made smaller.
    pub(crate) fn throttled(&mut self, now: Duration, took: Duration) -> (u32, bool) {
        let sent = now.saturating_sub(took);
        if self.since.is_some_and(|since| sent < since) {
            return (self.strikes, false);
        }
        self.strikes = self.strikes.saturating_add(1);
        (self.too_much, self.rounds_below) = (Some(self.size), 0);
        (self.interrupted, self.doubles) = (None, false);
        self.resize(now, self.size / 2);
        // Even on a clock that stands still, the others of this window were sent before.
        self.since = Some(now + Duration::from_nanos(1));
        (self.strikes, true)
    }

    fn adapt(&mut self, now: Duration, round: &Round) {
        let mean = round.time.as_secs_f64() / round.answers.max(1) as f64;
        let shortest = self.shortest.unwrap_or_default().as_secs_f64();
        let queued = if mean > 0.0 { self.size as f64 * (1.0 - shortest / mean) } else { 0.0 };
        if queued > MANY {
            self.doubles = false;
            // What does not queue is on its way or being worked on.
            let enough = (self.size as f64 - queued + SOME).ceil() as usize;
            self.resize(now, enough.min(self.size - 1));
        } else if self.doubles && round.full {
            self.doubles = self.size < self.most;
            self.resize(now, self.size * 2);
        } else if queued < FEW && round.full {
            self.grow();
        }
    }

    /// Answers to what was sent before count on: growing takes nothing back.
    fn grow(&mut self) {
        let larger = (self.size + (self.size / PART).max(1)).min(self.most);
        if self.too_much.is_some_and(|too_much| larger >= too_much) {
            self.rounds_below += 1;
            if self.rounds_below < ROUNDS_BELOW {
                return;
            }
            self.too_much = None;
        }
        self.size = larger;
    }

    fn resize(&mut self, now: Duration, size: usize) {
        self.size = size.clamp(1, self.most);
        self.since = Some(now);
        self.round = Round::default();
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BinaryHeap;

    use super::*;

    /// What a server does, in time of its own: `lanes` requests at a time, each for `service`; the way takes `travel`.
    struct Server {
        lanes: usize,
        service: Duration,
        travel: Duration,
        /// With more requests at a time it is busy.
        most: usize,
    }

    struct Run {
        limit: AdaptiveLimit,
        /// Answers per second in the last quarter.
        rate: f64,
        /// Until the last answer.
        took: Duration,
        throttled: usize,
    }

    fn run(server: &Server, most: usize, requests: usize) -> Run {
        let mut limit = AdaptiveLimit::new(most);
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
                let busy = arriving.len() >= server.most;
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
        let server = Server { lanes: 1, service: milliseconds(2), travel: Duration::ZERO, most: usize::MAX };
        let run = run(&server, 256, 20_000);
        assert!(run.limit.size() <= 24, "{}", run.limit.size());
        assert!(run.rate > 495.0, "{}", run.rate);
    }

    #[test]
    fn distance_is_made_up_for_and_no_more() {
        for travel in [10, 40, 150] {
            let server =
                Server { lanes: 1, service: milliseconds(2), travel: milliseconds(travel), most: usize::MAX };
            let run = run(&server, 256, 20_000);
            assert!(run.rate > 480.0, "{travel} ms: {}", run.rate);
            let needed = (travel as usize + 2) / 2;
            assert!(run.limit.size() <= needed + MANY as usize, "{travel} ms: {}", run.limit.size());
        }
    }

    #[test]
    fn a_distance_costs_some_journeys_at_the_beginning_and_no_seconds() {
        for travel in [10, 40, 150] {
            let server =
                Server { lanes: 1, service: milliseconds(1), travel: milliseconds(travel), most: usize::MAX };
            let over = run(&server, 256, 3_000).took - milliseconds(3_000);
            assert!(over < milliseconds(travel) * 6, "{travel} ms: {over:?} more than without a distance");
        }
    }

    #[test]
    fn an_answer_that_takes_long_once_is_made_up_for() {
        let mut limit = AdaptiveLimit::new(256);
        // The very first answers are late, so that the server seems to have enough.
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
            Server { lanes: 64, service: milliseconds(5), travel: milliseconds(10), most: usize::MAX };
        let all = run(&server, 256, 40_000);
        assert!(all.rate > 64.0 / 0.005 * 0.8, "{}", all.rate);
        assert_eq!(run(&server, 32, 10_000).limit.size(), 32, "but never more than it may get");
    }

    #[test]
    fn a_busy_server_gets_as_many_as_it_takes() {
        let server = Server { lanes: 8, service: milliseconds(4), travel: milliseconds(4), most: 10 };
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

    /// A whole window of answers that were all sent at one time and took that long.
    fn round(limit: &mut AdaptiveLimit, sent: Duration, took: Duration) {
        let size = limit.size();
        (0..size).for_each(|_| limit.answered(sent + took, took, size));
    }

    /// A window that doubles no more, of that size, which knows that an answer takes that long.
    fn settled(most: usize, size: usize, shortest: Duration) -> AdaptiveLimit {
        let mut limit = AdaptiveLimit::new(most);
        (limit.doubles, limit.shortest, limit.size) = (false, Some(shortest), size);
        limit
    }

    #[test]
    fn it_begins_with_some_and_never_with_none_or_more_than_allowed() {
        assert_eq!(
            [0, 1, 8, 31, 32, 33, 500].map(|most| AdaptiveLimit::new(most).size()),
            [1, 1, 8, 31, 32, 32, 32]
        );
        assert_eq!(AdaptiveLimit::new(0).most, 1);
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
        // Sent before it doubled.
        (0..500).for_each(|_| limit.answered(milliseconds(15), milliseconds(6), 2 * INITIAL));
        assert_eq!(limit.size(), 2 * INITIAL);
        // Sent at that very moment.
        round(&mut limit, milliseconds(10), milliseconds(10));
        assert_eq!(limit.size(), 4 * INITIAL);
        round(&mut limit, milliseconds(20), milliseconds(10));
        round(&mut limit, milliseconds(30), milliseconds(10));
        assert_eq!(limit.size(), 256, "and no further than allowed");
        assert!(!limit.doubles || limit.size < limit.most);
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
        // With 64 under way, answers of 64/(64-q) of the shortest time tell that q queue.
        let after = |queued: f64| {
            let shortest = Duration::from_millis(1000);
            let mut limit = settled(256, 64, shortest);
            round(&mut limit, Duration::ZERO, shortest.mul_f64(64.0 / (64.0 - queued)));
            limit.size()
        };
        assert_eq!([0.0, 4.0, 7.9].map(after), [68, 68, 68], "few: by a sixteenth");
        assert_eq!([8.1, 16.0, 23.9].map(after), [64, 64, 64], "some");
        assert_eq!([24.1, 32.0, 48.0].map(after), [56, 48, 32], "many: back to some");
        let mut doubling = AdaptiveLimit::new(256);
        doubling.shortest = Some(milliseconds(10));
        round(&mut doubling, Duration::ZERO, milliseconds(1000));
        assert!(doubling.size() < INITIAL && !doubling.doubles, "{}", doubling.size());
        // A small one grows by one.
        let mut small = settled(256, 4, milliseconds(10));
        round(&mut small, Duration::ZERO, milliseconds(10));
        assert_eq!(small.size(), 5);
        // A server that takes no time at all queues nothing.
        let mut instant = settled(256, 64, Duration::ZERO);
        round(&mut instant, Duration::ZERO, Duration::ZERO);
        assert_eq!(instant.size(), 68);
    }

    #[test]
    fn the_shortest_time_is_found_out_anew_now_and_then() {
        let mut limit = settled(256, 64, milliseconds(1));
        let before = ERA - milliseconds(11);
        round(&mut limit, before - milliseconds(20), milliseconds(1));
        assert_eq!(limit.interrupted, None);
        let size = limit.size();
        round(&mut limit, ERA - milliseconds(10), milliseconds(10));
        assert_eq!((limit.size(), limit.interrupted), (PROBE, Some(size)), "few at a time");
        assert_eq!((limit.shortest, limit.era_ends), (None, ERA + ERA));
        round(&mut limit, ERA, milliseconds(10));
        assert_eq!((limit.size(), limit.interrupted), (size, None), "and then as many as before");
        assert_eq!(limit.shortest, Some(milliseconds(10)));
        // A longer answer is not the shortest.
        limit.answered(ERA + milliseconds(60), milliseconds(40), 1);
        assert_eq!(limit.shortest, Some(milliseconds(10)));
        // A server that is busy meanwhile is not taken back to where it was.
        let mut limit = settled(256, 64, milliseconds(1));
        round(&mut limit, ERA, milliseconds(1));
        limit.throttled(ERA + milliseconds(9), milliseconds(1));
        assert_eq!((limit.size(), limit.interrupted), (1, None));
    }

    #[test]
    fn what_was_too_much_is_tried_again_only_after_a_while() {
        let mut limit = settled(256, 64, milliseconds(10));
        assert_eq!(limit.throttled(milliseconds(20), milliseconds(10)), (1, true));
        assert_eq!((limit.size(), limit.too_much), (32, Some(64)));
        let mut now = milliseconds(100);
        let mut rounds = 0;
        while limit.size() < 64 {
            round(&mut limit, now, milliseconds(10));
            now += milliseconds(10);
            rounds += 1;
            assert!(rounds < 1000);
            if limit.too_much.is_some() {
                assert!(limit.size() < 64);
            }
        }
        // 32, 34, … 63, and then fifty rounds right below.
        assert_eq!(rounds, 13 + ROUNDS_BELOW);
        assert_eq!(limit.too_much, None);
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
        assert_eq!(standing.strikes, 0);
    }
}
