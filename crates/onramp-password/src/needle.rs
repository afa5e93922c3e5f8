//! Names and words to look for in a candidate, letter by letter, without copying the candidate.

use crate::{NameSource, Span, Substitutions, Target};

/// When two characters count as the same.
#[derive(Clone, Debug)]
pub(crate) enum Fold {
    /// Case does not matter.
    Case,
    /// Both are normalised as Entra Password Protection does.
    Normalised(Substitutions),
}

/// A name or word that must not be part of a password.
#[derive(Clone, Debug)]
pub(crate) struct Needle {
    pub(crate) target: Target,
    pub(crate) source: NameSource,
    letters: Vec<char>,
    fold: Fold,
}

impl Needle {
    /// A needle, unless the word has fewer than `min_length` UTF-16 units and is therefore not looked for.
    pub(crate) fn new(
        target: Target,
        source: NameSource,
        word: &str,
        min_length: usize,
        fold: Fold,
    ) -> Option<Self> {
        let long_enough = word.encode_utf16().count() >= min_length.max(1);
        long_enough.then(|| Self { target, source, letters: word.chars().collect(), fold })
    }

    pub(crate) fn len(&self) -> usize {
        self.letters.len()
    }

    /// Whether `c` can stand at this position of the word.
    pub(crate) fn accepts(&self, position: usize, c: char) -> bool {
        self.letters.get(position).is_some_and(|&letter| match &self.fold {
            Fold::Case => same_but_for_case(letter, c),
            Fold::Normalised(table) => table.normalise(letter) == table.normalise(c),
        })
    }

    /// Every place where the word stands in the candidate; places may overlap.
    pub(crate) fn find_all(&self, candidate: &str) -> Vec<Span> {
        candidate.char_indices().filter_map(|(start, _)| self.match_at(candidate, start)).collect()
    }

    fn match_at(&self, candidate: &str, start: usize) -> Option<Span> {
        let mut rest = candidate.get(start..)?.chars();
        let mut end = start;
        for position in 0..self.len() {
            let c = rest.next().filter(|&c| self.accepts(position, c))?;
            end += c.len_utf8();
        }
        Some(Span { start, end })
    }
}

/// Windows compares upper-cased characters, others lower-case them; a match in either is a match.
fn same_but_for_case(a: char, b: char) -> bool {
    a == b || a.to_uppercase().eq(b.to_uppercase()) || a.to_lowercase().eq(b.to_lowercase())
}
