//! Warnings and suggestions for the person who chose the password, as codes.

use serde::{Deserialize, Serialize};

/// The reason that the password is easy to guess. The serialized names are stable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Warning {
    /// A row of keys, such as `asdfgh`.
    KeyboardRow,
    /// A short walk over neighbouring keys.
    KeyboardPattern,
    /// One character several times.
    RepeatedCharacter,
    /// A piece several times.
    RepeatedPiece,
    /// A sequence such as `abc` or `6543`.
    Sequence,
    /// A year not long ago.
    RecentYear,
    /// A date.
    Date,
    /// One of the ten most frequent passwords.
    Top10Password,
    /// One of the hundred most frequent passwords.
    Top100Password,
    /// One of the frequent passwords.
    CommonPassword,
    /// Close to one of the frequent passwords.
    LikeCommonPassword,
    /// A single word.
    SingleWord,
    /// A single name.
    SingleName,
    /// Names.
    CommonName,
    /// A word that the caller or the account's context gave.
    ContextWord,
}

impl Warning {
    /// Returns the stable name, as serialised.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::KeyboardRow => "keyboard_row",
            Self::KeyboardPattern => "keyboard_pattern",
            Self::RepeatedCharacter => "repeated_character",
            Self::RepeatedPiece => "repeated_piece",
            Self::Sequence => "sequence",
            Self::RecentYear => "recent_year",
            Self::Date => "date",
            Self::Top10Password => "top10_password",
            Self::Top100Password => "top100_password",
            Self::CommonPassword => "common_password",
            Self::LikeCommonPassword => "like_common_password",
            Self::SingleWord => "single_word",
            Self::SingleName => "single_name",
            Self::CommonName => "common_name",
            Self::ContextWord => "context_word",
        }
    }
}

/// A suggestion for a better password. The serialized names are stable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Suggestion {
    /// Use several words that do not belong together.
    UseSeveralWords,
    /// Symbols, digits and capitals are not what makes a password strong.
    NoNeedForSymbols,
    /// Add another word or two, better uncommon ones.
    AddAnotherWord,
    /// A capital at the beginning does not help much.
    CapitalsDoNotHelp,
    /// All capitals are guessed almost as easily as none.
    AllCapitalsDoNotHelp,
    /// A word backwards is guessed almost as easily.
    ReversingDoesNotHelp,
    /// Replacements such as `@` for `a` are known.
    SubstitutionsDoNotHelp,
    /// Take a longer way over the keyboard, with more turns.
    UseLongerKeyboardPattern,
    /// Do not repeat words and characters.
    AvoidRepeats,
    /// Do not use sequences.
    AvoidSequences,
    /// Do not use recent years, nor years that have to do with you.
    AvoidYears,
    /// Do not use dates that have to do with you.
    AvoidDates,
    /// Do not use your own names and words.
    AvoidContextWords,
}

impl Suggestion {
    /// All of them, in the order in which they are given.
    const ALL: [Self; 13] = [
        Self::UseSeveralWords,
        Self::NoNeedForSymbols,
        Self::AddAnotherWord,
        Self::CapitalsDoNotHelp,
        Self::AllCapitalsDoNotHelp,
        Self::ReversingDoesNotHelp,
        Self::SubstitutionsDoNotHelp,
        Self::UseLongerKeyboardPattern,
        Self::AvoidRepeats,
        Self::AvoidSequences,
        Self::AvoidYears,
        Self::AvoidDates,
        Self::AvoidContextWords,
    ];

    /// Returns the stable name, as serialised.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UseSeveralWords => "use_several_words",
            Self::NoNeedForSymbols => "no_need_for_symbols",
            Self::AddAnotherWord => "add_another_word",
            Self::CapitalsDoNotHelp => "capitals_do_not_help",
            Self::AllCapitalsDoNotHelp => "all_capitals_do_not_help",
            Self::ReversingDoesNotHelp => "reversing_does_not_help",
            Self::SubstitutionsDoNotHelp => "substitutions_do_not_help",
            Self::UseLongerKeyboardPattern => "use_longer_keyboard_pattern",
            Self::AvoidRepeats => "avoid_repeats",
            Self::AvoidSequences => "avoid_sequences",
            Self::AvoidYears => "avoid_years",
            Self::AvoidDates => "avoid_dates",
            Self::AvoidContextWords => "avoid_context_words",
        }
    }
}

/// A set of suggestions.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Suggestions(u16);

impl Suggestions {
    /// Returns the suggestions, the most general first.
    pub fn iter(self) -> impl Iterator<Item = Suggestion> {
        Suggestion::ALL.into_iter().filter(move |suggestion| self.contains(*suggestion))
    }

    /// Returns true if the suggestion is given.
    #[must_use]
    pub fn contains(self, suggestion: Suggestion) -> bool {
        self.0 & (1 << suggestion as u16) != 0
    }

    /// Returns true if nothing is suggested: the password is good.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub(super) fn add(&mut self, suggestion: Suggestion) {
        self.0 |= 1 << suggestion as u16;
    }
}

impl FromIterator<Suggestion> for Suggestions {
    fn from_iter<I: IntoIterator<Item = Suggestion>>(iter: I) -> Self {
        let mut suggestions = Self::default();
        iter.into_iter().for_each(|suggestion| suggestions.add(suggestion));
        suggestions
    }
}

impl core::fmt::Debug for Suggestions {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

impl Serialize for Suggestions {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl<'de> Deserialize<'de> for Suggestions {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(alloc::vec::Vec::<Suggestion>::deserialize(deserializer)?.into_iter().collect())
    }
}
