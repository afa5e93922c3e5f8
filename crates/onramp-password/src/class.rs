//! Character classes, as Active Directory and as Entra sort them.

use core::fmt;

use serde::{Deserialize, Serialize};

/// A class of characters that a complexity rule counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum CharacterClass {
    /// Upper-case letters.
    Upper,
    /// Lower-case letters.
    Lower,
    /// The digits 0 to 9.
    Digit,
    /// The punctuation of ASCII. Currency signs outside ASCII and the blank do not count.
    Symbol,
    /// Letters without case, such as Chinese ones. Active Directory only.
    OtherLetter,
}

impl CharacterClass {
    /// The class in which Active Directory counts a character, if it counts it at all.
    ///
    /// \[MS-SAMR\] prints the ASCII letters as 0x41–0x56 and 0x62–0x7A, which would leave out `W` to `Z` and `a`;
    /// Windows counts them, and so does this. Windows sorts UTF-16 units one by one, and half a surrogate pair is no
    /// letter, so that characters outside the basic plane count for nothing.
    pub(crate) fn on_premises(c: char) -> Option<Self> {
        match c {
            c if u32::from(c) > 0xFFFF => None,
            '0'..='9' => Some(Self::Digit),
            c if c.is_ascii_punctuation() => Some(Self::Symbol),
            c if c.is_uppercase() => Some(Self::Upper),
            c if c.is_lowercase() => Some(Self::Lower),
            c if c.is_alphabetic() => Some(Self::OtherLetter),
            _ => None,
        }
    }

    /// The class in which Entra counts a character, if it counts it at all.
    pub(crate) fn in_cloud(c: char) -> Option<Self> {
        if c.is_ascii() { Self::on_premises(c) } else { None }
    }
}

impl fmt::Display for CharacterClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Upper => "upper-case letters",
            Self::Lower => "lower-case letters",
            Self::Digit => "digits",
            Self::Symbol => "symbols",
            Self::OtherLetter => "letters without case",
        })
    }
}

/// A set of classes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Classes(u8);

impl Classes {
    pub(crate) const ON_PREMISES: [CharacterClass; 5] = [
        CharacterClass::Upper,
        CharacterClass::Lower,
        CharacterClass::Digit,
        CharacterClass::Symbol,
        CharacterClass::OtherLetter,
    ];
    pub(crate) const CLOUD: [CharacterClass; 4] =
        [CharacterClass::Upper, CharacterClass::Lower, CharacterClass::Digit, CharacterClass::Symbol];

    pub(crate) fn with(self, class: Option<CharacterClass>) -> Self {
        class.map_or(self, |class| Self(self.0 | 1 << class as u8))
    }

    pub(crate) fn contains(self, class: CharacterClass) -> bool {
        self.0 & 1 << class as u8 != 0
    }

    pub(crate) fn count(self) -> u32 {
        self.0.count_ones()
    }

    pub(crate) fn missing(self, all: &[CharacterClass]) -> Vec<CharacterClass> {
        all.iter().copied().filter(|&class| !self.contains(class)).collect()
    }
}
