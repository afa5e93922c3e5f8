//! The comparison of a whole candidate with words at edit distance one.
//!
//! Two that are one edit apart become the same without one letter of the one, of the other, or of both. So a table
//! knows every word as it is and without each of its letters; what it finds is compared with the word itself.

use alloc::vec;
use alloc::vec::Vec;

use super::term_index::{GROUP, key};
use super::trie::{BloomFilter, spread};

/// The first letters and the last ones are looked at first from this length on: the edit cannot be in both.
const GATED_FROM: usize = 2 * GROUP;

/// Words of more letters are compared one by one.
const USUAL: usize = 32;

/// Words, ready to be compared with whole candidates.
#[derive(Clone, Debug)]
pub(super) struct EditDistanceIndex {
    letters: Vec<u16>,
    /// The start of each word, and the end of the last one.
    starts: Vec<u32>,
    /// Part of the number of a shortened word, and which word it is, from one on.
    table: Vec<(u32, u32)>,
    shift: u32,
    /// The numbers in the table.
    shortened: BloomFilter,
    /// The first letters of words, and the last ones, each with a length that one edit makes of the word's.
    heads: BloomFilter,
    tails: BloomFilter,
    /// The words of more than the usual number of letters.
    long: Vec<u32>,
}

impl EditDistanceIndex {
    pub(super) fn new(words: &[Vec<u16>]) -> Self {
        let entries: usize = words.iter().map(|word| word.len() + 1).sum();
        let size = (2 * entries).next_power_of_two().max(2);
        let mut whole = Self {
            letters: Vec::new(),
            starts: vec![0],
            table: vec![(0, 0); size],
            shift: 64 - size.trailing_zeros(),
            shortened: BloomFilter::new(entries),
            heads: BloomFilter::new(3 * words.len()),
            tails: BloomFilter::new(3 * words.len()),
            long: Vec::new(),
        };
        for (word, number) in words.iter().zip(1..) {
            whole.letters.extend_from_slice(word);
            whole.starts.push(u32::try_from(whole.letters.len()).unwrap_or(u32::MAX));
            for length in word.len().saturating_sub(1)..=word.len() + 1 {
                whole.heads.insert(with_length(word.get(..GROUP), length));
                whole.tails.insert(with_length(last(word), length));
            }
            if word.len() > USUAL {
                whole.long.push(number);
                continue;
            }
            each_shortened(word, |one| {
                whole.shortened.insert(one);
                whole.put(one, number);
                false
            });
        }
        whole
    }

    /// Returns true if a candidate is one edit away from a word, or is one.
    pub(super) fn is_near(&self, candidate: &[u16]) -> bool {
        let (length, tail) = (candidate.len(), last(candidate));
        if length >= GATED_FROM
            && !self.heads.contains(with_length(candidate.get(..GROUP), length))
            && !self.tails.contains(with_length(tail, length))
        {
            return false;
        }
        let usual =
            each_shortened(candidate, |one| self.shortened.contains(one) && self.is_word(one, candidate));
        usual || self.long.iter().any(|&word| within_one(self.word(word), candidate))
    }

    fn word(&self, number: u32) -> &[u16] {
        let place = |at: u32| self.starts.get(at as usize).map_or(0, |&start| start as usize);
        self.letters.get(place(number.wrapping_sub(1))..place(number)).unwrap_or_default()
    }

    /// Returns true if a word with this hash of a shortened form is near a candidate.
    fn is_word(&self, one: u64, candidate: &[u16]) -> bool {
        let (mut at, tag, mask) = (self.home(one), tag(one), self.table.len() - 1);
        while let Some(&(found, number)) = self.table.get(at & mask).filter(|(_, number)| *number > 0) {
            if found == tag && within_one(self.word(number), candidate) {
                return true;
            }
            at += 1;
        }
        false
    }

    fn put(&mut self, one: u64, number: u32) {
        let (mut at, mask) = (self.home(one), self.table.len() - 1);
        while let Some(slot) = self.table.get_mut(at & mask) {
            if slot.1 == 0 {
                *slot = (tag(one), number);
                return;
            }
            at += 1;
        }
    }

    #[inline]
    fn home(&self, one: u64) -> usize {
        #[allow(clippy::cast_possible_truncation)] // the table's size fits
        let home = (spread(one) >> self.shift) as usize;
        home
    }
}

#[allow(clippy::cast_possible_truncation)] // a part
fn tag(one: u64) -> u32 {
    one as u32
}

/// Returns true if at most one edit lies between two words: between their common beginning and their common end.
fn within_one(a: &[u16], b: &[u16]) -> bool {
    let (short, long) = if a.len() > b.len() { (b, a) } else { (a, b) };
    let head = short.iter().zip(long).take_while(|(a, b)| a == b).count();
    let tail = short.iter().rev().zip(long.iter().rev()).take_while(|(a, b)| a == b).count();
    long.len() - short.len() <= 1 && long.len() <= head + tail + 1
}

fn last(letters: &[u16]) -> Option<&[u16]> {
    letters.len().checked_sub(GROUP).and_then(|start| letters.get(start..))
}

/// Some letters and a length as one number, which may be that of others, too.
#[inline]
fn with_length(letters: Option<&[u16]>, length: usize) -> u64 {
    key(letters.unwrap_or_default()).wrapping_add((length as u64).wrapping_mul(0xd6e8_feb8_6659_fd93))
}

/// Goes through letters as they are and without each of them, as numbers that may also be those of others, until one is
/// what is sought. Of letters that are more than one edit makes of a usual word, nothing is.
#[inline]
fn each_shortened(letters: &[u16], mut is_it: impl FnMut(u64) -> bool) -> bool {
    const BASE: u64 = 0xd6e8_feb8_6659_fd93;
    /// Times the base it is one, so that it takes one place off.
    const INVERSE: u64 = 0xcfee_444d_8b59_a89b;
    let mut behind = [0_u64; USUAL + 2];
    let Some(behind) = behind.get_mut(..=letters.len()) else { return false };
    // What stands from each place on, as a polynomial.
    let (mut sum, mut power) = (0_u64, 1_u64);
    for (&letter, slot) in letters.iter().zip(behind.iter_mut()).rev() {
        sum = sum.wrapping_add(power.wrapping_mul(u64::from(letter) + 1));
        power = power.wrapping_mul(BASE);
        *slot = sum;
    }
    if is_it(sum) {
        return true;
    }
    let mut before = 0_u64;
    letters.iter().zip(behind.iter().skip(1)).any(|(&letter, behind)| {
        power = power.wrapping_mul(INVERSE);
        let without = before.wrapping_mul(power).wrapping_add(*behind);
        before = before.wrapping_mul(BASE).wrapping_add(u64::from(letter) + 1);
        is_it(without)
    })
}
