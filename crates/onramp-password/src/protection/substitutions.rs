//! Which characters stand for others.

use serde::{Deserialize, Serialize};

/// A table of single-character substitutions, applied after lower-casing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Substitutions(Vec<(char, char)>);

impl Substitutions {
    /// A table of your own: each pair is a character and what it stands for.
    #[must_use]
    pub fn new<I: IntoIterator<Item = (char, char)>>(pairs: I) -> Self {
        Self(pairs.into_iter().collect())
    }

    /// The four that Microsoft publishes as examples.
    #[must_use]
    pub fn documented() -> Self {
        Self::new([('0', 'o'), ('1', 'l'), ('$', 's'), ('@', 'a')])
    }

    /// The documented ones and what the agent on a domain controller was seen to do beyond them.
    #[must_use]
    pub fn observed() -> Self {
        Self::documented().merged(&Self::new([('2', 'z')]))
    }

    /// Everything anybody has reported, and the look-alikes of `i` and `l` taken as one.
    #[must_use]
    pub fn strictest() -> Self {
        Self::observed().merged(&Self::new([
            ('3', 'e'),
            ('4', 'a'),
            ('5', 's'),
            ('6', 'g'),
            ('7', 't'),
            ('8', 'b'),
            ('9', 'g'),
            ('!', 'l'),
            ('|', 'l'),
            ('i', 'l'),
            ('(', 'c'),
        ]))
    }

    /// This table, coarsened by another: whatever either takes as the same, the result takes as the same.
    #[must_use]
    pub fn merged(mut self, other: &Self) -> Self {
        for &(from, to) in &other.0 {
            let (from, to) = (self.normalise(from), self.normalise(to));
            if from != to {
                for pair in self.0.iter_mut().filter(|pair| pair.1 == from) {
                    pair.1 = to;
                }
                self.0.push((from, to));
            }
        }
        self
    }

    /// Lower-cases one character and applies the table.
    #[must_use]
    pub fn normalise(&self, c: char) -> char {
        // A character that turns into several when lower-cased keeps the first, so that positions stay the same.
        let lower = c.to_lowercase().next().unwrap_or(c);
        self.0.iter().find(|&&(from, _)| from == lower).map_or(lower, |&(_, to)| to)
    }
}
