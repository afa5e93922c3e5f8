//! The words of a verdict: who demands, what kind of demand, which name.

use core::fmt;

use serde::{Deserialize, Serialize};

/// The kind of a violated requirement. The serialized names are stable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Code {
    /// Shorter than the minimum. `found` and `limit` count UTF-16 units for Active Directory and Lithnet, characters
    /// for Entra, code points after NFC for the others.
    TooShort,
    /// Longer than the maximum, counted alike.
    TooLong,
    /// Too few character classes: `found` of the `limit` needed; `missing` names the others.
    TooFewClasses,
    /// Classes that are demanded by name and absent: `missing` names them.
    ClassMissing,
    /// Characters that the target does not take, at the spans.
    CharacterNotAllowed,
    /// A name of the account is part of the password, at the spans; `name` says which.
    ContainsName,
    /// A forbidden word is part of the password, at the spans.
    ContainsWord,
    /// As a whole a banned word, or (with Entra Password Protection) one edit away from one.
    BannedWord,
    /// Banned words, at the spans, leave too few points: `found` of the `limit` needed. Without a banned word, a
    /// candidate with too few points is [`Code::TooShort`], or under the conservative interpretation [`Code::TooFewDistinct`].
    ScoreTooLow,
    /// Too few complexity points: `found` of the `limit` needed.
    TooFewPoints,
    /// As a whole on the list of common and expected passwords.
    Blocklisted,
    /// Known from a breach.
    Breached,
    /// One of the former passwords; `limit` is how many are remembered, when that is known.
    Reused,
    /// The same character too often in a row, at the spans: `found` times, `limit` allowed.
    Repeated,
    /// Characters that follow one another, at the spans: `found` in a row, `limit` allowed.
    Sequence,
    /// Too few different characters: `found` of the `limit` needed.
    TooFewDistinct,
}

impl Code {
    /// Every code.
    pub const ALL: [Self; 16] = [
        Self::TooShort,
        Self::TooLong,
        Self::TooFewClasses,
        Self::ClassMissing,
        Self::CharacterNotAllowed,
        Self::ContainsName,
        Self::ContainsWord,
        Self::BannedWord,
        Self::ScoreTooLow,
        Self::TooFewPoints,
        Self::Blocklisted,
        Self::Breached,
        Self::Reused,
        Self::Repeated,
        Self::Sequence,
        Self::TooFewDistinct,
    ];

    /// Returns the stable name, as serialized.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TooShort => "too_short",
            Self::TooLong => "too_long",
            Self::TooFewClasses => "too_few_classes",
            Self::ClassMissing => "class_missing",
            Self::CharacterNotAllowed => "character_not_allowed",
            Self::ContainsName => "contains_name",
            Self::ContainsWord => "contains_word",
            Self::BannedWord => "banned_word",
            Self::ScoreTooLow => "score_too_low",
            Self::TooFewPoints => "too_few_points",
            Self::Blocklisted => "blocklisted",
            Self::Breached => "breached",
            Self::Reused => "reused",
            Self::Repeated => "repeated",
            Self::Sequence => "sequence",
            Self::TooFewDistinct => "too_few_distinct",
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The source of a name or word in a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum NameSource {
    /// The account name.
    AccountName,
    /// A piece of the display name.
    DisplayName,
    /// The given name or the surname.
    PersonName,
    /// The name of the tenant.
    TenantName,
    /// A word that the caller forbids.
    Word,
}

impl NameSource {
    /// Every source.
    pub const ALL: [Self; 5] =
        [Self::AccountName, Self::DisplayName, Self::PersonName, Self::TenantName, Self::Word];

    /// Returns the stable name, as serialized.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AccountName => "account_name",
            Self::DisplayName => "display_name",
            Self::PersonName => "person_name",
            Self::TenantName => "tenant_name",
            Self::Word => "word",
        }
    }
}

impl fmt::Display for NameSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AccountName => "the account name",
            Self::DisplayName => "a part of the display name",
            Self::PersonName => "the given name or surname",
            Self::TenantName => "the tenant name",
            Self::Word => "a forbidden word",
        })
    }
}
