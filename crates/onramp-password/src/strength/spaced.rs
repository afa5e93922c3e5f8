//! Pieces that are repeated with a separator between them or in other capitals, such as `abc abc` or `abcAbcABC`.

use super::text::{Text, lower};
use super::words::case_variations;

/// The number of characters that may stand between two copies.
const SEPARATORS: usize = 3;
/// The shortest piece: shorter ones are in every date.
const SHORTEST: usize = 3;
/// The number of repeats that are looked at in one candidate.
const KEPT: usize = 32;
/// The guesses for a separator, regardless of the number of times that it occurs.
const SEPARATOR: f64 = 10.0;

/// A piece, and copies of it with the same separators between them.
#[derive(Clone, Copy, Default)]
pub(super) struct Spaced {
    pub(super) start: u16,
    pub(super) end: u16,
    /// From the beginning of one copy to that of the next.
    pub(super) period: u16,
    /// The number of characters of a period that are separators.
    pub(super) gap: u16,
}

impl Spaced {
    fn length(&self) -> u16 {
        self.end - self.start
    }

    /// Returns the first copy.
    pub(super) fn piece(&self) -> (usize, usize) {
        (usize::from(self.start), usize::from(self.start + self.period - self.gap))
    }

    fn copies(&self) -> u16 {
        (self.length() + self.gap) / self.period.max(1)
    }

    /// Returns the factor between the guesses for the repeat and those for the piece by itself.
    pub(super) fn factor(&self, text: &Text) -> f64 {
        let (start, end) = self.piece();
        let copies = (1..usize::from(self.copies())).map(|copy| copy * usize::from(self.period));
        let changed = |shift: &usize| (start..end).any(|at| text.char(at) != text.char(at + shift));
        let capitals: f64 = copies
            .filter(changed)
            .map(|shift| case_variations(text, start + shift, end + shift).max(2.0))
            .product();
        let separator = if self.gap == 0 { 1.0 } else { SEPARATOR };
        f64::from(self.copies()) * separator * capitals
    }

    /// Returns true if this repeat is one of a longer piece that is itself made of `other`.
    fn follows_from(&self, other: &Self) -> bool {
        other.period < self.period
            && self.period.is_multiple_of(other.period.max(1))
            && other.start <= self.start
            && self.end <= other.end
    }
}

/// The repeats that were found, the longest first.
pub(super) struct All {
    repeats: [Spaced; KEPT],
    count: usize,
}

impl All {
    /// Looks for the repeats in a part of the candidate.
    pub(super) fn find(text: &Text, start: usize, end: usize) -> Self {
        let mut all = Self { repeats: [Spaced::default(); KEPT], count: 0 };
        for period in SHORTEST..end.saturating_sub(start) {
            let same = |at: usize| at + period < end && lower(text.char(at)) == lower(text.char(at + period));
            // A run that is long enough holds one of so many positions in a row.
            let stride = period.saturating_sub(SEPARATORS).max(1);
            let mut probe = start + stride - 1;
            while probe + period < end {
                let mut run = probe..probe;
                while same(run.end) {
                    run.end += 1;
                }
                if !run.is_empty() {
                    while run.start > start && same(run.start - 1) {
                        run.start -= 1;
                    }
                    all.add_run(text, run.start, run.end + period, period);
                }
                probe += stride * ((run.end - probe) / stride + 1);
            }
        }
        let found = all.repeats.get_mut(..all.count).unwrap_or_default();
        found.sort_unstable_by_key(|one| (u16::MAX - one.length(), one.period));
        all
    }

    /// Returns the repeats that are worth a look: together their pieces are no longer than the part, so that looking at them, and at
    /// the repeats within them, takes bounded time.
    pub(super) fn iter(&self, length: usize) -> impl Iterator<Item = Spaced> {
        let repeats = self.repeats;
        let mut left = length;
        repeats.into_iter().take(self.count).filter(move |one| {
            let (start, end) = one.piece();
            let fits = end - start <= left;
            left -= if fits { end - start } else { 0 };
            fits
        })
    }

    /// Adds the repeat in a piece of text that is the same, but for capitals, one period further on.
    fn add_run(&mut self, text: &Text, start: usize, end: usize, period: usize) {
        for gap in 0..=SEPARATORS.min(period - SHORTEST) {
            let copies = (end - start + gap) / period;
            if copies < 2 {
                continue;
            }
            let length = copies * period - gap;
            let separators =
                |at: usize| (at + period - gap..at + period).all(|at| !text.char(at).is_alphanumeric());
            let Some(at) = (start..=end - length).find(|&at| separators(at)) else { continue };
            // Without a gap and in the same capitals it is a repeat as zxcvbn knows it.
            let plain = || (at..at + length - period).all(|at| text.char(at) == text.char(at + period));
            if gap > 0 || !plain() {
                let narrow = |number: usize| u16::try_from(number).unwrap_or(u16::MAX);
                self.add(Spaced {
                    start: narrow(at),
                    end: narrow(at + length),
                    period: narrow(period),
                    gap: narrow(gap),
                });
            }
        }
    }

    fn add(&mut self, new: Spaced) {
        if self.repeats.iter().take(self.count).any(|known| new.follows_from(known)) {
            return;
        }
        if let Some(free) = self.repeats.get_mut(self.count) {
            *free = new;
            self.count += 1;
        } else if let Some(shortest) = self.repeats.iter_mut().min_by_key(|known| known.length())
            && shortest.length() < new.length()
        {
            *shortest = new;
        }
    }
}
