//! A quick look whether any pattern may stand in a candidate, before anybody looks for it.

use super::pattern::Patterns;
use crate::text::{Fold, Text};

/// A table that maps each ASCII byte to the patterns whose first, second and third letter it may be: eight bits each,
/// of which a pattern has one.
#[derive(Clone, Debug)]
pub(super) struct Prefilter {
    letters: [u32; 256],
    /// The bits of patterns that are too short to be told by three letters.
    always: u8,
}

impl Prefilter {
    /// Without patterns.
    pub(super) fn new() -> Self {
        Self { letters: [0; 256], always: 0 }
    }

    /// Adds the patterns that are looked for under a table, as some of the bits.
    pub(super) fn add(&mut self, patterns: &Patterns, fold: &Fold, bits: u8) {
        let bit_of =
            |index: usize| (0..8).map(|bit| 1 << bit).filter(|bit| bits & bit != 0).cycle().nth(index % 8);
        for (index, pattern) in patterns.iter().enumerate() {
            let bit: u8 = bit_of(index).unwrap_or(bits);
            let Some(first) = pattern.letters().first_chunk::<3>() else {
                self.always |= bit;
                continue;
            };
            for (slot, byte) in self.letters.iter_mut().zip(0_u8..128) {
                let letter = fold.fold(char::from(byte));
                for (place, _) in first.iter().enumerate().filter(|&(_, &wanted)| wanted == letter) {
                    *slot |= u32::from(bit) << (8 * place);
                }
            }
        }
    }

    /// Returns the bits of the patterns that may stand in a candidate.
    #[inline]
    #[allow(clippy::indexing_slicing)] // every byte has a place
    pub(super) fn hits(&self, text: &Text<'_>) -> u8 {
        if !text.ascii {
            return u8::MAX;
        }
        let (mut begun, mut hits) = (0_u32, 0_u32);
        for &byte in text.text.as_bytes() {
            begun = (begun << 8 | 0xff) & self.letters[usize::from(byte)];
            hits |= begun;
        }
        self.always | (hits >> 16) as u8
    }
}
