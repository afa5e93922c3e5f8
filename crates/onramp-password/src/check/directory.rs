//! The rules of Active Directory (\[MS-SAMR\] 3.1.1.7.2 and the description of the Windows setting) and of Entra.

use alloc::vec::Vec;

use super::pattern::Pattern;
use crate::class::Classes;
use crate::context::Context;
use crate::policy::{AdPolicy, EntraPolicy, NameChecks};
use crate::target::Target;
use crate::text::{Fold, Text};
use crate::verdict::{Code, NameSource, Spans, Verdict, Violation};

/// The shortest name that a domain controller looks for, in UTF-16 units.
const MIN_NAME: usize = 3;

/// Length and classes. The names are patterns of their own.
#[inline]
pub(super) fn on_premises(policy: &AdPolicy, text: &Text<'_>, verdict: &mut Verdict) {
    let target = Target::OnPremises;
    length(target, text.utf16, policy.min_length.into(), AdPolicy::MAX_LENGTH.into(), verdict);
    if policy.complexity {
        classes(target, text.classes, AdPolicy::COMPLEX_CLASSES, Classes::FIVE, verdict);
    }
}

/// Length, characters and classes.
#[inline]
pub(super) fn cloud(policy: &EntraPolicy, text: &Text<'_>, verdict: &mut Verdict) {
    let target = Target::Cloud;
    length(target, text.chars, policy.min_length.into(), policy.max_length.into(), verdict);
    if !text.printable {
        let spans = places(text, |c| !entra_takes(c));
        if !spans.is_empty() {
            verdict.push(Violation::new(target, Code::CharacterNotAllowed).at(spans));
        }
    }
    classes(target, text.cloud_classes, policy.required_classes, Classes::FOUR, verdict);
}

/// Returns true if Entra accepts the character.
pub(crate) fn entra_takes(c: char) -> bool {
    matches!(c, ' '..='~')
}

#[inline]
pub(super) fn length(target: Target, found: usize, shortest: usize, longest: usize, verdict: &mut Verdict) {
    if found < shortest {
        verdict.push(Violation::new(target, Code::TooShort).counted(found, shortest));
    }
    if found > longest {
        verdict.push(Violation::new(target, Code::TooLong).counted(found, longest));
    }
}

#[inline]
pub(super) fn classes(target: Target, present: Classes, required: u8, all: Classes, verdict: &mut Verdict) {
    if present.count() < u32::from(required) {
        verdict.push(
            Violation::new(target, Code::TooFewClasses)
                .counted(present.count() as usize, usize::from(required))
                .missing(present.missing_of(all)),
        );
    }
}

/// Returns the spans of the characters that match a condition.
pub(super) fn places(text: &Text<'_>, is_so: impl Fn(char) -> bool) -> Spans {
    let mut spans = Spans::NONE;
    for (start, c) in text.text.char_indices().filter(|&(_, c)| is_so(c)) {
        spans.prolong(start, start + c.len_utf8());
    }
    spans
}

/// The account name as a whole, and each piece of the display name.
pub(super) fn patterns(policy: &AdPolicy, context: &Context, fold: &Fold, out: &mut Vec<Pattern>) {
    if !policy.complexity && policy.name_checks == NameChecks::WithComplexity {
        return;
    }
    let account = context.account_name.iter().map(|name| (NameSource::AccountName, name.as_str()));
    let pieces = context.display_name_pieces().map(|piece| (NameSource::DisplayName, piece));
    let names = account.chain(pieces);
    out.extend(
        names.filter_map(|(source, word)| Pattern::new(Target::OnPremises, source, word, MIN_NAME, fold)),
    );
}
