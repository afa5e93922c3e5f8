//! Ranked words as one block of bytes: compiled into the program, mapped from a file, or built by the caller.
//!
//! The block is a trie whose nodes lie in breadth-first order, so that the children of a node are neighbours: a node
//! says where they start and how many they are, and one byte each says which letter leads to them. A branch that
//! holds a single word ends in a *tail*, the rest of that word. Words are UTF-8 in lower case; ranks are exact.

use alloc::borrow::Cow;
use core::fmt;

use super::ListKind;

pub(super) const MAGIC: [u8; 8] = *b"ONRDICT1";
pub(super) const HEADER: usize = 64;
pub(super) const MAX_LISTS: usize = 16;
pub(super) const LEAF: u32 = 1 << 31;
pub(super) const TERMINAL: u32 = 1 << 30;
pub(super) const COUNT_SHIFT: u32 = 22;
pub(super) const BASE_MASK: u32 = (1 << COUNT_SHIFT) - 1;

/// A set of words, each with its rank (1 is the most frequent) and the list that it comes from.
#[derive(Clone)]
pub struct Dictionary {
    bytes: Cow<'static, [u8]>,
    layout: Layout,
}

impl Dictionary {
    /// Reads what [`DictionaryBuilder`](super::DictionaryBuilder) made.
    ///
    /// The bytes are used as they are, so that a mapped file or a constant costs nothing but the check of its sum.
    ///
    /// # Errors
    /// When these are not the bytes of a dictionary, or not all of them, or not as they were written.
    pub fn from_bytes(bytes: impl Into<Cow<'static, [u8]>>) -> Result<Self, DictionaryError> {
        let bytes = bytes.into();
        let layout = Layout::read(&bytes)?;
        if checksum(&bytes) != layout.checksum {
            return Err(DictionaryError::Corrupt);
        }
        Ok(Self { bytes, layout })
    }

    /// The six ranked lists of zxcvbn: leaked passwords, English words, names, and words from film and television.
    ///
    /// Where they come from and their licence is said in `data/README.md` of this crate.
    #[cfg(feature = "dictionaries")]
    #[must_use]
    pub fn zxcvbn() -> Self {
        const BYTES: &[u8] = include_bytes!("../../data/zxcvbn.dict");
        // Part of the program, so its sum is a test's business; a block that cannot be read is an empty dictionary.
        Layout::read(BYTES)
            .map_or_else(|_| Self::empty(), |layout| Self { bytes: Cow::Borrowed(BYTES), layout })
    }

    /// A dictionary without words.
    #[must_use]
    pub fn empty() -> Self {
        Self { bytes: Cow::Borrowed(&[]), layout: Layout::default() }
    }

    /// How many words it holds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.layout.words
    }

    /// Whether there is no word in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.layout.words == 0
    }

    /// The bytes to store or compile in.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The rank of a word in lower case, and the list that ranks it so.
    #[must_use]
    pub fn rank(&self, word: &str) -> Option<(u32, ListKind)> {
        let view = self.view();
        let mut rest = word.as_bytes();
        let mut node = 0;
        loop {
            let value = view.node(node)?;
            if value & LEAF != 0 {
                return if view.tail(value) == rest { view.word(node) } else { None };
            }
            let Some((&byte, tail)) = rest.split_first() else {
                return if value & TERMINAL != 0 { view.word(node) } else { None };
            };
            node = view.child(value, byte)?;
            rest = tail;
        }
    }

    /// The length of the longest word, in bytes.
    pub(super) fn longest(&self) -> usize {
        self.layout.longest
    }

    pub(super) fn view(&self) -> View<'_> {
        let layout = &self.layout;
        let part = |start: usize, end: usize| self.bytes.get(start..end).unwrap_or_default();
        View {
            labels: part(HEADER, layout.nodes_at),
            nodes: part(layout.nodes_at, layout.blocks_at),
            blocks: part(layout.blocks_at, layout.ranks_at),
            ranks: part(layout.ranks_at, layout.tails_at),
            tails: part(layout.tails_at, layout.end),
            lists: layout.lists,
        }
    }
}

impl fmt::Debug for Dictionary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dictionary").field("words", &self.len()).finish_non_exhaustive()
    }
}

/// Why bytes are not a dictionary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DictionaryError {
    /// They do not begin as a dictionary does.
    Foreign,
    /// They end too early, or go on after the end.
    Length {
        /// How many bytes there should be.
        expected: u64,
        /// How many there are.
        found: u64,
    },
    /// They are not the bytes that were written.
    Corrupt,
    /// More words than the format holds, or a word of more than 255 bytes, or more than sixteen lists.
    TooLarge,
}

impl fmt::Display for DictionaryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Foreign => f.write_str("this is not a dictionary: build one with DictionaryBuilder"),
            Self::Length { expected, found } => {
                write!(
                    f,
                    "the dictionary should have {expected} bytes and has {found}: copy or build it again"
                )
            }
            Self::Corrupt => f.write_str("the dictionary is not as it was written: copy or build it again"),
            Self::TooLarge => f.write_str(
                "a dictionary holds up to four million branches, words of up to 255 bytes and sixteen lists: \
                 leave out the rarest words",
            ),
        }
    }
}

impl core::error::Error for DictionaryError {}

/// Where the parts of the block begin.
#[derive(Clone, Copy, Default)]
struct Layout {
    nodes_at: usize,
    blocks_at: usize,
    ranks_at: usize,
    tails_at: usize,
    end: usize,
    words: usize,
    longest: usize,
    lists: [ListKind; MAX_LISTS],
    checksum: u64,
}

impl Layout {
    fn read(bytes: &[u8]) -> Result<Self, DictionaryError> {
        let Some(header) = bytes.get(..HEADER).filter(|header| header.starts_with(&MAGIC)) else {
            return Err(DictionaryError::Foreign);
        };
        let number = |at: usize| le_u32(header, at).unwrap_or_default() as usize;
        let (nodes, words, tails, longest) = (number(8), number(12), number(16), number(20));
        // On a 32-bit machine the sums could wrap: the block would not fit there either.
        let sizes = [nodes, nodes.saturating_mul(4), nodes.div_ceil(64).saturating_mul(12)];
        let mut ends = [HEADER; 6];
        let mut end = HEADER;
        for (slot, size) in ends.iter_mut().zip(sizes.into_iter().chain([words.saturating_mul(4), tails])) {
            end = end.saturating_add(size);
            *slot = end;
        }
        if end != bytes.len() {
            return Err(DictionaryError::Length { expected: end as u64, found: bytes.len() as u64 });
        }
        let mut lists = [ListKind::default(); MAX_LISTS];
        for (list, code) in lists.iter_mut().zip(header.iter().skip(24)) {
            *list = ListKind::from_code(*code);
        }
        let [nodes_at, blocks_at, ranks_at, tails_at, end, _] = ends;
        let checksum = header.get(48..56).and_then(|sum| sum.try_into().ok()).map_or(0, u64::from_le_bytes);
        Ok(Self { nodes_at, blocks_at, ranks_at, tails_at, end, words, longest, lists, checksum })
    }
}

/// The parts of the block.
#[derive(Clone, Copy)]
pub(super) struct View<'a> {
    labels: &'a [u8],
    nodes: &'a [u8],
    blocks: &'a [u8],
    ranks: &'a [u8],
    tails: &'a [u8],
    lists: [ListKind; MAX_LISTS],
}

impl<'a> View<'a> {
    #[inline]
    pub(super) fn node(&self, node: usize) -> Option<u32> {
        le_u32(self.nodes, node.checked_mul(4)?)
    }

    /// The child of an inner node that a byte leads to.
    #[inline]
    pub(super) fn child(&self, value: u32, byte: u8) -> Option<usize> {
        let base = (value & BASE_MASK) as usize;
        let count = ((value >> COUNT_SHIFT) & 0xff) as usize + 1;
        let labels = self.labels.get(base..base + count)?;
        let at = if count <= 6 {
            labels.iter().position(|&label| label == byte)?
        } else {
            labels.binary_search(&byte).ok()?
        };
        Some(base + at)
    }

    /// What is left of the only word of a leaf.
    #[inline]
    pub(super) fn tail(&self, value: u32) -> &'a [u8] {
        let start = (value & BASE_MASK) as usize;
        let length = ((value >> COUNT_SHIFT) & 0xff) as usize;
        self.tails.get(start..start + length).unwrap_or_default()
    }

    /// The rank and list of the word that ends in a node.
    #[inline]
    pub(super) fn word(&self, node: usize) -> Option<(u32, ListKind)> {
        let block = self.blocks.get((node / 64) * 12..)?;
        let bits = u64::from_le_bytes(*block.first_chunk::<8>()?);
        let before = (bits & ((1 << (node % 64)) - 1)).count_ones();
        let index = le_u32(block, 8)?.checked_add(before)? as usize;
        let value = le_u32(self.ranks, index.checked_mul(4)?)?;
        let list = self.lists.get((value >> 28) as usize).copied().unwrap_or_default();
        Some((value & 0x0fff_ffff, list))
    }
}

/// The sum over everything but the sum itself.
pub(super) fn checksum(bytes: &[u8]) -> u64 {
    let (head, rest) = bytes.split_at_checked(48).unwrap_or((bytes, &[]));
    let body = rest.get(8..).unwrap_or_default();
    fnv(fnv(0xcbf2_9ce4_8422_2325, head), body)
}

fn fnv(sum: u64, bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<8>();
    let mix = |sum: u64, word: u64| (sum ^ word).wrapping_mul(0x0000_0100_0000_01b3).rotate_left(23);
    let sum = words.iter().fold(sum, |sum, word| mix(sum, u64::from_le_bytes(*word)));
    rest.iter().fold(sum, |sum, byte| mix(sum, u64::from(*byte)))
}

#[inline]
fn le_u32(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk::<4>().map(|chunk| u32::from_le_bytes(*chunk))
}
