//! The rules of Active Directory: \[MS-SAMR\] 3.1.1.7.2 and the description of the Windows setting.

use crate::class::Classes;
use crate::needle::{Fold, Needle};
use crate::{AdPolicy, CharacterClass, Code, Context, NameChecks, NameSource, Target, Violation};

/// How many of the five classes complexity needs.
pub(crate) const REQUIRED_CLASSES: u8 = 3;

/// The shortest name that is looked for, in UTF-16 units.
const MIN_NAME: usize = 3;

/// Length and classes. The names are needles of their own.
pub(crate) fn violations(policy: &AdPolicy, candidate: &str, out: &mut Vec<Violation>) {
    let (length, shortest, longest) =
        (candidate.encode_utf16().count(), usize::from(policy.min_length), usize::from(AdPolicy::MAX_LENGTH));
    if length < shortest {
        out.push(Violation::new(Target::OnPremises, Code::TooShort).counted(length, shortest));
    }
    if length > longest {
        out.push(Violation::new(Target::OnPremises, Code::TooLong).counted(length, longest));
    }
    if policy.complexity {
        let present = candidate
            .chars()
            .fold(Classes::default(), |classes, c| classes.with(CharacterClass::on_premises(c)));
        if present.count() < u32::from(REQUIRED_CLASSES) {
            out.push(
                Violation::new(Target::OnPremises, Code::TooFewClasses)
                    .counted(present.count() as usize, usize::from(REQUIRED_CLASSES))
                    .missing(present.missing(&Classes::ON_PREMISES)),
            );
        }
    }
}

/// The account name as a whole, and each piece of the display name.
pub(crate) fn needles(policy: &AdPolicy, context: &Context, out: &mut Vec<Needle>) {
    if !policy.complexity && policy.name_checks == NameChecks::WithComplexity {
        return;
    }
    let account = context.account_name.iter().map(|name| (NameSource::AccountName, name.as_str()));
    let pieces = context.display_name_pieces().map(|piece| (NameSource::DisplayName, piece));
    out.extend(
        account
            .chain(pieces)
            .filter_map(|(source, word)| Needle::new(Target::OnPremises, source, word, MIN_NAME, Fold::Case)),
    );
}
