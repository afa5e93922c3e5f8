//! Character classes, as Active Directory and as Entra sort them.

use alloc::vec::Vec;
use core::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

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
    /// Every class, in order.
    pub const ALL: [Self; 5] = [Self::Upper, Self::Lower, Self::Digit, Self::Symbol, Self::OtherLetter];

    /// Returns the class in which Active Directory counts a character, if it counts it at all.
    ///
    /// \[MS-SAMR\] prints the ASCII letters as 0x41–0x56 and 0x62–0x7A, which would leave out `W` to `Z` and `a`;
    /// Windows counts them, and so does this. Windows sorts UTF-16 units one by one, and half a surrogate pair is no
    /// letter, so that characters outside the basic plane count for nothing.
    pub(crate) fn on_premises(c: char) -> Option<Self> {
        match c {
            'a'..='z' => Some(Self::Lower),
            'A'..='Z' => Some(Self::Upper),
            '0'..='9' => Some(Self::Digit),
            c if c.is_ascii() => c.is_ascii_punctuation().then_some(Self::Symbol),
            c if u32::from(c) > 0xFFFF => None,
            c if c.is_uppercase() => Some(Self::Upper),
            c if c.is_lowercase() => Some(Self::Lower),
            c if c.is_alphabetic() => Some(Self::OtherLetter),
            _ => None,
        }
    }

    /// Returns the class in which Entra counts a character, if it counts it at all.
    pub(crate) fn in_cloud(c: char) -> Option<Self> {
        if c.is_ascii() { Self::on_premises(c) } else { None }
    }

    /// Returns the class in a rule that knows four classes and counts every other character as a symbol.
    pub(crate) fn of_four(c: char) -> Self {
        match c {
            c if c.is_uppercase() => Self::Upper,
            c if c.is_lowercase() => Self::Lower,
            c if c.is_numeric() => Self::Digit,
            _ => Self::Symbol,
        }
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

/// A set of classes, in serde a list of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Classes(u8);

impl Classes {
    /// No class.
    pub const NONE: Self = Self(0);
    /// The four classes of ASCII.
    pub const FOUR: Self = Self(0b1111);
    /// The five classes of Active Directory.
    pub const FIVE: Self = Self(0b1_1111);

    /// Returns the set of these classes.
    #[must_use]
    pub fn of<I: IntoIterator<Item = CharacterClass>>(classes: I) -> Self {
        classes.into_iter().fold(Self::NONE, |set, class| set.with(Some(class)))
    }

    /// Returns true if a class is in the set.
    #[must_use]
    pub fn contains(self, class: CharacterClass) -> bool {
        self.0 & 1 << class as u8 != 0
    }

    /// Returns the number of classes in the set.
    #[must_use]
    pub fn count(self) -> u32 {
        self.0.count_ones()
    }

    /// Returns true if the set is empty.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Returns the classes of the set, in order.
    pub fn iter(self) -> impl Iterator<Item = CharacterClass> {
        CharacterClass::ALL.into_iter().filter(move |&class| self.contains(class))
    }

    pub(crate) const fn from_bits(bits: u8) -> Self {
        Self(bits & Self::FIVE.0)
    }

    pub(crate) fn with(self, class: Option<CharacterClass>) -> Self {
        class.map_or(self, |class| Self(self.0 | 1 << class as u8))
    }

    /// Returns true if every class of this set is in the other one.
    pub(crate) fn is_part_of(self, other: Self) -> bool {
        other.missing_of(self).is_empty()
    }

    /// Returns the set without one class.
    pub(crate) fn without(self, class: CharacterClass) -> Self {
        Self(self.0 & !(1 << class as u8))
    }

    /// Returns the classes of `all` that are not in this set.
    pub(crate) fn missing_of(self, all: Self) -> Self {
        Self(all.0 & !self.0)
    }
}

impl Serialize for Classes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl<'de> Deserialize<'de> for Classes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self::of(Vec::<CharacterClass>::deserialize(deserializer)?))
    }
}
