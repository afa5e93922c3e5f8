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

/// The factor of guesses for each further pattern in a sequence.
const GROWTH: f64 = 10_000.0;
/// The guesses for one character that is in no pattern; more of them cost ten each.
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
    /// A row of cells for each prefix, by number of patterns. The cells beyond the used part belong to an earlier
    /// candidate.
    cells: Vec<Cell>,
    /// The number of used cells of each row.
    used: Vec<usize>,
    width: usize,
    /// The cheapest way to end in two or more characters without a pattern, for each number of patterns.
    loose: Vec<(f64, u32)>,
    /// `l!` and `10000^(l-1)`, by `l - 1`.
    costs: Vec<(f64, f64)>,
    /// The start of the candidate, or of the part of it.
    origin: usize,
    /// The guesses for the next prefix without any pattern.
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
            cells: alloc::vec![NONE; MAX_CHARS * width],
            used: Vec::with_capacity(MAX_CHARS),
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
        self.used.clear();
        self.used.resize(end - start, 0);
        self.loose.clear();
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
        let (before, mut row) = self.pair(start - 1, row);
        row.extend(before, |_, cell| (cell.product * pattern.guesses, last));
    }

    fn offer_first(&mut self, row: usize, guesses: f64, last: u32) {
        let cost = guesses + 1.0;
        let used = self.used.get_mut(row);
        if let (Some(cell), Some(used)) = (self.cells.get_mut(row * self.width), used)
            && (*used == 0 || cost < cell.cost)
        {
            *cell = Cell { product: guesses, cost, last };
            *used = (*used).max(1);
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
        self.loose.iter_mut().for_each(|loose| loose.0 *= 10.0);
        if let Some(two_back) = row.checked_sub(2) {
            let cells = row_of(&self.cells, &self.used, self.width, two_back);
            self.loose.resize(self.loose.len().max(cells.len()), (f64::INFINITY, 0));
            for (cell, loose) in cells.iter().zip(&mut self.loose) {
                if !cell.is_brute() && cell.product * 100.0 < loose.0 {
                    *loose = (cell.product * 100.0, narrow(position - 1));
                }
            }
        }
        let loose = core::mem::take(&mut self.loose);
        let (before, mut current) = self.pair(row - 1, row);
        // As many patterns as either has.
        let missing = loose.len().saturating_sub(before.len());
        let before = before.iter().chain(core::iter::repeat_n(&NONE, missing));
        current.extend(before, |at, cell| {
            let several = loose.get(at).copied().unwrap_or((f64::INFINITY, 0));
            let single = if cell.is_brute() { f64::INFINITY } else { cell.product * SINGLE };
            if single < several.0 { (single, narrow(position)) } else { several }
        });
        self.loose = loose;
    }

    /// Returns the guesses of the best sequence, which is handed over from its last pattern to its first.
    pub(super) fn finish(&self, end: usize, patterns: &[Found], take: &mut impl FnMut(Found)) -> f64 {
        let mut row = end - 1 - self.origin;
        let best = |row: usize| row_of(&self.cells, &self.used, self.width, row);
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

    /// Returns the used part of a row, and a later row to add to.
    fn pair(&mut self, before: usize, row: usize) -> (&[Cell], Row<'_>) {
        let length = self.used.get(before).copied().unwrap_or_default();
        let (head, tail) = self.cells.split_at_mut_checked(row * self.width).unwrap_or_default();
        let start = before * self.width;
        let before = head.get(start..start + length).unwrap_or_default();
        let cells = tail.get_mut(..self.width).unwrap_or_default();
        (before, Row { cells, used: self.used.get_mut(row), costs: &self.costs })
    }
}

/// Returns the used part of a row.
fn row_of<'a>(cells: &'a [Cell], used: &[usize], width: usize, row: usize) -> &'a [Cell] {
    let length = used.get(row).copied().unwrap_or_default();
    cells.get(row * width..row * width + length).unwrap_or_default()
}

/// A row that is being filled.
struct Row<'a> {
    cells: &'a mut [Cell],
    used: Option<&'a mut usize>,
    costs: &'a [(f64, f64)],
}

impl Row<'_> {
    /// Adds one pattern to each sequence of an earlier row, given by how many patterns it has less one, and keeps what is
    /// cheaper than all that is as short or shorter.
    #[inline]
    fn extend<'b>(
        &mut self,
        before: impl IntoIterator<Item = &'b Cell>,
        with: impl Fn(usize, &Cell) -> (f64, u32),
    ) {
        let Some(used) = self.used.as_deref_mut() else { return };
        let mut least = if *used > 0 {
            self.cells.first().map_or(f64::INFINITY, |cell| cell.cost)
        } else {
            f64::INFINITY
        };
        for (at, cell) in before.into_iter().enumerate() {
            let (index, Some((factorial, growth))) = (at + 1, self.costs.get(at + 1)) else { return };
            if index < *used {
                least = least.min(self.cells.get(index).map_or(f64::INFINITY, |cell| cell.cost));
            }
            let (product, last) = with(at, cell);
            let cost = factorial * product + growth;
            if cost < least && index < self.cells.len() {
                while *used < index {
                    if let Some(gap) = self.cells.get_mut(*used) {
                        *gap = NONE;
                    }
                    *used += 1;
                }
                if let Some(slot) = self.cells.get_mut(index) {
                    *slot = Cell { product, cost, last };
                }
                *used = (*used).max(index + 1);
                least = cost;
            }
        }
    }
}

/// Returns the maximum number of patterns of a winning sequence: with more, growth alone costs more than no pattern
/// at all.
fn width(length: usize) -> usize {
    length / 4 + 2
}
