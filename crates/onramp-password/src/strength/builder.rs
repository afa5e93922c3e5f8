//! Makes a [`Dictionary`] out of lists of words.

use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::ListKind;
use super::dictionary::{
    Dictionary, DictionaryError, HEADER, MAGIC, MAX_BASE, MAX_LISTS, MAX_RANK, Node, checksum,
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

    /// Adds a list whose words come with ranks, as [`with_list`](Self::with_list) does. Ranks are kept from 1 to
    /// 1,048,575; others are taken as the nearest of these.
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
            let entry = (rank.clamp(1, MAX_RANK), list);
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
            .map(|(word, (rank, list))| (word.as_bytes(), u64::from(*rank) << 40 | (*list as u64) << 60))
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

/// A word, and the bits of its node that say rank and list.
type Entry<'a> = (&'a [u8], u64);

#[derive(Default)]
struct Trie {
    nodes: Vec<u64>,
    words: usize,
    tails: Vec<u8>,
}

impl Trie {
    /// Builds level by level from words in order: a node is the range of the words that share its path.
    fn new(words: &[Entry<'_>]) -> Result<Self, DictionaryError> {
        let (tails, tail_at) = merge_tails(words);
        let mut trie = Self { nodes: Vec::new(), words: words.len(), tails };
        let mut level: Vec<(&[Entry<'_>], usize)> = alloc::vec![(words, 0)];
        // Where the children of the next node begin: after all nodes of this level.
        let mut base = 1;
        while !level.is_empty() {
            let mut next = Vec::new();
            for (range, depth) in level {
                let Some((first, rest)) = range.split_first() else { continue };
                let label = depth.checked_sub(1).and_then(|last| first.0.get(last)).copied();
                // The root is never a leaf, so that no word is matched before its first byte.
                if rest.is_empty() && depth > 0 {
                    let tail = first.0.get(depth..).unwrap_or_default();
                    let at = tail_at.get(tail).copied().unwrap_or_default();
                    trie.push(label, Node::LEAF | Node::TERMINAL | first.1, at, tail.len())?;
                    continue;
                }
                let (flags, longer) =
                    if first.0.len() == depth { (Node::TERMINAL | first.1, rest) } else { (0, range) };
                let before = next.len();
                next.extend(
                    longer.chunk_by(|a, b| a.0.get(depth) == b.0.get(depth)).map(|group| (group, depth + 1)),
                );
                let count = next.len() - before;
                trie.push(label, flags, base, count - 1)?;
                base += count;
            }
            level = next;
        }
        Ok(trie)
    }

    fn push(
        &mut self,
        label: Option<u8>,
        bits: u64,
        base: usize,
        count: usize,
    ) -> Result<(), DictionaryError> {
        if base >= MAX_BASE || count > 0xff {
            return Err(DictionaryError::TooLarge);
        }
        let label = u64::from(label.unwrap_or_default());
        self.nodes.push(bits | (base as u64) << 16 | (count as u64) << 8 | label);
        Ok(())
    }

    fn into_bytes(self, lists: &[ListKind], longest: usize) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        for number in [self.nodes.len(), self.words, self.tails.len(), longest] {
            bytes.extend(u32::try_from(number).unwrap_or(u32::MAX).to_le_bytes());
        }
        bytes.extend(lists.iter().map(|list| list.code()));
        bytes.resize(HEADER, 0);
        bytes.extend(self.nodes.iter().flat_map(|node| node.to_le_bytes()));
        bytes.extend(&self.tails);
        let sum = checksum(&bytes).to_le_bytes();
        for (slot, byte) in bytes.iter_mut().skip(48).zip(sum) {
            *slot = byte;
        }
        bytes
    }
}

/// Returns every tail once, a tail that ends another one inside it.
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
