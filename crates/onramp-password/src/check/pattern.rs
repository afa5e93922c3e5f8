//! Names and words of one account to look for in a candidate, letter by letter, without copying the candidate.

use alloc::vec::Vec;

use crate::target::Target;
use crate::text::{Fold, Text};
use crate::verdict::{NameSource, Spans};

/// A name or word that must not be part of a password.
#[derive(Clone, Debug)]
pub(crate) struct Pattern {
    pub(crate) target: Target,
    pub(crate) source: NameSource,
    /// Folded by the table of its haystack.
    letters: Vec<char>,
}

impl Pattern {
    /// A pattern, unless the word has fewer than `min_length` UTF-16 units and is therefore not looked for.
    pub(crate) fn new(
        target: Target,
        source: NameSource,
        word: &str,
        min_length: usize,
        fold: &Fold,
    ) -> Option<Self> {
        let long_enough = word.encode_utf16().count() >= min_length.max(1);
        long_enough.then(|| Self { target, source, letters: fold.fold_word(word) })
    }

    pub(crate) fn letters(&self) -> &[char] {
        &self.letters
    }

    fn key(&self) -> (Target, NameSource) {
        (self.target, self.source)
    }
}

/// Patterns that are looked for under one table.
#[derive(Clone, Debug, Default)]
pub(crate) struct Patterns {
    /// The patterns, sorted by target and source.
    all: Vec<Pattern>,
}

impl Patterns {
    pub(crate) fn new(mut all: Vec<Pattern>) -> Self {
        all.sort_by_key(Pattern::key);
        Self { all }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Pattern> {
        self.all.iter()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Every place where the patterns of one target and source stand in the candidate; places may overlap.
    #[inline]
    pub(crate) fn find(
        &self,
        text: &Text<'_>,
        haystack: Haystack<'_>,
        mut found: impl FnMut(Target, NameSource, Spans),
    ) {
        let mut rest = self.all.as_slice();
        while let Some(first) = rest.first() {
            let together = rest.iter().take_while(|pattern| pattern.key() == first.key()).count();
            let (group, others) = rest.split_at(together.min(rest.len()));
            let spans = haystack.find(text, group);
            if !spans.is_empty() {
                found(first.target, first.source, spans);
            }
            rest = others;
        }
    }
}

/// The text in which patterns are searched.
#[derive(Clone, Copy)]
pub(crate) enum Haystack<'a> {
    /// A candidate that was folded by their table.
    Folded(&'a [char]),
    /// A candidate that is too long for that, and their table.
    Long(&'a Fold),
}

impl Haystack<'_> {
    #[inline]
    fn find(self, text: &Text<'_>, patterns: &[Pattern]) -> Spans {
        let mut spans = Spans::NONE;
        match self {
            Self::Folded(letters) => {
                // A bit for each first letter, and for those that share it: most places are passed over at once.
                let bit = |letter: char| 1_u64 << (u32::from(letter) % u64::BITS);
                let first = patterns.iter().filter_map(|pattern| pattern.letters.first());
                let first = first.fold(0, |bits, &letter| bits | bit(letter));
                let places = letters.iter().enumerate().filter(|&(_, &letter)| first & bit(letter) != 0);
                for (at, _) in places {
                    let rest = letters.get(at..).unwrap_or_default();
                    for pattern in patterns {
                        if rest.starts_with(&pattern.letters) {
                            spans.add(text.byte(at), text.byte(at + pattern.letters.len()));
                        }
                    }
                }
            }
            Self::Long(fold) => {
                for (start, _) in text.text.char_indices() {
                    let rest = text.text.get(start..).unwrap_or_default();
                    for pattern in patterns {
                        let mut characters = rest.chars();
                        let same = |&letter: &char| characters.next().is_some_and(|c| fold.fold(c) == letter);
                        if pattern.letters.iter().all(same) {
                            spans.add(start, text.text.len() - characters.as_str().len());
                        }
                    }
                }
            }
        }
        spans
    }
}
