//! What an estimate says.

use core::fmt;

use serde::{Deserialize, Serialize};

use super::{Suggestions, Warning};
use crate::verdict::Span;

/// How hard a candidate is to guess.
///
/// It does not hold the candidate, but it is about it: few guesses mean that one of few passwords was chosen, so treat
/// the figures of a password in use as a secret, too.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Strength {
    /// How many guesses an attacker needs who knows how people choose passwords; at least 1.
    pub guesses: f64,
    /// The same as power of ten.
    pub guesses_log10: f64,
    /// The same on a scale.
    pub score: Score,
    /// Whether only the first [`MAX_CHARS`](super::MAX_CHARS) characters were looked at. The others can only add to
    /// the guesses that an attacker needs.
    pub partial: bool,
    /// What makes the candidate easy to guess, if the score is below 3 and it is known.
    pub warning: Option<Warning>,
    /// What to do about it, if the score is below 3.
    pub suggestions: Suggestions,
}

impl Strength {
    /// How long an attack takes, in seconds.
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

/// Who guesses, and how fast. The speeds are those of zxcvbn.
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
    /// How many guesses this attacker makes in a second.
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
    /// Where it is.
    pub span: Span,
    /// What it is.
    pub pattern: Pattern,
    /// How many guesses the piece needs, as power of ten.
    pub guesses_log10: f64,
}

/// What a piece of a candidate was taken for. Never the piece itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Pattern {
    /// Nothing known: every character must be tried.
    BruteForce,
    /// A word.
    Word {
        /// The list that holds it.
        list: ListKind,
        /// Whether characters stand for letters, such as `@` for `a`.
        leet: bool,
        /// Whether it is written backwards.
        reversed: bool,
    },
    /// Neighbouring keys in one direction.
    KeyboardRow,
    /// Neighbouring keys with turns.
    KeyboardPattern,
    /// The same piece several times.
    Repeat {
        /// How many characters the piece has.
        period: u16,
    },
    /// Characters at equal distances.
    Sequence,
    /// A year from 1900 to 2099.
    RecentYear,
    /// A date.
    Date,
}

/// What kind of words a list holds.
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
