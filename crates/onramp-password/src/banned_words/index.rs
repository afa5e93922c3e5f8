//! Words made ready to be found in a candidate: where they stand, and whether a piece is one edit away from one.
//!
//! A [`TermIndex`] finds the places of words, an [`EditDistanceIndex`] compares the whole candidate. For edits of pieces, two tries
//! hold the words forwards and backwards. A word with one letter changed is a way down the first and a way down the second that meet
//! at the change, so that a set of the pairs of nodes which meet answers exactly.

use alloc::vec;
use alloc::vec::Vec;

use zeroize::Zeroize;

use super::edit_distance::EditDistanceIndex;
use super::term_index::{GROUP, Starts, TermIndex};
use super::trie::{Pairs, ROOT, Trie};
use crate::text::{Fold, MAX_FOLDED, Text};

/// Words, folded and ready.
#[derive(Clone, Debug)]
pub(crate) struct Index {
    letters: Alphabet,
    words: TermIndex,
    whole: Option<EditDistanceIndex>,
    near: Option<Near>,
    shortest: usize,
    longest: usize,
}

/// The edits that an index supports.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Edits {
    /// Only where words stand.
    None,
    /// Also whether the whole is one edit away from a word.
    OfTheWhole,
    /// Also which pieces are.
    OfPieces,
}

/// The tries that only the search for pieces with edits needs.
#[derive(Clone, Debug)]
struct Near {
    forward: Trie,
    backward: Trie,
    pairs: Pairs,
}

/// A pair that meets around one letter of the word, whatever it is.
const AROUND: bool = false;
/// A pair that meets between two letters of the word.
const BETWEEN: bool = true;

impl Index {
    /// Creates an index of folded words, none of them empty, that can be asked for these edits.
    pub(crate) fn new(words: &[Vec<char>], edits: Edits) -> Self {
        let shortest = words.iter().map(Vec::len).min().unwrap_or(usize::MAX);
        let letters = Alphabet::new(words);
        let number = |word: &Vec<char>| word.iter().map(|&letter| letters.number(letter)).collect();
        let mut numbered: Vec<Vec<u16>> = words.iter().map(number).collect();
        numbered.sort_unstable();
        numbered.dedup();
        Self {
            words: TermIndex::new(&numbered, shortest.clamp(1, GROUP)),
            whole: (edits != Edits::None).then(|| EditDistanceIndex::new(&numbered)),
            near: (edits == Edits::OfPieces).then(|| Near::new(&numbered)),
            letters,
            shortest,
            longest: words.iter().map(Vec::len).max().unwrap_or(0),
        }
    }

    /// Returns the number of letters of the longest word.
    pub(crate) fn longest(&self) -> usize {
        self.longest
    }

    /// Returns the numbers of a candidate's letters.
    pub(crate) fn numbers(&self, folded: &[char]) -> Numbers {
        let mut numbers = Numbers::new(folded.len());
        for (slot, &letter) in numbers.numbers.iter_mut().zip(folded) {
            *slot = self.letters.number(letter);
        }
        numbers
    }

    /// Writes the numbers of a candidate's letters under a table that this index was made ready for, to where they are
    /// needed: returned, they would be copied.
    #[inline]
    pub(crate) fn write_numbers(&self, text: &Text<'_>, quick: &Quick, fold: &Fold, numbers: &mut Numbers) {
        if text.ascii {
            for (slot, &byte) in numbers.numbers.iter_mut().zip(text.text.as_bytes()) {
                #[allow(clippy::indexing_slicing)] // every byte has a place
                {
                    *slot = quick.0[usize::from(byte)];
                }
            }
        } else {
            for (slot, c) in numbers.numbers.iter_mut().zip(text.text.chars()) {
                *slot = self.letters.number(fold.fold(c));
            }
        }
    }

    /// Makes ready for a table.
    pub(crate) fn quick(&self, fold: &Fold) -> Quick {
        let mut quick = Quick([0; 256]);
        for (slot, byte) in quick.0.iter_mut().zip(0_u8..128) {
            *slot = self.letters.number(fold.fold(char::from(byte)));
        }
        quick
    }

    /// The end of every word that begins at `start`.
    #[inline]
    pub(crate) fn ends(&self, numbers: &[u16], start: usize, found: impl FnMut(usize)) {
        self.words.ends(numbers, start, found);
    }

    /// Returns every place at which a word may begin, and none at which one begins left out.
    #[inline]
    pub(crate) fn starts(&self, numbers: &[u16]) -> Starts {
        self.words.starts(numbers)
    }

    /// Returns true if the whole is at most one edit away from a word.
    pub(crate) fn is_near(&self, numbers: &[u16]) -> bool {
        let length = numbers.len();
        let possible = length + 1 >= self.shortest && length <= self.longest.saturating_add(1) && length > 0;
        possible && self.whole.as_ref().is_some_and(|whole| whole.is_near(numbers))
    }

    /// Calls back with every piece that is at most one edit away from a word: its start and its end.
    pub(crate) fn near_pieces(&self, numbers: &[u16], mut found: impl FnMut(usize, usize)) {
        let Some(near) = &self.near else { return };
        let (length, row) = (numbers.len(), self.longest.min(numbers.len()) + 1);
        let mut nodes = Nodes::new((length + 1) * row);
        let mut reached = [0_u16; MAX_FOLDED + 1];
        for end in 1..=length {
            let letters = numbers.get(..end).unwrap_or_default().iter().rev();
            if let (Some(nodes), Some(slot)) = (nodes.row(end, row), reached.get_mut(end)) {
                #[allow(clippy::cast_possible_truncation)] // at most 256
                let steps = walk(&near.backward, letters, nodes) as u16;
                *slot = steps;
            }
        }
        let furthest = reached.iter().copied().max().map_or(0, usize::from);
        let mut ahead = [ROOT; MAX_FOLDED + 1];
        let shortest = self.shortest.saturating_sub(1).max(1);
        for start in 0..length {
            let letters = numbers.get(start..).unwrap_or_default().iter();
            let forward = walk(&near.forward, letters, &mut ahead);
            // Longer than the longest word by a letter, or than what both ways together go.
            let most = self.longest.min(forward + furthest).saturating_add(1);
            let last = length.min(start.saturating_add(most));
            for end in start.saturating_add(shortest)..=last {
                let back = reached.get(end).map_or(0, |&steps| usize::from(steps));
                let piece = end - start;
                if forward + back + 1 >= piece
                    && let Some(behind) = nodes.row(end, row)
                    && near.meets(&ahead, forward, behind, back, piece)
                {
                    found(start, end);
                }
            }
        }
    }
}

impl Near {
    fn new(words: &[Vec<u16>]) -> Self {
        let mut near = Self { forward: Trie::new(), backward: Trie::new(), pairs: Pairs::new() };
        let (mut path, mut back) = (Vec::new(), Vec::new());
        for word in words {
            near.forward.add(word.iter().copied(), &mut path);
            near.backward.add(word.iter().rev().copied(), &mut back);
            for (&node, &other) in path.iter().zip(back.iter().rev()) {
                near.pairs.insert(node, other, BETWEEN);
            }
            for (&node, &other) in path.iter().zip(back.iter().rev().skip(1)) {
                near.pairs.insert(node, other, AROUND);
            }
        }
        near
    }

    /// Returns true if a forward path and a backward path through a piece meet with at most one edit between them.
    fn meets(&self, ahead: &[u32], forward: usize, behind: &[u32], back: usize, length: usize) -> bool {
        let node = |nodes: &[u32], steps: usize| nodes.get(steps).copied();
        let pair = |steps: usize, rest: usize, kind: bool| {
            if steps > forward || rest > back {
                return false;
            }
            match (node(ahead, steps), node(behind, rest)) {
                (Some(a), Some(b)) => self.pairs.contains(a, b, kind),
                _ => false,
            }
        };
        let first = (length - 1).saturating_sub(back);
        (first..=forward.min(length)).any(|steps| {
            let rest = length - steps;
            // One letter of the piece is another one in the word, or is not in it; or one of the word is left out.
            (rest > 0 && (pair(steps, rest - 1, AROUND) || pair(steps, rest - 1, BETWEEN)))
                || pair(steps, rest, AROUND)
        })
    }
}

/// Goes down a trie, writes down the nodes, and says how many steps it went.
#[inline]
fn walk<'a>(trie: &Trie, letters: impl Iterator<Item = &'a u16>, nodes: &mut [u32]) -> usize {
    let (mut node, mut steps) = (ROOT, 0);
    let mut slots = nodes.iter_mut();
    if let Some(root) = slots.next() {
        *root = ROOT;
    }
    for (&letter, slot) in letters.zip(slots) {
        match trie.step(node, letter) {
            Some(to) => node = to,
            None => break,
        }
        *slot = node;
        steps += 1;
    }
    steps
}

/// The numbers of the ASCII letters under a table.
#[derive(Clone, Debug)]
pub(crate) struct Quick([u16; 256]);

/// The numbers of a candidate's letters, on the stack; wiped when dropped.
pub(crate) struct Numbers {
    numbers: [u16; MAX_FOLDED],
    len: usize,
}

impl Numbers {
    /// Room for the numbers of a candidate of so many characters.
    #[inline]
    pub(crate) fn new(chars: usize) -> Self {
        Self { numbers: [0; MAX_FOLDED], len: chars.min(MAX_FOLDED) }
    }

    #[inline]
    pub(crate) fn get(&self) -> &[u16] {
        self.numbers.get(..self.len).unwrap_or_default()
    }
}

impl Drop for Numbers {
    fn drop(&mut self) {
        if let Some(used) = self.numbers.get_mut(..self.len) {
            used.zeroize();
        }
    }
}

/// Rows of nodes: on the stack for a password of usual length, else in memory of their own.
#[allow(clippy::large_enum_variant)] // that is the point
enum Nodes {
    Few([u32; FEW]),
    Many(Vec<u32>),
}

const FEW: usize = 640;

impl Nodes {
    fn new(size: usize) -> Self {
        if size <= FEW { Self::Few([ROOT; FEW]) } else { Self::Many(vec![ROOT; size]) }
    }

    fn row(&mut self, row: usize, width: usize) -> Option<&mut [u32]> {
        let nodes = match self {
            Self::Few(nodes) => nodes.as_mut_slice(),
            Self::Many(nodes) => nodes.as_mut_slice(),
        };
        nodes.get_mut(row * width..(row + 1) * width)
    }
}

/// Numbers the letters that occur in words, beginning with one; all others are zero.
#[derive(Clone, Debug)]
struct Alphabet {
    ascii: [u16; 128],
    /// The letters that are not ASCII, sorted.
    others: Vec<char>,
}

/// The first number of a letter that is not ASCII.
const FOREIGN: u16 = 129;

impl Alphabet {
    fn new(words: &[Vec<char>]) -> Self {
        let (mut ascii, mut others) = ([0_u16; 128], Vec::new());
        for &letter in words.iter().flatten() {
            match ascii.get_mut(letter as usize) {
                #[allow(clippy::cast_possible_truncation)] // ASCII
                Some(slot) => *slot = letter as u16 + 1,
                None => others.push(letter),
            }
        }
        others.sort_unstable();
        others.dedup();
        Self { ascii, others }
    }

    /// Letters beyond what 16 bits can number are taken as if they were in no word: there are not that many.
    #[inline]
    fn number(&self, letter: char) -> u16 {
        match self.ascii.get(letter as usize) {
            Some(&number) => number,
            None => self.foreign(letter),
        }
    }

    fn foreign(&self, letter: char) -> u16 {
        let place = self.others.binary_search(&letter).ok();
        place.and_then(|place| u16::try_from(place).ok()).map_or(0, |place| place.saturating_add(FOREIGN))
    }
}
