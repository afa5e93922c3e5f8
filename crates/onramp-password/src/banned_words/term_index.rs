//! Words that are found as they are: a trie entered by the first letters of a word at once, with the children of a
//! node side by side, and what is left of a word written out where no other word goes the same way.

use alloc::vec;
use alloc::vec::Vec;

use super::trie::{BloomFilter, spread};
use crate::text::MAX_FOLDED;

/// The most letters of the group by which the trie is entered.
pub(super) const GROUP: usize = 4;

/// Marks a node with a tail instead of children.
const LEAF: u32 = 1 << 31;
/// Marks a node with children at which a word ends.
const TERMINAL: u32 = 1 << 30;
/// No node that is entered: the free slot of the table of entries.
const FREE: u32 = u32::MAX;

#[derive(Clone, Copy, Debug)]
struct Node {
    letter: u16,
    /// The number of children, or of letters of the tail.
    count: u16,
    /// The start of the children or of the tail, and the marks.
    base: u32,
}

/// Words by their letters' numbers.
#[derive(Clone, Debug)]
pub(super) struct TermIndex {
    nodes: Vec<Node>,
    tails: Vec<u16>,
    /// The first letters of words, with the node behind them.
    entries: Vec<(u64, u32)>,
    shift: u32,
    /// A filter for the first letters of words.
    gate: BloomFilter,
    /// The number of letters in the key of an entry.
    group: usize,
}

impl TermIndex {
    /// Creates an index of sorted words without duplicates, none shorter than the group.
    pub(super) fn new(words: &[Vec<u16>], group: usize) -> Self {
        let starts = || words.chunk_by(|a, b| a.get(..group) == b.get(..group));
        let size = (2 * starts().count()).next_power_of_two().max(2);
        let mut all = Self {
            nodes: Vec::new(),
            tails: Vec::new(),
            entries: vec![(0, FREE); size],
            shift: 64 - size.trailing_zeros(),
            gate: BloomFilter::new(words.len()),
            group,
        };
        // Level by level, so that children are neighbors; first the nodes that are entered.
        let mut level: Vec<(&[Vec<u16>], usize)> = starts().map(|range| (range, group)).collect();
        for (range, at) in level.iter().zip(0..) {
            let start = range.0.first().and_then(|word| word.get(..group)).unwrap_or_default();
            all.enter(key(start), at);
        }
        let mut base = level.len();
        while !level.is_empty() {
            let mut next = Vec::new();
            for (range, depth) in level {
                all.push(range, depth, base + next.len(), &mut next);
            }
            base += next.len();
            level = next;
        }
        all
    }

    fn push<'a>(
        &mut self,
        range: &'a [Vec<u16>],
        depth: usize,
        base: usize,
        next: &mut Vec<(&'a [Vec<u16>], usize)>,
    ) {
        let Some((first, rest)) = range.split_first() else { return };
        let letter = depth.checked_sub(1).and_then(|last| first.get(last)).copied().unwrap_or_default();
        #[allow(clippy::cast_possible_truncation)] // memory ends before
        let narrow = |at: usize| at as u32 & !(LEAF | TERMINAL);
        if rest.is_empty() {
            let tail = first.get(depth..).unwrap_or_default();
            // A tail beyond the longest candidate is as good as a longer one: neither is found.
            let tail = tail.get(..usize::from(u16::MAX)).unwrap_or(tail);
            let base = LEAF | narrow(self.tails.len());
            #[allow(clippy::cast_possible_truncation)] // just cut
            self.nodes.push(Node { letter, count: tail.len() as u16, base });
            self.tails.extend_from_slice(tail);
            return;
        }
        let (ends, longer) = if first.len() == depth { (TERMINAL, rest) } else { (0, range) };
        let before = next.len();
        next.extend(longer.chunk_by(|a, b| a.get(depth) == b.get(depth)).map(|group| (group, depth + 1)));
        #[allow(clippy::cast_possible_truncation)] // there are no more letters
        let count = (next.len() - before) as u16;
        self.nodes.push(Node { letter, count, base: ends | narrow(base) });
    }

    fn enter(&mut self, key: u64, node: u32) {
        self.gate.insert(key);
        let mask = self.entries.len() - 1;
        let mut at = self.home(key);
        while let Some(slot) = self.entries.get_mut(at & mask) {
            if slot.1 == FREE {
                *slot = (key, node);
                return;
            }
            at += 1;
        }
    }

    fn entry(&self, key: u64) -> Option<Node> {
        let mask = self.entries.len() - 1;
        let mut at = self.home(key);
        loop {
            match *self.entries.get(at & mask)? {
                (_, FREE) => return None,
                (found, node) if found == key => return self.nodes.get(node as usize).copied(),
                _ => at += 1,
            }
        }
    }

    #[inline]
    fn home(&self, key: u64) -> usize {
        #[allow(clippy::cast_possible_truncation)] // the table's size fits
        let home = (spread(key) >> self.shift) as usize;
        home
    }

    /// Returns every place at which a word may begin, and none at which one begins left out.
    #[inline]
    pub(super) fn starts(&self, numbers: &[u16]) -> Starts {
        let mask = if self.group >= GROUP { u64::MAX } else { (1 << (16 * self.group)) - 1 };
        let mut window = 0_u64;
        let mut starts = Starts { ends: [0; MAX_FOLDED / 64], back: self.group - 1, block: 0 };
        // All of them before anybody looks at one, without a branch that nothing foretells.
        for (ends, block) in starts.ends.iter_mut().zip(numbers.chunks(64)) {
            for (&letter, bit) in block.iter().zip(0..) {
                window = (window << 16 | u64::from(letter)) & mask;
                *ends |= u64::from(self.gate.contains(window)) << bit;
            }
        }
        // A group that is not whole is none.
        if let Some(first) = starts.ends.first_mut() {
            *first &= u64::MAX << starts.back;
        }
        starts
    }

    /// The end of every word that begins at `start`.
    #[inline]
    pub(super) fn ends(&self, numbers: &[u16], start: usize, mut found: impl FnMut(usize)) {
        let mut at = start + self.group;
        let Some(mut node) = numbers.get(start..at).and_then(|first| self.entry(key(first))) else { return };
        loop {
            let base = (node.base & !(LEAF | TERMINAL)) as usize;
            if node.base & LEAF != 0 {
                let length = usize::from(node.count);
                let (Some(tail), Some(rest)) =
                    (self.tails.get(base..base + length), numbers.get(at..at + length))
                else {
                    return;
                };
                // Too short for a comparison of memory.
                if tail.iter().zip(rest).all(|(letter, other)| letter == other) {
                    found(at + length);
                }
                return;
            }
            if node.base & TERMINAL != 0 {
                found(at);
            }
            let Some(&letter) = numbers.get(at) else { return };
            let children = self.nodes.get(base..base + usize::from(node.count)).unwrap_or_default();
            let child = if children.len() <= 8 {
                children.iter().find(|child| child.letter == letter)
            } else {
                let place = children.binary_search_by_key(&letter, |child| child.letter);
                place.ok().and_then(|place| children.get(place))
            };
            let Some(&child) = child else { return };
            node = child;
            at += 1;
        }
    }
}

/// Places at which a word may begin, in order.
pub(crate) struct Starts {
    /// The places of the last letters of their groups, one bit each.
    ends: [u64; MAX_FOLDED / 64],
    /// The distance from the last letter of a group back to the start of the word.
    back: usize,
    block: usize,
}

impl Iterator for Starts {
    type Item = usize;

    #[inline]
    fn next(&mut self) -> Option<usize> {
        loop {
            let ends = self.ends.get_mut(self.block)?;
            if *ends != 0 {
                let end = 64 * self.block + ends.trailing_zeros() as usize;
                *ends &= *ends - 1;
                return Some(end - self.back);
            }
            self.block += 1;
        }
    }
}

/// Letters as one number: four at most.
#[inline]
pub(super) fn key(letters: &[u16]) -> u64 {
    letters.iter().fold(0, |key, &letter| key << 16 | u64::from(letter))
}
