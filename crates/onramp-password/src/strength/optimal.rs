//! The sequence of patterns that covers a candidate with the fewest guesses.
//!
//! This is the search of zxcvbn: for every prefix and every number of patterns the best product of guesses, where a
//! sequence of `l` patterns costs `l! * product + 10000^(l-1)`. It is bounded where zxcvbn's is not: a sequence of
//! more than a quarter as many patterns as characters cannot win, and the characters between patterns, which zxcvbn
//! tries from every start to every end, are a running minimum.

use alloc::vec::Vec;

use super::MAX_CHARS;
use super::found::{Found, Kind};
use super::numbers::power_of_ten;

/// What another pattern in a sequence costs, as a factor.
const GROWTH: f64 = 10_000.0;
/// What one character that is in no pattern costs; more of them cost ten each.
const SINGLE: f64 = 11.0;
const BRUTE: u32 = 1 << 31;
const NONE: Cell = Cell { product: f64::INFINITY, cost: f64::INFINITY, last: u32::MAX };

/// The best sequence of one length that covers one prefix.
#[derive(Clone, Copy)]
struct Cell {
    product: f64,
    cost: f64,
    /// The index of the last pattern, or [`BRUTE`] and the position where characters without a pattern begin.
    last: u32,
}

impl Cell {
    fn is_brute(self) -> bool {
        self.last & BRUTE != 0
    }
}

/// The best sequences of all lengths that cover all prefixes.
pub(super) struct Rows {
    cells: Vec<Cell>,
    width: usize,
    /// For each number of patterns the cheapest way to end in two or more characters without a pattern.
    loose: Vec<(f64, u32)>,
    /// `l!` and `10000^(l-1)`, by `l - 1`.
    costs: Vec<(f64, f64)>,
    /// Where the candidate, or the part of it, begins.
    origin: usize,
    /// What the prefix costs that is closed next, without any pattern.
    brute: f64,
}

impl Rows {
    pub(super) fn with_capacity() -> Self {
        let width = width(MAX_CHARS);
        let (mut factorial, mut growth) = (1.0, 1.0);
        let costs = (1..=width)
            .map(|l| {
                factorial *= l as f64;
                let cost = (factorial, growth);
                growth *= GROWTH;
                cost
            })
            .collect();
        Self {
            cells: Vec::with_capacity(MAX_CHARS * width),
            width: 0,
            loose: Vec::with_capacity(width),
            costs,
            origin: 0,
            brute: 1.0,
        }
    }

    pub(super) fn start(&mut self, start: usize, end: usize) {
        self.origin = start;
        self.brute = 1.0;
        self.width = width(end - start);
        self.cells.clear();
        self.cells.resize((end - start) * self.width, NONE);
        self.loose.clear();
        self.loose.resize(self.width, (f64::INFINITY, 0));
    }

    /// Offers a pattern. All that ends before it begins must have been closed.
    pub(super) fn offer(&mut self, index: usize, pattern: &Found) {
        let last = u32::try_from(index).unwrap_or(u32::MAX) & !BRUTE;
        let row = usize::from(pattern.end) - 1 - self.origin;
        let start = usize::from(pattern.start) - self.origin;
        if start == 0 {
            self.offer_first(row, pattern.guesses, last);
            return;
        }
        let (before, row) = pair(&mut self.cells, self.width, start - 1, row);
        extend(before, row, &self.costs, |cell| Some((cell.product * pattern.guesses, last)));
    }

    fn offer_first(&mut self, row: usize, guesses: f64, last: u32) {
        let cost = guesses + 1.0;
        if let Some(cell) = self.cells.get_mut(row * self.width)
            && cost < cell.cost
        {
            *cell = Cell { product: guesses, cost, last };
        }
    }

    /// Ends a prefix after all patterns that end with it: what is left is to end it without a pattern.
    pub(super) fn close(&mut self, position: usize) {
        let row = position - self.origin;
        self.brute *= 10.0;
        let guesses = if row == 0 { SINGLE } else { self.brute };
        let narrow = |at: usize| u32::try_from(at).unwrap_or(u32::MAX) | BRUTE;
        self.offer_first(row, guesses, narrow(self.origin));
        if row == 0 {
            return;
        }
        // One more character for those that began before, and two for those that begin one character earlier.
        let two_back = row.checked_sub(2).map(|back| back * self.width);
        for (at, loose) in self.loose.iter_mut().enumerate() {
            loose.0 *= 10.0;
            let cell = two_back.and_then(|back| self.cells.get(back + at)).filter(|cell| !cell.is_brute());
            if let Some(cell) = cell
                && cell.product * 100.0 < loose.0
            {
                *loose = (cell.product * 100.0, narrow(position - 1));
            }
        }
        let (before, current) = pair(&mut self.cells, self.width, row - 1, row);
        let mut longer = self.loose.iter();
        extend(before, current, &self.costs, |cell| {
            let several = longer.next().copied().unwrap_or((f64::INFINITY, 0));
            let single = if cell.is_brute() { f64::INFINITY } else { cell.product * SINGLE };
            let (product, last) = if single < several.0 { (single, narrow(position)) } else { several };
            product.is_finite().then_some((product, last))
        });
    }

    /// The guesses of the best sequence, which is handed over from its last pattern to its first.
    pub(super) fn finish(&self, end: usize, patterns: &[Found], take: &mut impl FnMut(Found)) -> f64 {
        let mut row = end - 1 - self.origin;
        let best = |row: usize| self.cells.get(row * self.width..(row + 1) * self.width).unwrap_or_default();
        let Some((mut count, cell)) =
            best(row).iter().enumerate().min_by(|a, b| a.1.cost.total_cmp(&b.1.cost))
        else {
            return 1.0;
        };
        let guesses = cell.cost;
        let mut cell = *cell;
        let mut stop = end;
        loop {
            let found = if cell.is_brute() {
                let start = (cell.last & !BRUTE) as usize;
                let length = stop - start;
                let guesses = if length == 1 { SINGLE } else { power_of_ten(length) };
                Found::new(start, stop, Kind::BruteForce, guesses)
            } else {
                let Some(found) = patterns.get(cell.last as usize) else { break };
                *found
            };
            take(found);
            stop = usize::from(found.start);
            if stop <= self.origin || count == 0 {
                break;
            }
            row = stop - 1 - self.origin;
            count -= 1;
            let Some(previous) = best(row).get(count) else { break };
            cell = *previous;
        }
        guesses
    }
}

/// Two rows, the first before the second.
fn pair(cells: &mut [Cell], width: usize, before: usize, row: usize) -> (&[Cell], &mut [Cell]) {
    let (head, tail) = cells.split_at_mut_checked(row * width).unwrap_or_default();
    let before = head.get(before * width..(before + 1) * width).unwrap_or_default();
    (before, tail.get_mut(..width).unwrap_or_default())
}

/// Adds one pattern to each sequence of a row, and keeps what is cheaper than all that is as short or shorter.
fn extend(
    before: &[Cell],
    row: &mut [Cell],
    costs: &[(f64, f64)],
    mut with: impl FnMut(&Cell) -> Option<(f64, u32)>,
) {
    let Some((first, longer)) = row.split_first_mut() else { return };
    let mut least = first.cost;
    for ((cell, slot), (factorial, growth)) in before.iter().zip(longer).zip(costs.iter().skip(1)) {
        least = least.min(slot.cost);
        if let Some((product, last)) = with(cell) {
            let cost = factorial * product + growth;
            if cost < least {
                *slot = Cell { product, cost, last };
                least = cost;
            }
        }
    }
}

/// How many patterns a winning sequence can have: with more, growth alone costs more than no pattern at all.
fn width(length: usize) -> usize {
    length / 4 + 2
}
