//! Ranked words as one block of bytes: compiled into the program, mapped from a file, or built by the caller.
//!
//! The block is a trie whose nodes lie in breadth-first order, so that the children of a node are neighbours. A node is a
//! number of 64 bits that holds everything: which byte leads to it, where its children begin and how many they are,
//! and the rank of the word that ends there; so a step costs one line of the cache. A branch that holds a single word
//! ends in a *tail*, the rest of that word. Words are UTF-8 in lower case.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use super::ListKind;

pub(super) const MAGIC: [u8; 8] = *b"ONRDICT1";
pub(super) const HEADER: usize = 64;
pub(super) const MAX_LISTS: usize = 16;
/// The greatest rank that is kept; rarer words are taken to be as frequent.
pub(super) const MAX_RANK: u32 = (1 << 20) - 1;
/// The maximum number of nodes, and of bytes of tails.
pub(super) const MAX_BASE: usize = 1 << 22;

/// A node: from the lowest bit, eight bits of label, eight of the number of children less one or of the length of the
/// tail, 22 of where they begin, a bit each for a leaf and for the end of a word, 20 of rank, and four of list.
#[derive(Clone, Copy)]
pub(super) struct Node(pub(super) u64);

impl Node {
    pub(super) const LEAF: u64 = 1 << 38;
    pub(super) const TERMINAL: u64 = 1 << 39;

    #[inline]
    pub(super) fn is_leaf(self) -> bool {
        self.0 & Self::LEAF != 0
    }

    #[inline]
    pub(super) fn is_terminal(self) -> bool {
        self.0 & Self::TERMINAL != 0
    }

    #[inline]
    fn label(self) -> u8 {
        self.0 as u8
    }

    #[inline]
    fn count(self) -> usize {
        usize::from((self.0 >> 8) as u8)
    }

    #[inline]
    fn base(self) -> usize {
        (self.0 >> 16) as usize & (MAX_BASE - 1)
    }

    /// Returns the rank of the word that ends here.
    #[inline]
    pub(super) fn rank(self) -> u32 {
        (self.0 >> 40) as u32 & MAX_RANK
    }

    #[inline]
    fn list(self) -> usize {
        (self.0 >> 60) as usize
    }
}

/// A set of words, each with its rank (1 is the most frequent) and the list that it comes from.
#[derive(Clone)]
pub struct Dictionary {
    bytes: Cow<'static, [u8]>,
    layout: Layout,
    /// The first two steps of a large dictionary, which have many ways to go on.
    quick: Option<Arc<Quick>>,
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
        Ok(Self::of(bytes, layout))
    }

    /// Returns the six ranked lists of zxcvbn: leaked passwords, English words, names, and words from film and television.
    ///
    /// Where they come from and their licence is said in `data/README.md` of this crate.
    #[cfg(feature = "dictionaries")]
    #[must_use]
    pub fn zxcvbn() -> Self {
        const BYTES: &[u8] = include_bytes!("../../data/zxcvbn.dict");
        // Part of the program, so its sum is a test's business; a block that cannot be read is an empty dictionary.
        Layout::read(BYTES).map_or_else(|_| Self::empty(), |layout| Self::of(Cow::Borrowed(BYTES), layout))
    }

    fn of(bytes: Cow<'static, [u8]>, layout: Layout) -> Self {
        let mut dictionary = Self { bytes, layout, quick: None };
        if dictionary.len() >= LARGE {
            dictionary.quick = Quick::new(dictionary.view()).map(Arc::new);
        }
        dictionary
    }

    /// Creates a dictionary without words.
    #[must_use]
    pub fn empty() -> Self {
        Self { bytes: Cow::Borrowed(&[]), layout: Layout::default(), quick: None }
    }

    /// Returns the number of words.
    #[must_use]
    pub fn len(&self) -> usize {
        self.layout.words
    }

    /// Returns true if the dictionary has no words.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.layout.words == 0
    }

    /// Returns the bytes to store or compile in.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Returns the rank of a word in lower case, and the list that ranks it so.
    #[must_use]
    pub fn rank(&self, word: &str) -> Option<(u32, ListKind)> {
        let view = self.view();
        let mut rest = word.as_bytes();
        let mut node = view.root()?;
        loop {
            if node.is_leaf() {
                return (view.tail(node) == rest).then(|| (node.rank(), view.list(node)));
            }
            let Some((&byte, tail)) = rest.split_first() else {
                return node.is_terminal().then(|| (node.rank(), view.list(node)));
            };
            node = view.child(node, byte)?;
            rest = tail;
        }
    }

    /// Returns the words of which one kind of list has the best rank, the most frequent first.
    #[must_use]
    pub fn words(&self, kind: ListKind) -> Vec<String> {
        let view = self.view();
        let mut found: Vec<(u32, String)> = Vec::new();
        let mut take = |node: Node, word: Vec<u8>| {
            if view.list(node) == kind {
                // Words were text when they were put in; a damaged block holds no words.
                found.extend(String::from_utf8(word).ok().map(|word| (node.rank(), word)));
            }
        };
        let mut open: Vec<(Node, Vec<u8>)> = view.root().map(|root| (root, Vec::new())).into_iter().collect();
        while let Some((node, mut word)) = open.pop() {
            if node.is_leaf() {
                word.extend_from_slice(view.tail(node));
                take(node, word);
                continue;
            }
            for child in view.children(node) {
                let mut longer = word.clone();
                longer.push(child.label());
                // No word is longer; only a damaged block leads in a circle.
                if longer.len() <= self.longest() {
                    open.push((child, longer));
                }
            }
            if node.is_terminal() {
                take(node, word);
            }
        }
        found.sort_unstable();
        found.into_iter().map(|(_, word)| word).collect()
    }

    /// Returns the length of the longest word, in bytes.
    pub(super) fn longest(&self) -> usize {
        self.layout.longest
    }

    pub(super) fn view(&self) -> View<'_> {
        let layout = &self.layout;
        let part = |start: usize, end: usize| self.bytes.get(start..end).unwrap_or_default();
        View {
            nodes: part(HEADER, layout.tails_at).as_chunks().0,
            tails: part(layout.tails_at, layout.end),
            lists: &layout.lists,
            quick: self.quick.as_deref(),
        }
    }
}

impl fmt::Debug for Dictionary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dictionary").field("words", &self.len()).finish_non_exhaustive()
    }
}

/// The reason that bytes are not a dictionary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DictionaryError {
    /// The bytes do not begin as a dictionary does.
    Foreign,
    /// The bytes end too early, or go on after the end.
    Length {
        /// The expected number of bytes.
        expected: u64,
        /// The number of bytes found.
        found: u64,
    },
    /// The bytes are not those that were written.
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

/// The starts of the parts of the block.
#[derive(Clone, Copy, Default)]
struct Layout {
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
        let number = |at: usize| {
            let bytes = header.get(at..).and_then(|rest| rest.first_chunk());
            bytes.map_or(0, |bytes| u32::from_le_bytes(*bytes)) as usize
        };
        let (nodes, words, tails, longest) = (number(8), number(12), number(16), number(20));
        // On a 32-bit machine the sums could wrap: the block would not fit there either.
        let tails_at = HEADER.saturating_add(nodes.saturating_mul(8));
        let end = tails_at.saturating_add(tails);
        if end != bytes.len() {
            return Err(DictionaryError::Length { expected: end as u64, found: bytes.len() as u64 });
        }
        let mut lists = [ListKind::default(); MAX_LISTS];
        for (list, code) in lists.iter_mut().zip(header.iter().skip(24)) {
            *list = ListKind::from_code(*code);
        }
        let checksum = header.get(48..56).and_then(|sum| sum.try_into().ok()).map_or(0, u64::from_le_bytes);
        Ok(Self { tails_at, end, words, longest, lists, checksum })
    }
}

/// The parts of the block.
#[derive(Clone, Copy)]
pub(super) struct View<'a> {
    nodes: &'a [[u8; 8]],
    tails: &'a [u8],
    lists: &'a [ListKind; MAX_LISTS],
    quick: Option<&'a Quick>,
}

/// The number of words from which a dictionary is large.
const LARGE: usize = 4096;
const ASCII: usize = 128;

/// The nodes that the first byte and the first two lead to from the root; 0 for none. No node is 0.
struct Quick {
    first: [u64; ASCII],
    pairs: Vec<u64>,
}

impl Quick {
    fn new(view: View<'_>) -> Option<Self> {
        let mut quick = Self { first: [0; ASCII], pairs: alloc::vec![0; ASCII * ASCII] };
        let root = view.root()?;
        for (byte, (slot, row)) in (0..).zip(quick.first.iter_mut().zip(quick.pairs.chunks_mut(ASCII))) {
            let Some(child) = view.child(root, byte) else { continue };
            *slot = child.0;
            if !child.is_leaf() {
                for (next, slot) in (0..).zip(row) {
                    *slot = view.child(child, next).map_or(0, |child| child.0);
                }
            }
        }
        Some(quick)
    }
}

impl<'a> View<'a> {
    #[inline]
    pub(super) fn root(&self) -> Option<Node> {
        self.nodes.first().map(|node| Node(u64::from_le_bytes(*node)))
    }

    /// Returns the children of an inner node.
    fn children(&self, node: Node) -> impl Iterator<Item = Node> + use<'a> {
        let children = self.nodes.get(node.base()..node.base() + node.count() + 1).unwrap_or_default();
        children.iter().map(|child| Node(u64::from_le_bytes(*child)))
    }

    /// Returns the child that a byte leads to from an inner node which is so many bytes from the root.
    #[inline]
    pub(super) fn step(&self, node: Node, depth: usize, byte: u8) -> Option<Node> {
        let (label, at) = (usize::from(node.label()), usize::from(byte));
        let known = match (self.quick, depth) {
            (Some(quick), 0) => quick.first.get(at),
            (Some(quick), 1) if at < ASCII => quick.pairs.get(label * ASCII + at),
            _ => None,
        };
        match known {
            Some(&node) => (node != 0).then_some(Node(node)),
            None => self.child(node, byte),
        }
    }

    /// Returns the child of an inner node that a byte leads to.
    #[inline]
    fn child(&self, node: Node, byte: u8) -> Option<Node> {
        let children = self.nodes.get(node.base()..node.base() + node.count() + 1)?;
        let children = children.iter().map(|child| Node(u64::from_le_bytes(*child)));
        if children.len() <= 16 {
            return children.into_iter().find(|child| child.label() == byte);
        }
        // Labels are in order.
        let (mut low, mut high) = (0, children.len());
        while low < high {
            let middle = low.midpoint(high);
            let child = children.clone().nth(middle)?;
            match child.label().cmp(&byte) {
                core::cmp::Ordering::Equal => return Some(child),
                core::cmp::Ordering::Less => low = middle + 1,
                core::cmp::Ordering::Greater => high = middle,
            }
        }
        None
    }

    /// Returns the rest of the only word of a leaf.
    #[inline]
    pub(super) fn tail(&self, node: Node) -> &'a [u8] {
        self.tails.get(node.base()..node.base() + node.count()).unwrap_or_default()
    }

    /// Returns the list of the word that ends in a node.
    #[inline]
    pub(super) fn list(&self, node: Node) -> ListKind {
        self.lists.get(node.list()).copied().unwrap_or_default()
    }
}

/// Returns the sum over everything but the sum itself.
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
