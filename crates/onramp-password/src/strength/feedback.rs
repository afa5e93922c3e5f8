//! The choice of the warning and the suggestions for a candidate.

use super::found::{Found, Kind};
use super::text::Text;
use super::{ListKind, Score, Suggestion, Suggestions, Warning};

/// Returns the warning and the suggestions for a candidate of which the longest pattern is known.
pub(super) fn feedback(
    text: &Text,
    score: Score,
    longest: Option<Found>,
    alone: bool,
) -> (Option<Warning>, Suggestions) {
    let Some(found) = longest else {
        let general = [Suggestion::UseSeveralWords, Suggestion::NoNeedForSymbols];
        return (None, general.into_iter().collect());
    };
    let mut suggestions = Suggestions::default();
    if score >= Score::Three {
        return (None, suggestions);
    }
    suggestions.add(Suggestion::AddAnotherWord);
    let (warning, suggestion) = match found.kind {
        Kind::BruteForce => (None, None),
        Kind::KeyboardRow => (Some(Warning::KeyboardRow), Some(Suggestion::UseLongerKeyboardPattern)),
        Kind::KeyboardPattern => (Some(Warning::KeyboardPattern), Some(Suggestion::UseLongerKeyboardPattern)),
        Kind::Repeat(1) => (Some(Warning::RepeatedCharacter), Some(Suggestion::AvoidRepeats)),
        Kind::Repeat(_) => (Some(Warning::RepeatedPiece), Some(Suggestion::AvoidRepeats)),
        Kind::Sequence => (Some(Warning::Sequence), Some(Suggestion::AvoidSequences)),
        Kind::RecentYear => (Some(Warning::RecentYear), Some(Suggestion::AvoidYears)),
        Kind::Date => (Some(Warning::Date), Some(Suggestion::AvoidDates)),
        Kind::Word { list, rank, leet, reversed } => {
            word_suggestions(text, &found, leet, reversed, &mut suggestions);
            let context = (list == ListKind::Context).then_some(Suggestion::AvoidContextWords);
            (word_warning(&found, list, rank, leet || reversed, alone), context)
        }
    };
    suggestion.into_iter().for_each(|suggestion| suggestions.add(suggestion));
    (warning, suggestions)
}

fn word_warning(found: &Found, list: ListKind, rank: u32, disguised: bool, alone: bool) -> Option<Warning> {
    match list {
        ListKind::Passwords if alone && !disguised => Some(match rank {
            ..=10 => Warning::Top10Password,
            11..=100 => Warning::Top100Password,
            _ => Warning::CommonPassword,
        }),
        ListKind::Passwords => (found.guesses <= 10_000.0).then_some(Warning::LikeCommonPassword),
        ListKind::Words => alone.then_some(Warning::SingleWord),
        ListKind::Names => Some(if alone { Warning::SingleName } else { Warning::CommonName }),
        ListKind::Context => Some(Warning::ContextWord),
        ListKind::Media | ListKind::Other => None,
    }
}

fn word_suggestions(text: &Text, found: &Found, leet: bool, reversed: bool, suggestions: &mut Suggestions) {
    let (start, end) = (usize::from(found.start), usize::from(found.end));
    let (upper, lower) = text.cases(start, end);
    if upper == 1 && end - start > 1 && text.char(start).is_uppercase() {
        suggestions.add(Suggestion::CapitalsDoNotHelp);
    } else if upper > 0 && lower == 0 {
        suggestions.add(Suggestion::AllCapitalsDoNotHelp);
    }
    if reversed && end - start >= 4 {
        suggestions.add(Suggestion::ReversingDoesNotHelp);
    }
    if leet {
        suggestions.add(Suggestion::SubstitutionsDoNotHelp);
    }
}
