//! The things that can be said of a policy.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use serde::Serialize;

use crate::target::Target;

/// The severity of a finding; the most severe compares as the least.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[allow(clippy::exhaustive_enums)] // the three there are
pub enum Severity {
    /// No password can satisfy the policy.
    Error,
    /// Two demands are against each other's letter, or one is refused by the product it is for.
    Warning,
    /// Worth knowing.
    Note,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        })
    }
}

/// The kind of a finding.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "concern")]
#[non_exhaustive]
pub enum LintKind {
    /// No password can satisfy the policy.
    Contradiction {
        /// The requirements that contradict each other.
        reason: String,
    },
    /// No proof was found that a password can satisfy the policy.
    NotShown,
    /// A minimum length that no password has.
    LengthOutOfReach {
        /// The minimum.
        min_length: u16,
    },
    /// NIST forbids rules about the characters of a password.
    CompositionAgainstNist {
        /// The targets with such rules.
        targets: Vec<Target>,
    },
    /// NIST compares whole passwords with lists, not parts of them.
    SubstringsAgainstNist {
        /// The targets that search for parts.
        targets: Vec<Target>,
    },
    /// NIST forbids passwords that expire.
    ExpiryAgainstNist,
    /// NIST wants 64 characters at least to be taken.
    ShortMaximumAgainstNist {
        /// The most that are taken.
        maximum: u16,
    },
    /// NIST demands a list of common and compromised passwords.
    NoBlocklist,
    /// Entra takes ASCII only.
    UnicodeAgainstEntra,
    /// Group policy sets no such minimum length by itself.
    BeyondGroupPolicy {
        /// The minimum.
        min_length: u16,
    },
    /// A minimum age makes a second change on the same day fail.
    MinimumAge {
        /// The age.
        seconds: u64,
    },
    /// Terms that the custom list of a tenant does not take.
    TermLengths {
        /// The number of terms.
        terms: usize,
    },
    /// More terms than the custom list of a tenant takes.
    TooManyTerms {
        /// The number of terms.
        terms: usize,
    },
    /// Terms that say the same as others.
    SameTerms {
        /// The number of terms.
        terms: usize,
    },
    /// Without a second threshold, the first band of Lithnet counts for every length.
    OneThreshold,
    /// The thresholds of Lithnet are the wrong way round.
    ThresholdsReversed,
    /// Banned words of Lithnet of which its normalization leaves nothing.
    WordsVanish {
        /// The number of terms.
        terms: usize,
    },
}

impl LintKind {
    /// Returns the severity.
    #[must_use]
    pub fn severity(&self) -> Severity {
        match self {
            Self::Contradiction { .. } | Self::NotShown | Self::LengthOutOfReach { .. } => Severity::Error,
            Self::CompositionAgainstNist { .. }
            | Self::SubstringsAgainstNist { .. }
            | Self::ExpiryAgainstNist
            | Self::ShortMaximumAgainstNist { .. }
            | Self::NoBlocklist
            | Self::UnicodeAgainstEntra
            | Self::TermLengths { .. }
            | Self::TooManyTerms { .. }
            | Self::ThresholdsReversed
            | Self::WordsVanish { .. } => Severity::Warning,
            Self::BeyondGroupPolicy { .. }
            | Self::MinimumAge { .. }
            | Self::SameTerms { .. }
            | Self::OneThreshold => Severity::Note,
        }
    }
}

impl fmt::Display for LintKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Contradiction { reason } => write!(f, "no password can satisfy the policy: {reason}"),
            Self::NotShown => f.write_str(
                "it cannot be shown that any password satisfies the policy: words and runs exclude too much",
            ),
            Self::LengthOutOfReach { min_length } => {
                write!(f, "Active Directory takes at most 256 characters, at least {min_length} are demanded")
            }
            Self::CompositionAgainstNist { targets } => write!(
                f,
                "NIST SP 800-63B-4 forbids composition rules, {} demand{} them",
                list(targets),
                if targets.len() == 1 { "s" } else { "" }
            ),
            Self::SubstringsAgainstNist { targets } => write!(
                f,
                "NIST SP 800-63B-4 compares the whole password with its list, {} look{} for words in it",
                list(targets),
                if targets.len() == 1 { "s" } else { "" }
            ),
            Self::ExpiryAgainstNist => {
                f.write_str("NIST SP 800-63B-4 forbids passwords that expire, Active Directory lets them expire")
            }
            Self::ShortMaximumAgainstNist { maximum } => {
                write!(f, "NIST SP 800-63B-4 wants 64 characters to be taken, at most {maximum} are")
            }
            Self::NoBlocklist => f.write_str(
                "NIST SP 800-63B-4 demands a list of common and compromised passwords, and none is given",
            ),
            Self::UnicodeAgainstEntra => f.write_str(
                "Entra takes printable ASCII only; a password with other characters succeeds on premises and fails \
                 in the cloud",
            ),
            Self::BeyondGroupPolicy { min_length } => write!(
                f,
                "a group policy sets a minimum length of {min_length} only with the setting “Relax minimum password \
                 length limits”, or it takes a fine-grained policy; 14 is the most without"
            ),
            Self::MinimumAge { seconds } => write!(
                f,
                "the minimum password age is {}: who tries again sooner sees the message that the password does not meet \
                 the complexity requirements, although complexity is not the cause",
                time(*seconds)
            ),
            Self::TermLengths { terms } => write!(
                f,
                "{terms} banned terms are shorter than 4 or longer than 16 characters; the custom list of a tenant \
                 does not take them"
            ),
            Self::TooManyTerms { terms } => {
                write!(f, "{terms} banned terms; the custom list of a tenant takes at most 1,000")
            }
            Self::SameTerms { terms } => {
                write!(f, "{terms} banned terms say the same as others, case and look-alikes aside")
            }
            Self::OneThreshold => f.write_str(
                "Lithnet's second threshold is not set, so that the demands of the first band count for every length",
            ),
            Self::ThresholdsReversed => f.write_str("Lithnet's second threshold is below the first"),
            Self::WordsVanish { terms } => {
                write!(f, "Lithnet's normalization leaves nothing of {terms} banned words; they ban nothing")
            }
        }
    }
}

fn list(targets: &[Target]) -> String {
    let named: Vec<String> = targets.iter().map(Target::to_string).collect();
    match named.as_slice() {
        [others @ .., last] if !others.is_empty() => alloc::format!("{} and {last}", others.join(", ")),
        _ => named.join(", "),
    }
}

fn time(seconds: u64) -> String {
    match (seconds / 86_400, seconds % 86_400) {
        (1, 0) => "1 day".to_string(),
        (days, 0) => alloc::format!("{days} days"),
        _ => alloc::format!("{} hours", seconds.div_ceil(3600)),
    }
}
