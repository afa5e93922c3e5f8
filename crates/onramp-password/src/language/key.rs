//! The keys of the messages.

use core::fmt;

use crate::class::CharacterClass;
use crate::target::Target;
use crate::verdict::{Advice, Code, NameSource};

/// The key of a sentence or phrase of [`Messages`](super::Messages).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Key {
    /// The sentence for a kind of violation.
    Code(Code),
    /// The name of a target.
    Target(Target),
    /// The name of a character class, in the plural.
    Class(CharacterClass),
    /// The name of a name source, as in "contains …".
    Name(NameSource),
    /// The sentence for an advice.
    Advice(Advice),
}

impl Key {
    /// Returns every key.
    pub fn all() -> impl Iterator<Item = Self> {
        let codes = Code::ALL.into_iter().map(Self::Code);
        let targets = Target::ALL.into_iter().map(Self::Target);
        let classes = CharacterClass::ALL.into_iter().map(Self::Class);
        let names = NameSource::ALL.into_iter().map(Self::Name);
        codes.chain(targets).chain(classes).chain(names).chain(Advice::ALL.into_iter().map(Self::Advice))
    }
}

/// The key as it is written in data.
impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => f.write_str(code.as_str()),
            Self::Target(target) => write!(f, "target.{}", target.as_str()),
            Self::Class(class) => f.write_str(match class {
                CharacterClass::Upper => "class.upper",
                CharacterClass::Lower => "class.lower",
                CharacterClass::Digit => "class.digit",
                CharacterClass::Symbol => "class.symbol",
                CharacterClass::OtherLetter => "class.other_letter",
            }),
            Self::Name(name) => write!(f, "name.{}", name.as_str()),
            Self::Advice(advice) => write!(f, "advice.{}", advice.as_str()),
        }
    }
}
