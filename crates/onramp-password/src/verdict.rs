//! What is wrong with a candidate, without its text.

use core::fmt;

use serde::{Deserialize, Serialize};

use crate::CharacterClass;

/// Who makes a demand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Target {
    /// The domain controllers.
    OnPremises,
    /// Entra.
    Cloud,
    /// The caller, through [`Context::words`](crate::Context::words).
    Caller,
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OnPremises => "Active Directory",
            Self::Cloud => "Entra",
            Self::Caller => "the caller",
        })
    }
}

/// What kind of demand was not met. The serialised names are stable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Code {
    /// Shorter than the minimum. `found` and `limit` count UTF-16 units on premises, characters in the cloud.
    TooShort,
    /// Longer than the maximum, counted alike.
    TooLong,
    /// Too few character classes: `found` of the `limit` needed; `missing` names the others.
    TooFewClasses,
    /// Characters that the directory does not take, at the spans.
    CharacterNotAllowed,
    /// A name or word is part of the password, at the spans; `name` says which.
    ContainsName,
    /// As a whole at most one edit away from a banned word.
    BannedWord,
    /// Banned words, at the spans, leave too few points: `found` of the `limit` needed.
    ScoreTooLow,
}

impl Code {
    /// The stable name, as serialised.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TooShort => "too_short",
            Self::TooLong => "too_long",
            Self::TooFewClasses => "too_few_classes",
            Self::CharacterNotAllowed => "character_not_allowed",
            Self::ContainsName => "contains_name",
            Self::BannedWord => "banned_word",
            Self::ScoreTooLow => "score_too_low",
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Which name a password contains.
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

/// A piece of the candidate: byte offsets on character boundaries, the end not included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Span {
    /// The first byte.
    pub start: usize,
    /// The byte after the last.
    pub end: usize,
}

/// One demand that is not met.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Violation {
    /// Who makes the demand.
    pub target: Target,
    /// What kind of demand.
    pub code: Code,
    /// What was counted, for codes that count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found: Option<u32>,
    /// What is demanded, for codes that count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// Which name, for [`Code::ContainsName`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<NameSource>,
    /// Which classes are absent, for [`Code::TooFewClasses`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<CharacterClass>,
    /// Where in the candidate.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub spans: Vec<Span>,
}

impl Violation {
    pub(crate) fn new(target: Target, code: Code) -> Self {
        Self { target, code, found: None, limit: None, name: None, missing: Vec::new(), spans: Vec::new() }
    }

    pub(crate) fn counted(mut self, found: usize, limit: usize) -> Self {
        self.found = u32::try_from(found).ok();
        self.limit = u32::try_from(limit).ok();
        self
    }

    pub(crate) fn at(mut self, spans: Vec<Span>) -> Self {
        self.spans = spans;
        self
    }

    pub(crate) fn named(mut self, name: NameSource) -> Self {
        self.name = Some(name);
        self
    }

    pub(crate) fn missing(mut self, classes: Vec<CharacterClass>) -> Self {
        self.missing = classes;
        self
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (target, found, limit) = (self.target, self.found.unwrap_or(0), self.limit.unwrap_or(0));
        match self.code {
            Code::TooShort => write!(f, "{target}: too short, {found} of at least {limit}"),
            Code::TooLong => write!(f, "{target}: too long, {found} of at most {limit}"),
            Code::TooFewClasses => {
                write!(f, "{target}: {found} of the {limit} character classes needed; add one of")?;
                for (index, class) in self.missing.iter().enumerate() {
                    write!(f, "{} {class}", if index == 0 { "" } else { "," })?;
                }
                Ok(())
            }
            Code::CharacterNotAllowed => {
                write!(f, "{target}: takes only printable ASCII characters and the blank")
            }
            Code::ContainsName => match self.name {
                Some(name) => write!(f, "{target}: contains {name}"),
                None => write!(f, "{target}: contains a name"),
            },
            Code::BannedWord => write!(f, "{target}: is a banned word, or one edit away from it"),
            Code::ScoreTooLow => {
                write!(
                    f,
                    "{target}: {found} of the {limit} points needed, because it is made of banned words"
                )
            }
        }
    }
}

/// Everything that is wrong with one candidate.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Verdict {
    /// The demands that are not met, those of the domain controllers first.
    pub violations: Vec<Violation>,
}

impl Verdict {
    /// Whether every demand of everybody is met.
    #[must_use]
    pub fn is_accepted(&self) -> bool {
        self.violations.is_empty()
    }

    /// Whether this directory's demands are met.
    #[must_use]
    pub fn accepted_by(&self, target: Target) -> bool {
        self.violations_for(target).next().is_none()
    }

    /// The demands of one directory that are not met.
    pub fn violations_for(&self, target: Target) -> impl Iterator<Item = &Violation> {
        self.violations.iter().filter(move |violation| violation.target == target)
    }
}
