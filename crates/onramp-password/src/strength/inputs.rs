//! The words around an account.

use super::dictionary::Dictionary;
use super::{DictionaryBuilder, ListKind};

/// The shortest part of a word of the caller that counts by itself.
const MIN_PART: usize = 3;

/// Words that an attacker of this account tries first: its names, its address, its organisation.
///
/// Made once per account; looking for them costs an estimate nothing but the time.
#[derive(Clone, Debug)]
pub struct Inputs(Dictionary);

impl Inputs {
    /// No words.
    #[must_use]
    pub fn none() -> Self {
        Self(Dictionary::empty())
    }

    /// Words in the order in which an attacker would try them, as zxcvbn takes its user inputs.
    ///
    /// Words of more than 255 bytes are left out: no candidate of 256 characters is one.
    #[must_use]
    pub fn new<W: AsRef<str>>(words: impl IntoIterator<Item = W>) -> Self {
        let words = (1..).zip(words).filter(|(_, word)| fits(word.as_ref()));
        let builder = DictionaryBuilder::new().with_ranked(ListKind::Context, words);
        Self(builder.build().unwrap_or_else(|_| Dictionary::empty()))
    }

    /// The same, and the parts of the words: `erin.hagens@contoso.com` is also `erin`, `hagens` and `contoso`. A part
    /// has the rank of its word, and three letters or more.
    #[must_use]
    pub fn with_parts<W: AsRef<str>>(words: impl IntoIterator<Item = W>) -> Self {
        let mut ranked = alloc::vec::Vec::new();
        for (rank, word) in (1..).zip(words) {
            let word = word.as_ref();
            let parts = word
                .split(|c: char| !c.is_alphanumeric())
                .filter(|part| part.chars().nth(MIN_PART - 1).is_some() && part.len() < word.len());
            let parts = core::iter::once(word).chain(parts).filter(|part| fits(part));
            ranked.extend(parts.map(|part| (rank, alloc::string::String::from(part))));
        }
        let builder = DictionaryBuilder::new().with_ranked(ListKind::Context, ranked);
        Self(builder.build().unwrap_or_else(|_| Dictionary::empty()))
    }

    pub(super) fn dictionary(&self) -> &Dictionary {
        &self.0
    }
}

impl Default for Inputs {
    fn default() -> Self {
        Self::none()
    }
}

/// Lower case can take half as many bytes again.
fn fits(word: &str) -> bool {
    word.len() <= 160 || word.chars().map(|c| super::text::lower(c).len_utf8()).sum::<usize>() <= 255
}
