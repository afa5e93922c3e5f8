//! Character substitutions, such as `@` for `a`.

use alloc::string::String;
use alloc::vec::Vec;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::case::fold_case;

/// A table of single-character substitutions, applied after lower-casing.
///
/// As data it is the name of a preset (`none`, `documented`, `observed_dc_agent`, `aggressive`) or a list of pairs, each
/// a character and what it stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Substitutions(Vec<(char, char)>);

const DOCUMENTED: [(char, char); 4] = [('0', 'o'), ('1', 'l'), ('$', 's'), ('@', 'a')];

const AGGRESSIVE: [(char, char); 12] = [
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
    ('+', 't'),
];

/// Letters with a mark, and the letter without it.
const MARKED: [(&str, char); 8] = [
    ("àáâãäåā", 'a'),
    ("çćč", 'c'),
    ("èéêëēę", 'e'),
    ("ìíîïī", 'i'),
    ("ñń", 'n'),
    ("òóôõöøō", 'o'),
    ("śš", 's'),
    ("ùúûüū", 'u'),
];

impl Substitutions {
    /// Creates a table of your own: each pair is a character and what it stands for.
    #[must_use]
    pub fn new<I: IntoIterator<Item = (char, char)>>(pairs: I) -> Self {
        Self(pairs.into_iter().collect())
    }

    /// No substitutions: only case is ignored.
    #[must_use]
    pub fn none() -> Self {
        Self(Vec::new())
    }

    /// Returns the four that Microsoft publishes as examples.
    #[must_use]
    pub fn documented() -> Self {
        Self::new(DOCUMENTED)
    }

    /// Returns the documented ones and what the agent on a domain controller was seen to do beyond them.
    #[must_use]
    pub fn observed_dc_agent() -> Self {
        Self::documented().merged(&Self::new([('2', 'z')]))
    }

    /// Everything anybody has reported, letters without their marks, and the look-alikes of `i` and `l` taken as one.
    #[must_use]
    pub fn aggressive() -> Self {
        let marked = MARKED.iter().flat_map(|&(marked, plain)| marked.chars().map(move |c| (c, plain)));
        Self::observed_dc_agent().merged(&Self::new(marked)).merged(&Self::new(AGGRESSIVE))
    }

    /// A preset by the name that it has as data.
    #[must_use]
    pub fn preset(name: &str) -> Option<Self> {
        match name {
            "none" => Some(Self::none()),
            "documented" => Some(Self::documented()),
            "observed_dc_agent" => Some(Self::observed_dc_agent()),
            "aggressive" => Some(Self::aggressive()),
            _ => None,
        }
    }

    /// This table, coarsened by another: whatever either takes as the same, the result takes as the same.
    #[must_use]
    pub fn merged(mut self, other: &Self) -> Self {
        for &(from, to) in &other.0 {
            let (from, to) = (self.normalize(from), self.normalize(to));
            if from != to {
                for pair in self.0.iter_mut().filter(|pair| pair.1 == from) {
                    pair.1 = to;
                }
                self.0.push((from, to));
            }
        }
        self
    }

    /// Lower-cases one character and applies the table. A character whose lower case is several stays as it is, so
    /// that places stay the same.
    #[must_use]
    pub fn normalize(&self, c: char) -> char {
        let lower = fold_case(c);
        self.0.iter().find(|&&(from, _)| from == lower).map_or(lower, |&(_, to)| to)
    }

    pub(crate) fn pairs(&self) -> &[(char, char)] {
        &self.0
    }
}

/// The documented table.
impl Default for Substitutions {
    fn default() -> Self {
        Self::documented()
    }
}

const PRESETS: [&str; 4] = ["none", "documented", "observed_dc_agent", "aggressive"];

impl Serialize for Substitutions {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match PRESETS.into_iter().find(|name| Self::preset(name).as_ref() == Some(self)) {
            Some(name) => serializer.serialize_str(name),
            None => self.0.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Substitutions {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(
            untagged,
            expecting = "the name of a table of substitutions, or a list of pairs of characters"
        )]
        enum Written {
            Preset(String),
            Pairs(Vec<(char, char)>),
        }
        match Written::deserialize(deserializer)? {
            Written::Preset(name) => {
                Self::preset(&name).ok_or_else(|| D::Error::unknown_variant(&name, &PRESETS))
            }
            Written::Pairs(pairs) => Ok(Self(pairs)),
        }
    }
}
