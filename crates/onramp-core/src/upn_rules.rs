//! The rules of Entra for user principal names beyond their syntax.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{DomainName, Upn};

/// Longest UPN that Entra takes, in characters.
const TOTAL: usize = 113;
/// Longest prefix.
const PREFIX: usize = 64;
/// Longest suffix.
const SUFFIX: usize = 48;

/// One rule of Entra that a UPN breaks.
///
/// Source: the `userPrincipalName` property of the Microsoft Graph `user` resource, and Microsoft's "Prepare
/// directory attributes for synchronization with Microsoft 365". Where IdFix is stricter than both (it refuses
/// the apostrophe), the documents are followed.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "rule")]
#[non_exhaustive]
pub enum UpnViolation {
    /// More than 113 characters.
    TooLong {
        /// Characters there are.
        length: usize,
    },
    /// More than 64 characters before the `@`.
    PrefixTooLong {
        /// Characters there are.
        length: usize,
    },
    /// More than 48 characters after the `@`.
    SuffixTooLong {
        /// Characters there are.
        length: usize,
    },
    /// A character other than `A-Z a-z 0-9 ' . - _ ! # ^ ~` in the prefix.
    Character {
        /// The character.
        character: char,
        /// The number of characters before it.
        position: usize,
    },
    /// The prefix begins with a dot.
    LeadingDot,
    /// Two dots stand together before the `@`.
    ConsecutiveDots,
    /// The prefix ends with a dot.
    TrailingDot,
    /// The suffix is no domain name.
    SuffixNotADomain {
        /// Returns the violation, if there is one.
        reason: String,
    },
}

/// The characters that Entra takes before the `@`, as people read them.
const ALLOWED: &str = "allowed: A–Z a–z 0–9 ' . - _ ! # ^ ~";

impl fmt::Display for UpnViolation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong { length } => write!(f, "it has {length} characters; the limit is {TOTAL}"),
            Self::PrefixTooLong { length } => {
                write!(f, "{length} characters before the “@”; the limit is {PREFIX}")
            }
            Self::SuffixTooLong { length } => {
                write!(f, "{length} characters after the “@”; the limit is {SUFFIX}")
            }
            Self::Character { character, position } if character.is_whitespace() => {
                write!(f, "character {} is white space ({ALLOWED})", position + 1)
            }
            Self::Character { character, position } => {
                write!(f, "character {} is “{character}” ({ALLOWED})", position + 1)
            }
            Self::LeadingDot => f.write_str("it begins with a dot"),
            Self::ConsecutiveDots => f.write_str("two dots stand together"),
            Self::TrailingDot => f.write_str("there is a dot right before the “@”"),
            Self::SuffixNotADomain { reason } => write!(f, "its suffix is not a domain name: {reason}"),
        }
    }
}

pub(crate) fn entra(upn: &Upn) -> Vec<UpnViolation> {
    let mut found = Vec::new();
    let (prefix, suffix) = (upn.prefix(), upn.suffix_str());
    let length = upn.as_str().chars().count();
    if length > TOTAL {
        found.push(UpnViolation::TooLong { length });
    }
    let length = prefix.chars().count();
    if length > PREFIX {
        found.push(UpnViolation::PrefixTooLong { length });
    }
    match DomainName::parse(suffix) {
        // Entra stores the ASCII form, so that is the one that must fit.
        Ok(domain) if domain.ascii().len() > SUFFIX => {
            found.push(UpnViolation::SuffixTooLong { length: domain.ascii().len() });
        }
        Ok(_) => {}
        Err(error) => found.push(UpnViolation::SuffixNotADomain { reason: error.reason().to_owned() }),
    }
    for (position, character) in prefix.chars().enumerate() {
        if !(character.is_ascii_alphanumeric() || "'.-_!#^~".contains(character)) {
            found.push(UpnViolation::Character { character, position });
        }
    }
    if prefix.starts_with('.') {
        found.push(UpnViolation::LeadingDot);
    }
    if prefix.contains("..") {
        found.push(UpnViolation::ConsecutiveDots);
    }
    if prefix.ends_with('.') {
        found.push(UpnViolation::TrailingDot);
    }
    found
}
