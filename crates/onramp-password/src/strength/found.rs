//! A pattern at a place, while the best sequence is sought.

use super::ListKind;

/// A pattern from one character to another, the end not included, and how many guesses it takes.
#[derive(Clone, Copy)]
pub(super) struct Found {
    pub(super) start: u16,
    pub(super) end: u16,
    pub(super) kind: Kind,
    pub(super) guesses: f64,
}

/// The kind of a pattern, with the details that the feedback needs.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Kind {
    BruteForce,
    Word {
        list: ListKind,
        rank: u32,
        leet: bool,
        reversed: bool,
    },
    KeyboardRow,
    KeyboardPattern,
    /// With the length of what is repeated.
    Repeat(u16),
    Sequence,
    RecentYear,
    Date,
}

impl Found {
    pub(super) fn new(start: usize, end: usize, kind: Kind, guesses: f64) -> Self {
        let narrow = |at: usize| u16::try_from(at).unwrap_or(u16::MAX);
        Self { start: narrow(start), end: narrow(end), kind, guesses }
    }

    pub(super) fn length(&self) -> usize {
        usize::from(self.end - self.start)
    }
}
