//! The rules of Lithnet Password Protection for Active Directory, in its order.

use alloc::string::String;
use alloc::vec::Vec;

use zeroize::{Zeroize, Zeroizing};

use super::directory::{classes, length};
use super::pattern::Pattern;
use crate::case::fold_case;
use crate::class::{CharacterClass, Classes};
use crate::context::Context;
use crate::lithnet::{LithnetBand, LithnetNormalization, LithnetPoints, LithnetPolicy};
use crate::target::Target;
use crate::text::{Fold, MAX_FOLDED, Text};
use crate::verdict::{Code, NameSource, Spans, Verdict, Violation};

/// The shortest piece of a name that is looked for, in UTF-16 units.
const MIN_NAME: usize = 4;

/// The characters that are trimmed from both ends.
const TRIMMED: &str = "0123456789!@#$%^&*()[]{};:'\"<>,.?\\/+=_-~`";

/// Look-alikes.
const LOOKS_LIKE: [(char, char); 14] = [
    ('$', 's'),
    ('5', 's'),
    ('0', 'o'),
    ('4', 'a'),
    ('3', 'e'),
    ('@', 'a'),
    ('^', 'a'),
    ('(', 'c'),
    ('6', 'g'),
    ('1', 'i'),
    ('7', 't'),
    ('8', 'b'),
    ('2', 'z'),
    ('!', 'i'),
];

/// Banned words, normalized and sorted.
#[derive(Clone, Debug, Default)]
pub(crate) struct BannedWords(Vec<String>);

impl BannedWords {
    pub(crate) fn new(policy: &LithnetPolicy) -> Self {
        let mut words: Vec<String> =
            policy.banned_words.iter().map(|one| word(one, policy).into_iter().collect()).collect();
        words.retain(|word| !word.is_empty());
        words.sort_unstable();
        words.dedup();
        Self(words)
    }

    fn contain(&self, candidate: &str, how: LithnetNormalization) -> bool {
        let Some(normalized) = normalize(candidate, how) else { return false };
        normalized.cuts().any(|(start, end)| {
            self.0.binary_search_by(|word| word.chars().cmp(normalized.iter(start, end))).is_ok()
        })
    }
}

/// Returns true if a condition holds for a normalized form of the candidate.
pub(super) fn any_normalized(
    candidate: &str,
    how: LithnetNormalization,
    mut known: impl FnMut(&str) -> bool,
) -> bool {
    let Some(normalized) = normalize(candidate, how) else { return false };
    // Reserved at once: a buffer that grows would leave copies behind.
    let mut text = Zeroizing::new(String::with_capacity(4 * MAX_FOLDED));
    normalized.cuts().any(|(start, end)| {
        text.zeroize();
        text.extend(normalized.iter(start, end));
        !text.is_empty() && known(&text)
    })
}

pub(super) fn check(policy: &LithnetPolicy, words: &BannedWords, text: &Text<'_>, verdict: &mut Verdict) {
    let target = Target::Lithnet;
    length(target, text.utf16, policy.min_length.into(), usize::MAX, verdict);
    let present = Classes::of(text.text.chars().map(CharacterClass::of_four));
    if let Some(bands) = &policy.bands {
        band(bands.band(text.utf16), present, verdict);
    }
    if let Some(points) = &policy.points {
        let found = count(points, present, text);
        if found < usize::from(points.required) {
            verdict.push(Violation::new(target, Code::TooFewPoints).counted(found, points.required.into()));
        }
    }
    if words.contain(text.text, policy.normalization) {
        verdict.push(Violation::new(target, Code::BannedWord).at(Spans::one(0, text.text.len())));
    }
}

fn band(band: &LithnetBand, present: Classes, verdict: &mut Verdict) {
    classes(Target::Lithnet, present, band.required_classes, Classes::FOUR, verdict);
    let either = Classes::of([CharacterClass::Digit, CharacterClass::Symbol]);
    let mut missing = present.missing_of(band.require);
    if band.symbol_or_digit && present.missing_of(either) == either {
        missing = Classes::of(missing.iter().chain(either.iter()));
    }
    if !missing.is_empty() {
        verdict.push(Violation::new(Target::Lithnet, Code::ClassMissing).missing(missing));
    }
}

/// Returns the points of a text.
pub(crate) fn count(points: &LithnetPoints, present: Classes, text: &Text<'_>) -> usize {
    let bonus: usize = present.iter().map(|class| usize::from(points.class_bonus.of(class))).sum();
    let each =
        |c| usize::from(points.per_character) + usize::from(points.per_class.of(CharacterClass::of_four(c)));
    text.text.chars().map(each).sum::<usize>() + bonus
}

/// The pieces of the account name and of the full name.
pub(super) fn patterns(policy: &LithnetPolicy, context: &Context, fold: &Fold, out: &mut Vec<Pattern>) {
    let account = context.account_name.as_deref().filter(|_| policy.check_account_name);
    let full = context.display_name.as_deref().filter(|_| policy.check_full_name);
    let names = [(NameSource::AccountName, account), (NameSource::DisplayName, full)];
    for (source, name) in names {
        let pieces = name.unwrap_or_default().split(' ');
        out.extend(pieces.filter_map(|piece| Pattern::new(Target::Lithnet, source, piece, MIN_NAME, fold)));
    }
}

/// A normalized candidate on the stack; wiped when dropped.
struct Normalized {
    letters: [char; MAX_FOLDED],
    len: usize,
    /// The start of the text after trimming.
    start: usize,
    end: usize,
    how: LithnetNormalization,
}

/// The maximum number of look-alikes before and after a word that are taken for a part of it.
const KEPT: usize = 16;

impl Normalized {
    /// Returns the pieces that may be a word: what is left of the text, and when it is put right also that with some of what
    /// would have been cut off.
    fn cuts(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        let (before, behind) = match self.how {
            LithnetNormalization::Compatible => (0, 0),
            LithnetNormalization::Fixed => (KEPT.min(self.start), KEPT.min(self.len - self.end)),
        };
        let starts = self.start - before..=self.start;
        starts.flat_map(move |start| (self.end..=self.end + behind).map(move |end| (start, end)))
    }

    fn iter(&self, start: usize, end: usize) -> impl Iterator<Item = char> + '_ {
        let kept = self.letters.get(start..end).unwrap_or_default();
        kept.iter().copied().map(unmask).filter(|c| !matches!(c, '_' | '.' | '+'))
    }
}

impl Drop for Normalized {
    fn drop(&mut self) {
        self.letters.zeroize();
    }
}

/// `None` for what has no letter, and for what is too long to be a word.
fn normalize(candidate: &str, how: LithnetNormalization) -> Option<Normalized> {
    if !candidate.chars().any(char::is_alphabetic) {
        return None;
    }
    let mut normalized = Normalized { letters: ['\0'; MAX_FOLDED], len: 0, start: 0, end: 0, how };
    for c in candidate.chars().map(fold_case).filter(|c| !c.is_whitespace()) {
        *normalized.letters.get_mut(normalized.len)? = c;
        normalized.len += 1;
    }
    let all = normalized.letters.get(..normalized.len).unwrap_or_default();
    let kept = |c: &char| !TRIMMED.contains(*c);
    normalized.start = all.iter().position(kept).unwrap_or(normalized.len);
    normalized.end = all.iter().rposition(kept).map_or(normalized.start, |last| last + 1);
    Some(normalized)
}

/// Returns true if a character can be absent after normalization: trimmed, removed, or white space.
pub(crate) fn passes_over(c: char) -> bool {
    TRIMMED.contains(c) || c.is_whitespace() || matches!(c, '_' | '.' | '+')
}

/// Returns a character as normalization leaves it.
pub(crate) fn unmasked(c: char) -> char {
    unmask(fold_case(c))
}

/// A banned word after normalization. When it is put right, nothing is cut off a word.
pub(crate) fn word(word: &str, policy: &LithnetPolicy) -> Vec<char> {
    let normalized = normalize(word, policy.normalization);
    let whole = policy.normalization == LithnetNormalization::Fixed;
    normalized.map_or_else(Vec::new, |word| {
        let (start, end) = if whole { (0, word.len) } else { (word.start, word.end) };
        word.iter(start, end).collect()
    })
}

fn unmask(c: char) -> char {
    LOOKS_LIKE.iter().find(|&&(from, _)| from == c).map_or(c, |&(_, to)| to)
}
