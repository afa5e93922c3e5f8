//! Puts the matchers and the search together.

use alloc::vec::Vec;
use core::fmt;

use super::chain::Chains;
use super::dictionary::Dictionary;
use super::found::{Found, Kind};
use super::optimal::Rows;
use super::repeat::Squares;
use super::spaced;
use super::text::Text;
use super::words::{self, Search};
use super::{
    Inputs, MAX_CHARS, MatchedPattern, Pattern, Score, Strength, date, feedback, keyboard, sequence,
};
use crate::verdict::Span;

/// The year against which years and dates are measured, unless another one is set.
const REFERENCE_YEAR: u32 = 2026;

/// The minimum guesses for a piece of one character that is not the whole candidate, and for one of several
/// characters.
const MIN_SINGLE: f64 = 10.0;
const MIN_SEVERAL: f64 = 50.0;

/// Estimates how hard candidates are to guess, with some dictionaries.
#[derive(Clone, Debug)]
pub struct Estimator {
    dictionaries: Vec<Dictionary>,
    year: u32,
}

impl Estimator {
    /// Creates an estimator that knows sequences, repeats, keyboards, dates and the words of the caller, but no dictionary.
    #[must_use]
    pub fn new() -> Self {
        Self { dictionaries: Vec::new(), year: REFERENCE_YEAR }
    }

    /// Creates an estimator that also knows the six ranked lists of zxcvbn.
    #[cfg(feature = "dictionaries")]
    #[must_use]
    pub fn zxcvbn() -> Self {
        Self::new().with_dictionary(Dictionary::zxcvbn())
    }

    /// Adds a dictionary.
    #[must_use]
    pub fn with_dictionary(mut self, dictionary: Dictionary) -> Self {
        self.dictionaries.push(dictionary);
        self
    }

    /// Measures years and dates against another year than 2026. zxcvbn takes that of the clock.
    #[must_use]
    pub fn with_reference_year(mut self, year: u16) -> Self {
        self.year = u32::from(year);
        self
    }

    /// Returns the memory that an estimate needs. Made once, it is used for any number of candidates.
    #[must_use]
    pub fn scratch(&self) -> Scratch {
        let longest = self.dictionaries.iter().map(Dictionary::longest).sum::<usize>().min(MAX_CHARS);
        Scratch::new(longest)
    }

    /// Estimates one candidate. For many, keep a [`Scratch`].
    #[must_use]
    pub fn estimate(&self, candidate: &str) -> Strength {
        self.estimate_with(candidate, &Inputs::none(), &mut self.scratch())
    }

    /// Estimates one candidate, without allocating.
    ///
    /// The patterns that make up the estimate can be read from the scratch afterwards. It is wiped of the candidate.
    #[must_use]
    pub fn estimate_with(&self, candidate: &str, inputs: &Inputs, scratch: &mut Scratch) -> Strength {
        let partial = !scratch.text.set(candidate);
        scratch.patterns.clear();
        let length = scratch.text.len();
        let Scratch { text, squares, pool, ends, chains, rows, patterns } = scratch;
        let mut search = Analysis { estimator: self, inputs, text, squares, pool, ends, chains, rows };
        let (mut longest, mut count): (Option<Found>, usize) = (None, 0);
        let guesses = search.run(0, length, &mut |text, found| {
            count += 1;
            // Found from the last to the first: of equally long ones the first counts.
            if longest.is_none_or(|longest| found.length() >= longest.length()) {
                longest = Some(found);
            }
            patterns.push(describe(text, &found));
        });
        patterns.reverse();
        let score = Score::new(guesses);
        let (warning, suggestions) = feedback::feedback(&scratch.text, score, longest, count == 1);
        scratch.text.wipe();
        Strength { guesses, guesses_log10: libm::log10(guesses), score, partial, warning, suggestions }
    }
}

impl Default for Estimator {
    fn default() -> Self {
        Self::new()
    }
}

fn describe(text: &Text, found: &Found) -> MatchedPattern {
    let span =
        Span { start: text.offset(usize::from(found.start)), end: text.offset(usize::from(found.end)) };
    let pattern = match found.kind {
        Kind::BruteForce => Pattern::BruteForce,
        Kind::Word { list, leet, reversed, .. } => Pattern::Word { list, leet, reversed },
        Kind::KeyboardRow => Pattern::KeyboardRow,
        Kind::KeyboardPattern => Pattern::KeyboardPattern,
        Kind::Repeat(period) => Pattern::Repeat { period },
        Kind::Sequence => Pattern::Sequence,
        Kind::RecentYear => Pattern::RecentYear,
        Kind::Date => Pattern::Date,
    };
    MatchedPattern { span, pattern, guesses_log10: libm::log10(found.guesses) }
}

/// The memory that an estimate needs.
pub struct Scratch {
    text: Text,
    squares: Squares,
    pool: Vec<Found>,
    ends: Vec<Found>,
    chains: Chains,
    rows: Rows,
    patterns: Vec<MatchedPattern>,
}

impl Scratch {
    fn new(longest: usize) -> Self {
        Self {
            text: Text::with_capacity(),
            squares: Squares::with_capacity(),
            // Per position: words forward, backward and in a row, and two of each other kind.
            pool: Vec::with_capacity(MAX_CHARS * (3 * longest + 12)),
            ends: Vec::with_capacity(MAX_CHARS),
            chains: Chains::with_capacity(),
            rows: Rows::with_capacity(),
            patterns: Vec::with_capacity(MAX_CHARS),
        }
    }

    /// Returns the patterns of the last candidate, in order and without gaps.
    #[must_use]
    pub fn patterns(&self) -> &[MatchedPattern] {
        &self.patterns
    }
}

impl fmt::Debug for Scratch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scratch").field("patterns", &self.patterns).finish_non_exhaustive()
    }
}

struct Analysis<'a> {
    estimator: &'a Estimator,
    inputs: &'a Inputs,
    text: &'a Text,
    squares: &'a mut Squares,
    pool: &'a mut Vec<Found>,
    ends: &'a mut Vec<Found>,
    chains: &'a mut Chains,
    rows: &'a mut Rows,
}

impl<'a> Analysis<'a> {
    /// Estimates a part of the candidate as if it were all, and hands over the best sequence from its end.
    fn run(&mut self, start: usize, end: usize, take: &mut impl FnMut(&Text, Found)) -> f64 {
        if start >= end {
            return 1.0;
        }
        let first = self.pool.len();
        self.find_repeats(start, end);
        self.find_spaced_repeats(start, end);
        self.find_patterns(start, end);
        self.find_reversed(start, end);
        let others = self.pool.len();
        if let Some(found) = self.pool.get_mut(first..) {
            found.iter_mut().for_each(|found| at_least(found, end - start));
            found.sort_unstable_by_key(|found| found.start);
        }
        let present = words::present(&self.text.lower, start, end);
        self.rows.start(start, end);
        self.chains.start(start, end);
        let mut next = first;
        for at in start..end {
            if at > start {
                self.rows.close(at - 1);
            }
            self.find_words(at, start, end, present);
            while next < others
                && let Some(found) = self.pool.get(next)
                && usize::from(found.start) == at
            {
                keep_cheapest(self.ends, *found);
                next += 1;
            }
            for found in self.ends.iter() {
                self.rows.offer(self.pool.len(), found);
                self.pool.push(*found);
            }
        }
        self.rows.close(end - 1);
        let guesses = self.rows.finish(end, self.pool, &mut |found| take(self.text, found));
        self.pool.truncate(first);
        guesses
    }

    /// Repeats cost what the piece costs by itself, as often as it stands there.
    fn find_repeats(&mut self, start: usize, end: usize) {
        let first = self.pool.len();
        let pool = &mut *self.pool;
        self.squares.find(self.text, start, end, &mut |repeat| {
            let period = u16::try_from(repeat.period).unwrap_or(u16::MAX);
            pool.push(Found::new(repeat.start, repeat.end, Kind::Repeat(period), 1.0));
        });
        for index in first..self.pool.len() {
            let Some(found) = self.pool.get(index).copied() else { return };
            let Kind::Repeat(period) = found.kind else { return };
            let (start, period) = (usize::from(found.start), usize::from(period).max(1));
            let guesses = self.run(start, start + period, &mut |_, _| ());
            if let Some(found) = self.pool.get_mut(index) {
                found.guesses = guesses * (found.length() / period) as f64;
            }
        }
    }

    /// Repeats with something between the copies cost what the piece costs, and a little for what lies between.
    fn find_spaced_repeats(&mut self, start: usize, end: usize) {
        for repeat in spaced::All::find(self.text, start, end).iter(end - start) {
            let (from, to) = repeat.piece();
            let guesses = self.run(from, to, &mut |_, _| ()) * repeat.factor(self.text);
            let (from, to) = (usize::from(repeat.start), usize::from(repeat.end));
            self.pool.push(Found::new(from, to, Kind::Repeat(repeat.period), guesses));
        }
    }

    fn dictionaries(&self) -> impl Iterator<Item = &'a Dictionary> + use<'a> {
        let inputs = self.inputs.dictionary();
        self.estimator.dictionaries.iter().chain((!inputs.is_empty()).then_some(inputs))
    }

    fn find_patterns(&mut self, start: usize, end: usize) {
        let (text, year) = (self.text, self.estimator.year);
        let mut report = |found| self.pool.push(found);
        keyboard::find(text, start, end, &mut report);
        sequence::find(text, start, end, &mut report);
        date::find_years(text, start, end, year, &mut report);
        date::find_dates(text, start, end, year, &mut report);
    }

    fn find_reversed(&mut self, start: usize, end: usize) {
        let (text, length) = (self.text, self.text.len());
        let bytes = &text.reversed;
        let part = bytes.bytes.get(..bytes.start(length - start)).unwrap_or_default();
        for dictionary in self.dictionaries() {
            let view = dictionary.view();
            for at in length - end..length - start {
                let search = Search { view, bytes: part, start: bytes.start(at), present: 0 };
                search.run(&mut |word| {
                    let (from, to) = (length - bytes.char(word.end), length - at);
                    // A single character is the same backwards.
                    if to - from > 1 {
                        let kind =
                            Kind::Word { list: word.list, rank: word.rank, leet: false, reversed: true };
                        let guesses = 2.0 * f64::from(word.rank) * words::case_variations(text, from, to);
                        self.pool.push(Found::new(from, to, kind, guesses));
                    }
                });
            }
        }
    }

    /// The cheapest word from a position to each end, and the rows of the caller's words that it ends.
    fn find_words(&mut self, at: usize, start: usize, end: usize, present: u32) {
        self.ends.clear();
        let (text, whole) = (self.text, end - start);
        let bytes = &text.lower;
        let part = bytes.bytes.get(..bytes.start(end)).unwrap_or_default();
        for dictionary in self.dictionaries() {
            let search = Search { view: dictionary.view(), bytes: part, start: bytes.start(at), present };
            search.run(&mut |word| {
                let stop = bytes.char(word.end);
                let leet = word.used != 0;
                // As in zxcvbn: otherwise every 1 would be an i, and every 4 an a.
                if leet && stop - at == 1 {
                    return;
                }
                let mut guesses = f64::from(word.rank) * words::case_variations(text, at, stop);
                if leet {
                    guesses *= words::leet_variations(text, at, stop, word.used);
                }
                let kind = Kind::Word { list: word.list, rank: word.rank, leet, reversed: false };
                let mut found = Found::new(at, stop, kind, guesses);
                if Chains::takes(kind)
                    && let Some(mut row) = self.chains.add(text, &found)
                {
                    at_least(&mut row, whole);
                    self.rows.offer(self.pool.len(), &row);
                    self.pool.push(row);
                }
                at_least(&mut found, whole);
                keep_cheapest(self.ends, found);
            });
        }
    }
}

/// Keeps the cheapest pattern of those with the same ends: only that one can be part of the best sequence.
fn keep_cheapest(ends: &mut Vec<Found>, found: Found) {
    match ends.iter_mut().find(|other| other.end == found.end) {
        Some(other) if other.guesses <= found.guesses => {}
        Some(other) => *other = found,
        None => ends.push(found),
    }
}

/// A piece of a candidate costs a few guesses at least, however frequent it is.
fn at_least(found: &mut Found, whole: usize) {
    if found.length() < whole {
        let least = if found.length() == 1 { MIN_SINGLE } else { MIN_SEVERAL };
        found.guesses = found.guesses.max(least);
    }
}
