//! The errors of the generators.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::random::RandomError;
use crate::class::Classes;
use crate::target::Target;
use crate::verdict::NameSource;

/// The reason that nothing can be generated.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GenerateError {
    /// The demands contradict each other; no password can meet them.
    #[error("no password can satisfy the policy: {0}")]
    Unsatisfiable(#[from] Conflict),
    /// The share of acceptable candidates is too small for rejection sampling.
    #[error("only one candidate in {:.0} is acceptable; use a longer password or a larger alphabet", 1.0 / share)]
    TooNarrow {
        /// The acceptable share of all candidates.
        share: f64,
    },
    /// The context holds more names and words than can be counted exactly.
    #[error("the context holds too many or too long words to avoid; use fewer")]
    TooManyWords,
    /// No random numbers.
    #[error("no password was generated")]
    Random(#[from] RandomError),
    /// The source of random bytes is not random: by chance this does not happen once in 2^64 times.
    #[error(
        "{attempts} attempts gave no acceptable password, so the source of random bytes cannot be random"
    )]
    Exhausted {
        /// The number of candidates drawn.
        attempts: usize,
    },
}

#[cfg(feature = "onramp-core")]
impl From<GenerateError> for onramp_core::Error {
    fn from(error: GenerateError) -> Self {
        let kind = match error {
            GenerateError::Random(_) | GenerateError::Exhausted { .. } => onramp_core::ErrorKind::Unavailable,
            _ => onramp_core::ErrorKind::Invalid,
        };
        Self::new(kind, "generate a password").with_detail(error.to_string()).with_source(error)
    }
}

/// The requirements that contradict each other.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Conflict {
    /// One target's minimum length is above another's maximum.
    #[error("{minimum_of} demands at least {minimum} characters, {maximum_of} takes at most {maximum}")]
    Lengths {
        /// The larger minimum.
        minimum: usize,
        /// The target with the larger minimum.
        minimum_of: Target,
        /// The smaller maximum.
        maximum: usize,
        /// The target with the smaller maximum.
        maximum_of: Target,
    },
    /// The length asked for is below a minimum.
    #[error("a length of {length} was asked for, {target} demands at least {minimum} characters")]
    TooShort {
        /// The requested length.
        length: usize,
        /// The minimum.
        minimum: usize,
        /// The target with the minimum.
        target: Target,
    },
    /// The length asked for is above a maximum.
    #[error("a length of {length} was asked for, {target} takes at most {maximum} characters")]
    TooLong {
        /// The requested length.
        length: usize,
        /// The maximum.
        maximum: usize,
        /// The target with the maximum.
        target: Target,
    },
    /// The alphabet holds no character that every target takes.
    #[error("the alphabet holds no character that every target takes")]
    NoCharacters,
    /// The alphabet or the length does not suffice for the classes.
    #[error(
        "{target} demands {required} character classes; the alphabet and the length allow for {available}"
    )]
    Classes {
        /// The target with the requirement.
        target: Target,
        /// The required number of classes.
        required: usize,
        /// The maximum possible number of classes.
        available: usize,
    },
    /// The word list holds no word that every target takes and that has letters enough to count.
    #[error(
        "the list holds no word that every target takes; use a longer list of words of four and more letters"
    )]
    NoWords,
    /// A passphrase cannot have so many words.
    #[error("{count} words were asked for, a passphrase has {least} to {most}")]
    WordCount {
        /// The requested number of words.
        count: usize,
        /// The fewest there can be.
        least: usize,
        /// The most there can be.
        most: usize,
    },
    /// A passphrase cannot have so many digits.
    #[error("{digits} digits were asked for, at most {most} follow the words")]
    Digits {
        /// The requested number of digits.
        digits: u8,
        /// The most there can be.
        most: u8,
    },
    /// The separator is a letter or a digit, or is not taken by a target, or may be part of a banned word or a name.
    #[error(
        "“{separator}” cannot stand between words: a target does not take it, or looks for something that holds it"
    )]
    Separator {
        /// The requested separator.
        separator: char,
    },
    /// No phrase of so many words has a length and the classes that every target takes.
    #[error(
        "no phrase of {words} words of the list has {least} to {most} characters and the classes that are demanded"
    )]
    Phrase {
        /// The number of words.
        words: usize,
        /// The fewest characters that every target takes.
        least: usize,
        /// The most.
        most: usize,
    },
    /// The number of words is too small to prove that every phrase reaches the score.
    #[error(
        "{words} words cannot be shown to reach {required} points, since each of them may be banned; use more"
    )]
    WordsScore {
        /// The number of words.
        words: usize,
        /// The points needed.
        required: usize,
    },
    /// Classes and names leave nothing: the names use up what the alphabet offers.
    #[error("{}", list(names))]
    Names {
        /// The names without which there would be passwords, and who looks for them; all of them when there is no
        /// single one to blame.
        names: Vec<(Target, NameSource)>,
    },
    /// Classes that are demanded by name are not in the alphabet.
    #[error("{target} demands {}, of which the alphabet holds none", named(*classes))]
    ClassMissing {
        /// The target with the requirement.
        target: Target,
        /// The classes.
        classes: Classes,
    },
    /// The points of Lithnet cannot be reached.
    #[error("{target} demands {required} complexity points, a password of this length cannot reach them")]
    Points {
        /// The target with the requirement.
        target: Target,
        /// The points needed.
        required: usize,
    },
    /// The score cannot be reached, or the banned words exclude so much that it cannot be shown to be reachable.
    #[error("a password of {length} characters cannot be shown to reach {required} points; use a longer one")]
    Score {
        /// The length.
        length: usize,
        /// The points needed.
        required: usize,
    },
}

fn list(names: &[(Target, NameSource)]) -> String {
    let named: Vec<String> =
        names.iter().map(|(target, source)| alloc::format!("{source} ({target})")).collect();
    alloc::format!("the alphabet leaves nothing beside {}", named.join(", "))
}

fn named(classes: Classes) -> String {
    let named: Vec<String> = classes.iter().map(|class| class.to_string()).collect();
    named.join(" and ")
}
