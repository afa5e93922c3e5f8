//! Words, letter by letter, in one open-addressed table: a step is one look-up, whatever the alphabet.

use alloc::vec;
use alloc::vec::Vec;

/// The node before the first letter.
pub(super) const ROOT: u32 = 0;

/// One step: from a node by a letter to another node. No step leads to the root, so that zero is a free slot.
#[derive(Clone, Copy, Debug, Default)]
struct Step {
    from: u32,
    letter: u16,
    to: u32,
}

/// The steps of a trie.
#[derive(Clone, Debug)]
pub(super) struct Trie {
    steps: Vec<Step>,
    shift: u32,
    nodes: u32,
}

impl Trie {
    pub(super) fn new() -> Self {
        Self { steps: vec![Step::default(); 64], shift: 64 - 6, nodes: 1 }
    }

    /// Returns the node that a letter leads to.
    #[inline]
    pub(super) fn step(&self, from: u32, letter: u16) -> Option<u32> {
        let mask = self.steps.len() - 1;
        let mut at = self.home(from, letter);
        loop {
            let step = self.steps.get(at & mask)?;
            if step.from == from && step.letter == letter && step.to != ROOT {
                return Some(step.to);
            }
            if step.to == ROOT {
                return None;
            }
            at += 1;
        }
    }

    /// Adds a word and calls back with every node on its way, the root first.
    pub(super) fn add(&mut self, letters: impl Iterator<Item = u16>, path: &mut Vec<u32>) {
        path.clear();
        path.push(ROOT);
        let mut node = ROOT;
        for letter in letters {
            node = match self.step(node, letter) {
                Some(to) => to,
                None => {
                    let to = self.nodes;
                    self.nodes += 1;
                    self.grow();
                    self.insert(Step { from: node, letter, to });
                    to
                }
            };
            path.push(node);
        }
    }

    fn insert(&mut self, step: Step) {
        let mask = self.steps.len() - 1;
        let mut at = self.home(step.from, step.letter);
        while let Some(slot) = self.steps.get_mut(at & mask) {
            if slot.to == ROOT {
                *slot = step;
                return;
            }
            at += 1;
        }
    }

    /// Keeps the table at most half full.
    fn grow(&mut self) {
        if (self.nodes as usize) * 2 > self.steps.len() {
            let size = self.steps.len() * 2;
            let steps = core::mem::replace(&mut self.steps, vec![Step::default(); size]);
            self.shift -= 1;
            steps.into_iter().filter(|step| step.to != ROOT).for_each(|step| self.insert(step));
        }
    }

    #[inline]
    fn home(&self, from: u32, letter: u16) -> usize {
        #[allow(clippy::cast_possible_truncation)] // the table's size fits
        let home = spread(u64::from(from) << 16 | u64::from(letter)) >> self.shift;
        home as usize
    }
}

/// A set of pairs of nodes.
#[derive(Clone, Debug)]
pub(super) struct Pairs {
    /// Zero is a free slot.
    keys: Vec<u64>,
    shift: u32,
    len: usize,
}

impl Pairs {
    pub(super) fn new() -> Self {
        Self { keys: vec![0; 64], shift: 64 - 6, len: 0 }
    }

    #[inline]
    pub(super) fn contains(&self, a: u32, b: u32, kind: bool) -> bool {
        let (key, mask) = (key(a, b, kind), self.keys.len() - 1);
        let mut at = self.home(key);
        loop {
            match self.keys.get(at & mask) {
                Some(&found) if found == key => return true,
                Some(0) | None => return false,
                Some(_) => at += 1,
            }
        }
    }

    pub(super) fn insert(&mut self, a: u32, b: u32, kind: bool) {
        if (self.len + 1) * 2 > self.keys.len() {
            let size = self.keys.len() * 2;
            let keys = core::mem::replace(&mut self.keys, vec![0; size]);
            self.shift -= 1;
            self.len = 0;
            keys.into_iter().filter(|&key| key != 0).for_each(|key| self.put(key));
        }
        self.put(key(a, b, kind));
    }

    fn put(&mut self, key: u64) {
        let mask = self.keys.len() - 1;
        let mut at = self.home(key);
        while let Some(slot) = self.keys.get_mut(at & mask) {
            if *slot == key {
                return;
            }
            if *slot == 0 {
                *slot = key;
                self.len += 1;
                return;
            }
            at += 1;
        }
    }

    #[inline]
    fn home(&self, key: u64) -> usize {
        #[allow(clippy::cast_possible_truncation)] // the table's size fits
        let home = spread(key) >> self.shift;
        home as usize
    }
}

fn key(a: u32, b: u32, kind: bool) -> u64 {
    u64::from(a) << 33 | u64::from(b) << 2 | u64::from(kind) << 1 | 1
}

/// A set of groups of letters that may say yes too often, and never no wrongly.
#[derive(Clone, Debug)]
pub(super) struct BloomFilter {
    bits: Vec<u64>,
    shift: u32,
}

impl BloomFilter {
    pub(super) fn new(words: usize) -> Self {
        let bits = (words * 16).next_power_of_two().max(1 << 12);
        Self { bits: vec![0; bits / 64], shift: 64 - bits.trailing_zeros() }
    }

    #[inline]
    pub(super) fn contains(&self, group: u64) -> bool {
        let bit = spread(group) >> self.shift;
        #[allow(clippy::cast_possible_truncation)] // the size fits
        let word = self.bits.get((bit / 64) as usize).copied().unwrap_or_default();
        word >> (bit % 64) & 1 != 0
    }

    pub(super) fn insert(&mut self, group: u64) {
        let bit = spread(group) >> self.shift;
        #[allow(clippy::cast_possible_truncation)] // the size fits
        if let Some(word) = self.bits.get_mut((bit / 64) as usize) {
            *word |= 1 << (bit % 64);
        }
    }
}

/// Spreads the bits of a key; the upper ones are the best.
#[inline]
pub(super) fn spread(key: u64) -> u64 {
    let key = key ^ key >> 32;
    key.wrapping_mul(0x9E37_79B9_7F4A_7C15)
}
