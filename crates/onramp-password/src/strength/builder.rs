//! Makes a [`Dictionary`] out of lists of words.

use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::ListKind;
use super::dictionary::{
    BASE_MASK, COUNT_SHIFT, Dictionary, DictionaryError, HEADER, LEAF, MAGIC, MAX_LISTS, TERMINAL, checksum,
};

/// Collects ranked words and makes a [`Dictionary`] of them.
#[derive(Clone, Debug, Default)]
pub struct DictionaryBuilder {
    lists: Vec<ListKind>,
    words: BTreeMap<String, (u32, usize)>,
}

impl DictionaryBuilder {
    /// Without words.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a list whose words come in order of frequency: the first has rank 1. Case does not matter.
    ///
    /// Of a word that is in several lists, the lowest rank counts, and of equal ranks the list that was added first.
    #[must_use]
    pub fn with_list<W: AsRef<str>>(self, kind: ListKind, words: impl IntoIterator<Item = W>) -> Self {
        self.with_ranked(kind, (1..).zip(words))
    }

    /// Adds a list whose words come with ranks, as [`with_list`](Self::with_list) does. Rank 0 is taken as 1.
    #[must_use]
    pub fn with_ranked<W: AsRef<str>>(
        mut self,
        kind: ListKind,
        words: impl IntoIterator<Item = (u32, W)>,
    ) -> Self {
        let list = self.lists.len();
        self.lists.push(kind);
        for (rank, word) in words {
            let word = lower(word.as_ref());
            let entry = (rank.clamp(1, 0x0fff_ffff), list);
            if !word.is_empty() {
                self.words.entry(word).and_modify(|old| *old = entry.min(*old)).or_insert(entry);
            }
        }
        self
    }

    /// Lays the words out.
    ///
    /// # Errors
    /// [`DictionaryError::TooLarge`] beyond what the format holds.
    pub fn build(self) -> Result<Dictionary, DictionaryError> {
        let words: Vec<Entry<'_>> = self
            .words
            .iter()
            .map(|(word, (rank, list))| {
                u32::try_from(*list).map(|list| (word.as_bytes(), rank | list << 28)).unwrap_or_default()
            })
            .collect();
        let longest = words.iter().map(|(word, _)| word.len()).max().unwrap_or(0);
        if self.lists.len() > MAX_LISTS || longest > 255 {
            return Err(DictionaryError::TooLarge);
        }
        if words.is_empty() {
            return Ok(Dictionary::empty());
        }
        let trie = Trie::new(&words)?;
        Dictionary::from_bytes(trie.into_bytes(&self.lists, longest))
    }
}

/// Lower case, one character for one, as candidates are compared.
fn lower(word: &str) -> String {
    word.chars().map(super::text::lower).map(|c| c.to_string()).collect()
}

/// A word, its rank, and in the upper four bits its list.
type Entry<'a> = (&'a [u8], u32);

#[derive(Default)]
struct Trie {
    labels: Vec<u8>,
    nodes: Vec<u32>,
    ranks: Vec<u32>,
    tails: Vec<u8>,
}

impl Trie {
    /// Builds level by level from words in order: a node is the range of the words that share its path.
    fn new(words: &[Entry<'_>]) -> Result<Self, DictionaryError> {
        let (tails, tail_at) = merge_tails(words);
        let mut trie = Self { labels: alloc::vec![0], nodes: Vec::new(), ranks: Vec::new(), tails };
        let mut level: Vec<(&[Entry<'_>], usize)> = alloc::vec![(words, 0)];
        while !level.is_empty() {
            let mut next = Vec::new();
            for (range, depth) in level {
                let Some((first, rest)) = range.split_first() else { continue };
                // The root is never a leaf, so that no word is matched before its first byte.
                if rest.is_empty() && depth > 0 {
                    let tail = first.0.get(depth..).unwrap_or_default();
                    let at = tail_at.get(tail).copied().unwrap_or_default();
                    trie.push(LEAF | TERMINAL, at, tail.len())?;
                    trie.ranks.push(first.1);
                    continue;
                }
                let (ends_here, longer) = if first.0.len() == depth { (true, rest) } else { (false, range) };
                let base = trie.labels.len();
                for group in longer.chunk_by(|a, b| a.0.get(depth) == b.0.get(depth)) {
                    let label = group.first().and_then(|(word, _)| word.get(depth)).copied();
                    trie.labels.push(label.unwrap_or_default());
                    next.push((group, depth + 1));
                }
                let count = trie.labels.len() - base;
                trie.push(if ends_here { TERMINAL } else { 0 }, base, count - 1)?;
                if ends_here {
                    trie.ranks.push(first.1);
                }
            }
            level = next;
        }
        Ok(trie)
    }

    fn push(&mut self, flags: u32, base: usize, count: usize) -> Result<(), DictionaryError> {
        let base = u32::try_from(base).ok().filter(|base| *base <= BASE_MASK);
        let count = u32::try_from(count).ok().filter(|count| *count <= 0xff);
        let (Some(base), Some(count)) = (base, count) else { return Err(DictionaryError::TooLarge) };
        self.nodes.push(flags | count << COUNT_SHIFT | base);
        Ok(())
    }

    fn into_bytes(self, lists: &[ListKind], longest: usize) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        for number in [self.nodes.len(), self.ranks.len(), self.tails.len(), longest] {
            bytes.extend(u32::try_from(number).unwrap_or(u32::MAX).to_le_bytes());
        }
        bytes.extend(lists.iter().map(|list| list.code()));
        bytes.resize(HEADER, 0);
        bytes.extend(&self.labels);
        bytes.extend(self.nodes.iter().flat_map(|node| node.to_le_bytes()));
        let mut before = 0_u32;
        for block in self.nodes.chunks(64) {
            let bits =
                (0..).zip(block).fold(0_u64, |bits, (at, node)| bits | u64::from(node & TERMINAL != 0) << at);
            bytes.extend(bits.to_le_bytes());
            bytes.extend(before.to_le_bytes());
            before += bits.count_ones();
        }
        bytes.extend(self.ranks.iter().flat_map(|rank| rank.to_le_bytes()));
        bytes.extend(&self.tails);
        let sum = checksum(&bytes).to_le_bytes();
        for (slot, byte) in bytes.iter_mut().skip(48).zip(sum) {
            *slot = byte;
        }
        bytes
    }
}

/// Every tail once, a tail that ends another one inside it.
fn merge_tails<'a>(words: &[Entry<'a>]) -> (Vec<u8>, BTreeMap<&'a [u8], usize>) {
    let mut found: Vec<&[u8]> = Vec::new();
    let mut before: &[u8] = &[];
    for (at, (word, _)) in words.iter().enumerate() {
        let after = words.get(at + 1).map_or(&[] as &[u8], |(word, _)| word);
        // A word stands alone one byte after what it shares with its neighbours.
        let depth = shared(before, word).max(shared(word, after)) + 1;
        found.extend(word.get(depth..).filter(|tail| !tail.is_empty()));
        before = word;
    }
    found.sort_by(|a, b| b.iter().rev().cmp(a.iter().rev()));
    let (mut bytes, mut places) = (Vec::new(), BTreeMap::new());
    let mut last: (&[u8], usize) = (&[], 0);
    for tail in found {
        if last.0.ends_with(tail) {
            places.insert(tail, last.1 + last.0.len() - tail.len());
        } else {
            last = (tail, bytes.len());
            places.insert(tail, bytes.len());
            bytes.extend(tail);
        }
    }
    (bytes, places)
}

fn shared(a: &[u8], b: &[u8]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}
