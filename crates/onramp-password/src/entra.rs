//! The rules of Entra for a password that is set in the cloud.

use crate::class::Classes;
use crate::{CharacterClass, Code, EntraPolicy, Span, Target, Violation};

/// Whether Entra takes this character.
pub(crate) fn allows(c: char) -> bool {
    matches!(c, ' '..='~')
}

/// Length, characters and classes.
pub(crate) fn violations(policy: &EntraPolicy, candidate: &str, out: &mut Vec<Violation>) {
    let (length, shortest, longest) =
        (candidate.chars().count(), usize::from(policy.min_length), usize::from(policy.max_length));
    if length < shortest {
        out.push(Violation::new(Target::Cloud, Code::TooShort).counted(length, shortest));
    }
    if length > longest {
        out.push(Violation::new(Target::Cloud, Code::TooLong).counted(length, longest));
    }
    let foreign: Vec<Span> = candidate
        .char_indices()
        .filter(|&(_, c)| !allows(c))
        .map(|(start, c)| Span { start, end: start + c.len_utf8() })
        .collect();
    if !foreign.is_empty() {
        out.push(Violation::new(Target::Cloud, Code::CharacterNotAllowed).at(foreign));
    }
    let present =
        candidate.chars().fold(Classes::default(), |classes, c| classes.with(CharacterClass::in_cloud(c)));
    if present.count() < u32::from(policy.required_classes) {
        out.push(
            Violation::new(Target::Cloud, Code::TooFewClasses)
                .counted(present.count() as usize, usize::from(policy.required_classes))
                .missing(present.missing(&Classes::CLOUD)),
        );
    }
}
