//! A block: hashes that share their first bits, as an Elias–Fano list.
//!
//! Number of hashes and sum, four bytes each; the unary part in words of eight bytes, one 1 for every hash and one 0
//! after the hashes of each place; two bytes of each hash; zeros up to a multiple of eight bytes.

use alloc::vec::Vec;

use super::layout::{HIGH_BITS, number, sum_of};

const PLACES: usize = 1 << HIGH_BITS;
const HEAD: usize = 8;

/// A block that is being filled.
#[derive(Debug, Default)]
pub(super) struct Filling {
    unary: Vec<u64>,
    lows: Vec<u16>,
}

impl Filling {
    /// Adds a hash that is greater than those before.
    #[inline]
    pub(super) fn push(&mut self, high: u32, low: u16) {
        // A 1 for each hash before and a 0 for each place before.
        let bit = self.lows.len() + high as usize;
        if bit / 64 >= self.unary.len() {
            self.unary.resize(bit / 64 + 1, 0);
        }
        if let Some(word) = self.unary.get_mut(bit / 64) {
            *word |= 1 << (bit % 64);
        }
        self.lows.push(low);
    }

    /// Writes the block to the end of a buffer, and empties it.
    pub(super) fn write(&mut self, block: u64, out: &mut Vec<u8>) {
        let start = out.len();
        let count = self.lows.len();
        self.unary.resize(words(count), 0);
        out.extend_from_slice(&(count as u32).to_le_bytes());
        out.extend_from_slice(&[0; 4]);
        out.extend(self.unary.iter().flat_map(|word| word.to_le_bytes()));
        out.extend(self.lows.iter().flat_map(|low| low.to_le_bytes()));
        out.resize(start + length(count), 0);
        let body = out.get(start + HEAD..).unwrap_or_default();
        let sum = sum_of(seed(block, count), body) as u32;
        if let Some(slot) = out.get_mut(start + 4..start + HEAD) {
            slot.copy_from_slice(&sum.to_le_bytes());
        }
        self.unary.clear();
        self.lows.clear();
    }
}

/// A block that was read and is as it was written.
#[derive(Clone, Copy)]
pub(super) struct Block<'a> {
    unary: &'a [[u8; 8]],
    lows: &'a [[u8; 2]],
}

impl<'a> Block<'a> {
    /// Reads a block; `None` if the bytes are not those of this block. The checksum proves more than the length if
    /// the block is not verified yet.
    #[inline]
    pub(super) fn read(block: u64, bytes: &'a [u8], known: bool) -> Option<Self> {
        let count = number(bytes, 0, 4) as usize;
        let body = bytes.get(HEAD..)?;
        // Bounded before it is multiplied: every hash takes two bytes.
        if count > bytes.len() || bytes.len() != length(count) {
            return None;
        }
        if !known && number(bytes, 4, 4) != u64::from(sum_of(seed(block, count), body) as u32) {
            return None;
        }
        let (unary, lows) = body.split_at_checked(8 * words(count))?;
        Some(Self { unary: unary.as_chunks().0, lows: lows.get(..2 * count)?.as_chunks().0 })
    }

    /// Returns true if a hash is in it.
    #[inline]
    pub(super) fn contains(&self, high: u32, low: u16) -> bool {
        let Some(mut bit) = self.place(high as usize) else { return false };
        loop {
            let word = self.unary.get(bit / 64).map_or(0, |word| u64::from_le_bytes(*word));
            if word & (1 << (bit % 64)) == 0 {
                return false;
            }
            if self.lows.get(bit - high as usize).is_some_and(|found| u16::from_le_bytes(*found) == low) {
                return true;
            }
            bit += 1;
        }
    }

    /// Returns the hashes, in order.
    pub(super) fn iter(self) -> impl Iterator<Item = (u32, u16)> {
        let bits = self.unary.iter().zip(0_u32..).flat_map(|(word, at)| {
            let mut word = u64::from_le_bytes(*word);
            core::iter::from_fn(move || {
                let bit = (word != 0).then(|| 64 * at + word.trailing_zeros())?;
                word &= word - 1;
                Some(bit)
            })
        });
        bits.zip(self.lows).zip(0..).map(|((bit, low), before)| (bit - before, u16::from_le_bytes(*low)))
    }

    pub(super) fn len(&self) -> usize {
        self.lows.len()
    }

    /// Returns the bit where the hashes of a place begin: after as many zeros as there are places before.
    #[inline]
    fn place(&self, mut zeros: usize) -> Option<usize> {
        if zeros == 0 {
            return Some(0);
        }
        for (at, word) in self.unary.iter().enumerate() {
            let word = u64::from_le_bytes(*word);
            let here = word.count_zeros() as usize;
            if here >= zeros {
                return Some(64 * at + nth_one(!word, zeros as u32) as usize + 1);
            }
            zeros -= here;
        }
        None
    }
}

/// Returns the place of the n-th 1, counted from 1.
#[inline]
fn nth_one(mut word: u64, mut n: u32) -> u32 {
    let mut at = 0;
    for half in [32, 16, 8] {
        let below = (word & ((1 << half) - 1)).count_ones();
        if n > below {
            n -= below;
            word >>= half;
            at += half;
        }
    }
    for _ in 1..n {
        word &= word.wrapping_sub(1);
    }
    at + word.trailing_zeros()
}

fn words(count: usize) -> usize {
    (count + PLACES).div_ceil(64)
}

fn length(count: usize) -> usize {
    (HEAD + 8 * words(count) + 2 * count).next_multiple_of(8)
}

fn seed(block: u64, count: usize) -> u64 {
    block.wrapping_mul(0xd6e8_feb8_6659_fd93) ^ count as u64
}
