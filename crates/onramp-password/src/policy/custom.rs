//! Rules of an organization's own: lengths, classes, runs and words, without regular expressions.

use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::class::Classes;
use crate::protection::Substitutions;

/// Rules of your own. What is absent demands nothing.
///
/// A banned list of your own goes here, into [`CustomPolicy::words`], and only here: see
/// [`Policy::with_own_banned_list`](crate::Policy::with_own_banned_list).
///
/// Lengths count code points after NFC. Classes are the four of ASCII; every other character counts as an upper-case or
/// lower-case letter, a digit or a symbol by what Unicode says of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct CustomPolicy {
    /// The fewest characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_length: Option<u16>,
    /// The most characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_length: Option<u16>,
    /// The required number of the four classes.
    pub required_classes: u8,
    /// The classes that are needed by name.
    pub require: Classes,
    /// The only characters that are taken; `None` takes all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allowed: Option<String>,
    /// Characters that are not taken.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub forbidden: String,
    /// The maximum number of times that the same character may occur in a row, ignoring case.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_repeat: Option<u16>,
    /// The maximum number of consecutive letters or digits, up or down, ignoring case.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_sequence: Option<u16>,
    /// The required number of different characters, ignoring case.
    pub min_distinct: u16,
    /// A dictionary: words of three letters or more that must not be part of a password.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub words: Vec<String>,
    /// The look-alikes under which [`CustomPolicy::words`] and [`Context::words`](crate::check::Context::words) are found.
    pub substitutions: Substitutions,
}

impl CustomPolicy {
    /// Returns the policy with these lengths.
    #[must_use]
    pub fn with_lengths(mut self, min: Option<u16>, max: Option<u16>) -> Self {
        self.min_length = min;
        self.max_length = max;
        self
    }

    /// Returns the policy with this many of the four classes needed, among them these.
    #[must_use]
    pub fn with_classes(mut self, required: u8, by_name: Classes) -> Self {
        self.required_classes = required;
        self.require = by_name;
        self
    }

    /// Returns the policy with only these characters taken.
    #[must_use]
    pub fn with_allowed(mut self, characters: impl Into<String>) -> Self {
        self.allowed = Some(characters.into());
        self
    }

    /// Returns the policy with these characters not taken.
    #[must_use]
    pub fn with_forbidden(mut self, characters: impl Into<String>) -> Self {
        self.forbidden = characters.into();
        self
    }

    /// Returns the policy with at most so many equal characters, and so many that follow one another, in a row.
    #[must_use]
    pub fn with_runs(mut self, repeat: Option<u16>, sequence: Option<u16>) -> Self {
        self.max_repeat = repeat;
        self.max_sequence = sequence;
        self
    }

    /// Returns the policy with this many different characters needed.
    #[must_use]
    pub fn with_min_distinct(mut self, characters: u16) -> Self {
        self.min_distinct = characters;
        self
    }

    /// Returns the policy with these words forbidden.
    #[must_use]
    pub fn with_words<I: IntoIterator<Item = S>, S: Into<String>>(mut self, words: I) -> Self {
        self.words = words.into_iter().map(Into::into).collect();
        self
    }

    /// Returns the policy with words found under these look-alikes.
    #[must_use]
    pub fn with_substitutions(mut self, substitutions: Substitutions) -> Self {
        self.substitutions = substitutions;
        self
    }
}
