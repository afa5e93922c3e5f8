//! Words of the dictionaries in a candidate: as they are, with characters replaced, and backwards.

use super::dictionary::{Node, View};
use super::leet::{Reading, pairs, pairs_of};
use super::text::{Bytes, Text};
use super::{ListKind, numbers};

/// A word that was found: where it ends, in bytes, and how it was read.
pub(super) struct Word {
    pub(super) end: usize,
    pub(super) rank: u32,
    pub(super) list: ListKind,
    /// The pairs of [`super::leet`] that were used.
    pub(super) used: u32,
}

/// Looks for the words that begin at one byte.
pub(super) struct Search<'a> {
    pub(super) view: View<'a>,
    pub(super) bytes: &'a [u8],
    pub(super) start: usize,
    /// The substitutions whose characters occur in the candidate; 0 to look for words as they are.
    pub(super) present: u32,
}

impl Search<'_> {
    pub(super) fn run(&self, found: &mut impl FnMut(Word)) {
        if let Some(root) = self.view.root() {
            self.walk(root, self.start, Reading::default(), found);
        }
    }

    fn walk(&self, mut node: Node, mut at: usize, mut reading: Reading, found: &mut impl FnMut(Word)) {
        loop {
            if node.is_leaf() {
                if let Some((end, reading)) = self.read_tail(self.view.tail(node), at, reading) {
                    self.report(node, end, reading, found);
                }
                return;
            }
            if node.is_terminal() {
                self.report(node, at, reading, found);
            }
            let Some(&byte) = self.bytes.get(at) else { return };
            let replaceable = self.present & pairs_of(byte);
            for (pair, _, letter) in pairs(replaceable) {
                if let Some(child) = self.view.step(node, at - self.start, letter)
                    && let Some(reading) = reading.replace(pair, byte)
                {
                    self.walk(child, at + 1, reading, found);
                }
            }
            let Some(child) = self.view.step(node, at - self.start, byte) else { return };
            if replaceable != 0 {
                let Some(kept) = reading.keep(byte) else { return };
                reading = kept;
            }
            node = child;
            at += 1;
        }
    }

    fn read_tail(&self, tail: &[u8], at: usize, mut reading: Reading) -> Option<(usize, Reading)> {
        let end = at + tail.len();
        for (&byte, &letter) in self.bytes.get(at..end)?.iter().zip(tail) {
            let replaceable = self.present & pairs_of(byte);
            reading = if byte != letter {
                let (pair, ..) = pairs(replaceable).find(|(_, _, to)| *to == letter)?;
                reading.replace(pair, byte)?
            } else if replaceable != 0 {
                reading.keep(byte)?
            } else {
                reading
            };
        }
        Some((end, reading))
    }

    fn report(&self, node: Node, end: usize, reading: Reading, found: &mut impl FnMut(Word)) {
        if end > self.start && reading.is_possible(self.present) {
            found(Word { end, rank: node.rank(), list: self.view.list(node), used: reading.used });
        }
    }
}

/// Returns the substitutions whose characters occur in a part of a candidate.
pub(super) fn present(bytes: &Bytes, start: usize, end: usize) -> u32 {
    let part = bytes.bytes.get(bytes.start(start)..bytes.start(end)).unwrap_or_default();
    part.iter().fold(0, |present, byte| present | pairs_of(*byte))
}

/// Returns the number of ways in which a word could have been written with the capitals that it has.
pub(super) fn case_variations(text: &Text, start: usize, end: usize) -> f64 {
    let (upper, lower) = text.cases(start, end);
    if upper == 0 {
        return 1.0;
    }
    let at_an_end = text.char(start).is_uppercase() || text.char(end - 1).is_uppercase();
    // One capital at either end, or nothing but capitals, is what an attacker tries first.
    if lower == 0 || (upper == 1 && at_an_end && end - start > 1) {
        return 2.0;
    }
    numbers::choose_up_to(upper + lower, upper.min(lower))
}

/// Returns the number of ways in which a word could have been written with the substitutions that it has.
pub(super) fn leet_variations(text: &Text, start: usize, end: usize, used: u32) -> f64 {
    let lower = &text.lower;
    let token = lower.bytes.get(lower.start(start)..lower.start(end)).unwrap_or_default();
    pairs(used)
        .map(|(_, from, to)| {
            let count = |wanted: u8| token.iter().filter(|byte| **byte == wanted).count();
            match (count(from), count(to)) {
                (0, _) | (_, 0) => 2.0,
                (replaced, kept) => numbers::choose_up_to(replaced + kept, replaced.min(kept)),
            }
        })
        .product()
}
