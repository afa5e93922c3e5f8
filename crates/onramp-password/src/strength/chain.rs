//! Words around the account that stand in a row: whoever knows one of them knows the others, too.

use alloc::vec::Vec;

use super::MAX_CHARS;
use super::found::{Found, Kind};
use super::text::Text;

/// The number of characters that may stand between two words.
const SEPARATORS: usize = 3;
/// The guesses for a separator.
const SEPARATOR: f64 = 10.0;

/// The words that end at one place, with those before them.
#[derive(Clone, Copy)]
struct Chain {
    start: u16,
    count: u16,
    /// The guesses of the words, one after the other.
    product: f64,
}

/// The longest row of words that ends at each position.
pub(super) struct Chains {
    ends: Vec<Option<Chain>>,
    origin: usize,
}

impl Chains {
    pub(super) fn with_capacity() -> Self {
        Self { ends: Vec::with_capacity(MAX_CHARS + 1), origin: 0 }
    }

    pub(super) fn start(&mut self, start: usize, end: usize) {
        self.origin = start;
        self.ends.clear();
        self.ends.resize(end - start + 1, None);
    }

    /// Takes a word in; the row that it ends, if it is not the only word of it. Words come in the order of their places.
    pub(super) fn add(&mut self, text: &Text, word: &Found) -> Option<Found> {
        let at = usize::from(word.start);
        let alone = Chain { start: word.start, count: 1, product: word.guesses };
        let chain = (0..=SEPARATORS).find_map(|gap| {
            let end = at.checked_sub(gap).filter(|&end| end >= self.origin)?;
            let before = self.ends.get(end - self.origin).copied().flatten()?;
            let separated = (end..at).all(|at| !text.char(at).is_alphanumeric());
            let price = if gap == 0 { 1.0 } else { SEPARATOR };
            let product = before.product * price * word.guesses;
            separated.then_some(Chain { start: before.start, count: before.count + 1, product })
        });
        let chain = chain.unwrap_or(alone);
        let slot = self.ends.get_mut(usize::from(word.end) - self.origin)?;
        let better = |known: &Chain| (chain.start, chain.guesses()) < (known.start, known.guesses());
        if slot.as_ref().is_none_or(better) {
            *slot = Some(chain);
        }
        (chain.count > 1).then(|| Found { start: chain.start, guesses: chain.guesses(), ..*word })
    }

    /// Returns true if a word belongs in a row: it is one of the words around the account.
    pub(super) fn takes(kind: Kind) -> bool {
        matches!(kind, Kind::Word { list: super::ListKind::Context, .. })
    }
}

impl Chain {
    /// Returns the guesses for the words in any order.
    fn guesses(&self) -> f64 {
        (1..=self.count).fold(self.product, |guesses, number| guesses * f64::from(number))
    }
}
