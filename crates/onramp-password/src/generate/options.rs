//! The options of the generators.

use alloc::string::String;

use serde::{Deserialize, Serialize};

/// The options of a password generator.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct GeneratorOptions {
    /// The length in characters. `None` is [`GeneratorOptions::DEFAULT_LENGTH`], or what the policy needs or allows
    /// when that is more or less.
    pub length: Option<usize>,
    /// The characters to draw from; duplicates and characters that no target would take are left out, and so is
    /// everything outside the basic plane. `None` is printable ASCII without the blank.
    pub alphabet: Option<String>,
}

impl GeneratorOptions {
    /// The length when nothing else is asked for: about 157 bits.
    pub const DEFAULT_LENGTH: usize = 24;

    /// Returns the options with this length in characters.
    #[must_use]
    pub fn with_length(mut self, characters: usize) -> Self {
        self.length = Some(characters);
        self
    }

    /// Returns the options with these characters to draw from.
    #[must_use]
    pub fn with_alphabet(mut self, characters: impl Into<String>) -> Self {
        self.alphabet = Some(characters.into());
        self
    }
}

/// The options of a passphrase generator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct PassphraseOptions {
    /// The number of words. `None` is as many as the policy and [`PassphraseOptions::DEFAULT_BITS`] need.
    pub words: Option<usize>,
    /// The separator between two words, and before the digits. `None` is a hyphen, or another character if a banned
    /// word or a name contains one.
    pub separator: Option<char>,
    /// The number of digits after the words, 0 to 4.
    pub digits: u8,
    /// True if each word begins with a capital.
    pub capitals: bool,
}

impl PassphraseOptions {
    /// The bits when no number of words is asked for: what seven words of a list of 7,776 have at most.
    pub const DEFAULT_BITS: f64 = 75.0;

    /// Returns the options with so many words.
    #[must_use]
    pub fn with_words(mut self, count: usize) -> Self {
        self.words = Some(count);
        self
    }

    /// Returns the options with this character between two words.
    #[must_use]
    pub fn with_separator(mut self, separator: char) -> Self {
        self.separator = Some(separator);
        self
    }

    /// Returns the options with so many digits at the end.
    #[must_use]
    pub fn with_digits(mut self, count: u8) -> Self {
        self.digits = count;
        self
    }

    /// Returns the options without capitals.
    #[must_use]
    pub fn without_capitals(mut self) -> Self {
        self.capitals = false;
        self
    }
}

impl Default for PassphraseOptions {
    /// `Word-Word-Word-…-42`, which has every class that a directory asks for.
    fn default() -> Self {
        Self { words: None, separator: None, digits: 2, capitals: true }
    }
}
