//! Everybody in turn on the same items, round after round, and a table of what they took.

use std::hint::black_box;
use std::time::{Duration, Instant};

use nix::time::{ClockId, clock_gettime};

use crate::Size;

/// Those who are measured.
pub(crate) struct Contest<'a, T> {
    entrants: Vec<Entrant<'a, T>>,
    rounds: usize,
    alone: bool,
}

struct Entrant<'a, T> {
    name: String,
    items: &'a [T],
    run: Box<dyn FnMut(&T) + 'a>,
    /// The nanoseconds of processor time for an item, by round.
    means: Vec<f64>,
    /// The least nanoseconds that each item took by the clock.
    least: Vec<f64>,
    allocations: f64,
    bytes: f64,
}

/// What one of them took.
#[derive(Clone, Copy)]
pub(crate) struct Figures {
    /// Which item took longest.
    pub(crate) slowest: usize,
}

impl<'a, T> Contest<'a, T> {
    pub(crate) fn new(size: Size) -> Self {
        Self { entrants: Vec::new(), rounds: size.rounds.max(1), alone: size.alone }
    }

    /// Adds somebody, who is measured on these items. The first one is who the others are compared with.
    pub(crate) fn add<R>(&mut self, name: &str, items: &'a [T], mut run: impl FnMut(&T) -> R + 'a) {
        if self.alone && !self.entrants.is_empty() {
            return;
        }
        // The result stays where it is: a copy of it would be measured, too.
        let run = Box::new(move |item: &T| {
            black_box(&run(black_box(item)));
        });
        let least = vec![f64::INFINITY; items.len()];
        let (means, name) = (Vec::new(), name.to_owned());
        self.entrants.push(Entrant { name, items, run, means, least, allocations: 0.0, bytes: 0.0 });
    }

    /// Measures, prints the table, and gives the figures.
    pub(crate) fn finish(mut self) -> Vec<Figures> {
        self.entrants.iter_mut().for_each(Entrant::count_allocations);
        for round in 0..self.rounds {
            for turn in 0..self.entrants.len() {
                // Everybody is first in turn.
                let place = (turn + round) % self.entrants.len();
                self.entrants[place].round();
            }
        }
        println!(
            "| | items | mean | best round | p50 | p99 | max | allocations | bytes | times {} |",
            self.entrants.first().map_or("", |first| &first.name)
        );
        println!("|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|");
        let base = self.entrants.first().map(|first| first.means.clone()).unwrap_or_default();
        self.entrants.iter_mut().map(|entrant| entrant.report(&base)).collect()
    }
}

impl<T> Entrant<'_, T> {
    fn count_allocations(&mut self) {
        let some = &self.items[..self.items.len().min(2_000)];
        // The first call may prepare something that stays.
        some.iter().take(1).for_each(|item| (self.run)(item));
        let counted = allocation_counter::measure(|| some.iter().for_each(|item| (self.run)(item)));
        self.allocations = counted.count_total as f64 / some.len() as f64;
        self.bytes = counted.bytes_total as f64 / some.len() as f64;
    }

    fn round(&mut self) {
        let run = &mut self.run;
        let spent = processor_time(|| self.items.iter().for_each(&mut *run));
        self.means.push(spent.as_nanos() as f64 / self.items.len() as f64);
        let empty = (0..1_000).map(|_| Instant::now().elapsed().as_nanos() as u64).min().unwrap_or(0);
        for (item, least) in self.items.iter().zip(&mut self.least) {
            let start = Instant::now();
            run(item);
            let took = (start.elapsed().as_nanos() as u64).saturating_sub(empty);
            *least = least.min(took as f64);
        }
    }

    fn report(&mut self, base: &[f64]) -> Figures {
        // Within a round: what slows one down slows down the others.
        let ratio = median(self.means.iter().zip(base).map(|(mean, base)| mean / base));
        let best = self.means.iter().copied().fold(f64::INFINITY, f64::min);
        let mean = median(self.means.iter().copied());
        let slowest =
            (0..self.least.len()).max_by(|&a, &b| self.least[a].total_cmp(&self.least[b])).unwrap_or(0);
        self.least.sort_unstable_by(f64::total_cmp);
        let at = |share: f64| {
            let place = (self.least.len() as f64 * share) as usize;
            self.least[place.min(self.least.len() - 1)]
        };
        println!(
            "| {} | {} | {} | {} | {} | {} | {} | {:.1} | {:.0} | {ratio:.2} |",
            self.name,
            self.items.len(),
            time(mean),
            time(best),
            time(at(0.5)),
            time(at(0.99)),
            time(at(1.0)),
            self.allocations,
            self.bytes,
        );
        Figures { slowest }
    }
}

/// The processor time that something takes on this thread.
pub(crate) fn processor_time(run: impl FnOnce()) -> Duration {
    let now =
        || Duration::from(clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).expect("a clock of this thread"));
    let start = now();
    run();
    now() - start
}

/// The middle value.
pub(crate) fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut sorted: Vec<f64> = values.collect();
    sorted.sort_unstable_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Nanoseconds, readable.
pub(crate) fn time(nanoseconds: f64) -> String {
    match nanoseconds {
        ..1_000.0 => format!("{nanoseconds:.0} ns"),
        ..100_000.0 => format!("{:.2} µs", nanoseconds / 1e3),
        _ => format!("{:.0} µs", nanoseconds / 1e3),
    }
}
