//! The result of an estimate.

use core::fmt;

use serde::{Deserialize, Serialize};

use super::{Suggestions, Warning};
use crate::verdict::Span;

/// The estimated strength of a candidate.
///
/// It does not hold the candidate, but it is about it: few guesses mean that one of few passwords was chosen, so treat
/// the figures of a password in use as a secret, too.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Strength {
    /// The number of guesses that an informed attacker needs; at least 1.
    pub guesses: f64,
    /// The same as power of ten.
    pub guesses_log10: f64,
    /// The same on a scale.
    pub score: Score,
    /// True if only the first [`MAX_CHARS`](super::MAX_CHARS) characters were examined. The others can only add to
    /// the guesses that an attacker needs.
    pub partial: bool,
    /// The reason that the candidate is easy to guess, if the score is below 3 and the reason is known.
    pub warning: Option<Warning>,
    /// The suggestions for a better password, if the score is below 3.
    pub suggestions: Suggestions,
}

impl Strength {
    /// Returns the duration of an attack in seconds.
    #[must_use]
    pub fn seconds(&self, attack: Attack) -> f64 {
        self.guesses / attack.guesses_per_second()
    }
}

/// The strength on a scale from 0 to 4, serialised as the number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub enum Score {
    /// Up to 10^3 guesses.
    Zero,
    /// Up to 10^6 guesses.
    One,
    /// Up to 10^8 guesses.
    Two,
    /// Up to 10^10 guesses.
    Three,
    /// More than that.
    Four,
}

impl Score {
    pub(super) fn new(guesses: f64) -> Self {
        // As in zxcvbn: room for the single guesses that a sequence adds.
        const DELTA: f64 = 5.0;
        match guesses - DELTA {
            ..1e3 => Self::Zero,
            ..1e6 => Self::One,
            ..1e8 => Self::Two,
            ..1e10 => Self::Three,
            _ => Self::Four,
        }
    }
}

impl From<Score> for u8 {
    fn from(score: Score) -> Self {
        score as Self
    }
}

impl TryFrom<u8> for Score {
    type Error = OutOfRange;

    fn try_from(score: u8) -> Result<Self, OutOfRange> {
        [Self::Zero, Self::One, Self::Two, Self::Three, Self::Four]
            .get(usize::from(score))
            .copied()
            .ok_or(OutOfRange(score))
    }
}

impl fmt::Display for Score {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        u8::from(*self).fmt(f)
    }
}

/// A number that is no score.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfRange(u8);

impl fmt::Display for OutOfRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a score is 0 to 4, not {}", self.0)
    }
}

impl core::error::Error for OutOfRange {}

/// An attack and its speed. The speeds are those of zxcvbn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Attack {
    /// Over the network, slowed down to a hundred guesses an hour.
    OnlineThrottled,
    /// Over the network, ten guesses a second.
    Online,
    /// On stolen slow hashes, ten thousand guesses a second.
    OfflineSlow,
    /// On stolen fast hashes such as NTLM, ten thousand million guesses a second.
    OfflineFast,
}

impl Attack {
    /// Returns the number of guesses per second.
    #[must_use]
    pub const fn guesses_per_second(self) -> f64 {
        match self {
            Self::OnlineThrottled => 100.0 / 3600.0,
            Self::Online => 10.0,
            Self::OfflineSlow => 1e4,
            Self::OfflineFast => 1e10,
        }
    }
}

/// A piece of the candidate, and what it was taken for.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct MatchedPattern {
    /// The place of the piece.
    pub span: Span,
    /// The pattern of the piece.
    pub pattern: Pattern,
    /// The number of guesses for the piece, as power of ten.
    pub guesses_log10: f64,
}

/// The pattern of a piece of a candidate. Never the piece itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Pattern {
    /// No known pattern: every character must be tried.
    BruteForce,
    /// A word.
    Word {
        /// The list that holds it.
        list: ListKind,
        /// True if characters stand for letters, such as `@` for `a`.
        leet: bool,
        /// True if the word is written backwards.
        reversed: bool,
    },
    /// Neighbouring keys in one direction.
    KeyboardRow,
    /// Neighbouring keys with turns.
    KeyboardPattern,
    /// The same piece several times.
    Repeat {
        /// The number of characters of the repeated piece.
        period: u16,
    },
    /// Characters at equal distances.
    Sequence,
    /// A year from 1900 to 2099.
    RecentYear,
    /// A date.
    Date,
}

/// The kind of words in a list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ListKind {
    /// Passwords that people use.
    Passwords,
    /// Words of a language.
    Words,
    /// Given names and surnames.
    Names,
    /// Words from film and television.
    Media,
    /// Words around the account: names, addresses, the organisation.
    Context,
    /// Anything else.
    #[default]
    Other,
}

impl ListKind {
    pub(super) const fn code(self) -> u8 {
        match self {
            Self::Other => 0,
            Self::Passwords => 1,
            Self::Words => 2,
            Self::Names => 3,
            Self::Media => 4,
            Self::Context => 5,
        }
    }

    pub(super) const fn from_code(code: u8) -> Self {
        match code {
            1 => Self::Passwords,
            2 => Self::Words,
            3 => Self::Names,
            4 => Self::Media,
            5 => Self::Context,
            _ => Self::Other,
        }
    }
}
