//! Rules of an organization's own.

use alloc::vec::Vec;

use zeroize::Zeroize;

use super::directory::{classes, length, places};
use crate::banned_words::{Edits, Index};
use crate::case::fold_case;
use crate::class::{CharacterClass, Classes};
use crate::policy::CustomPolicy;
use crate::target::Target;
use crate::text::{Fold, Folded, MAX_FOLDED, Text};
use crate::verdict::{Code, NameSource, Spans, Verdict, Violation};

/// The shortest word of a dictionary or of the caller that is looked for.
pub(crate) const MIN_WORD: usize = 3;

/// Rules of an organization's own, ready.
#[derive(Clone, Debug)]
pub(crate) struct Custom {
    pub(crate) policy: CustomPolicy,
    pub(crate) fold: Fold,
    /// Sorted.
    allowed: Option<Vec<char>>,
    forbidden: Vec<char>,
    /// The dictionary, folded.
    pub(crate) words: Vec<Vec<char>>,
    dictionary: Option<Index>,
}

impl Custom {
    pub(crate) fn new(policy: &CustomPolicy) -> Self {
        let fold = Fold::new(&policy.substitutions);
        let mut words: Vec<Vec<char>> = policy.words.iter().map(|word| fold.fold_word(word)).collect();
        words.retain(|word| word.len() >= MIN_WORD);
        words.sort_unstable();
        words.dedup();
        let dictionary = (!words.is_empty()).then(|| Index::new(&words, Edits::None));
        Self {
            allowed: policy.allowed.as_deref().map(sorted),
            forbidden: sorted(&policy.forbidden),
            policy: policy.clone(),
            fold,
            words,
            dictionary,
        }
    }

    /// Returns true if the rules allow a character.
    pub(crate) fn takes(&self, c: char) -> bool {
        let allowed = self.allowed.as_ref().is_none_or(|allowed| allowed.binary_search(&c).is_ok());
        allowed && self.forbidden.binary_search(&c).is_err()
    }

    pub(super) fn check(&self, text: &Text<'_>, verdict: &mut Verdict) {
        let (policy, target) = (&self.policy, Target::Custom);
        if policy.min_length.is_some() || policy.max_length.is_some() {
            let (shortest, longest) = (policy.min_length.unwrap_or(0), policy.max_length);
            let longest = longest.map_or(usize::MAX, usize::from);
            length(target, text.nfc_length(), shortest.into(), longest, verdict);
        }
        if self.allowed.is_some() || !self.forbidden.is_empty() {
            let spans = places(text, |c| !self.takes(c));
            if !spans.is_empty() {
                verdict.push(Violation::new(target, Code::CharacterNotAllowed).at(spans));
            }
        }
        if policy.required_classes > 0 || !policy.require.is_empty() {
            let present = Classes::of(text.text.chars().map(CharacterClass::of_four));
            classes(target, present, policy.required_classes, Classes::FOUR, verdict);
            let missing = present.missing_of(policy.require);
            if !missing.is_empty() {
                verdict.push(Violation::new(target, Code::ClassMissing).missing(missing));
            }
        }
        run(Code::Repeated, policy.max_repeat, text, |a, b| a == b, verdict);
        if let Some(limit) = policy.max_sequence {
            let up = |a: char, b: char| follows(a, b);
            let down = |a: char, b: char| follows(b, a);
            if !run(Code::Sequence, Some(limit), text, up, verdict) {
                run(Code::Sequence, Some(limit), text, down, verdict);
            }
        }
        let distinct = self.distinct(text);
        if distinct < usize::from(policy.min_distinct) {
            let violation = Violation::new(target, Code::TooFewDistinct);
            verdict.push(violation.counted(distinct, policy.min_distinct.into()));
        }
        if let Some(dictionary) = &self.dictionary {
            let spans = self.words_in(dictionary, text);
            if !spans.is_empty() {
                let violation = Violation::new(target, Code::ContainsWord).named(NameSource::Word);
                verdict.push(violation.at(spans));
            }
        }
    }

    /// Counts the different characters, ignoring case, up to the required number.
    fn distinct(&self, text: &Text<'_>) -> usize {
        let needed = usize::from(self.policy.min_distinct).min(MAX_FOLDED);
        let mut seen = Seen { letters: ['\0'; MAX_FOLDED], len: 0 };
        let mut characters = text.text.chars().map(fold_case);
        while seen.len < needed
            && let Some(c) = characters.next()
        {
            seen.add(c);
        }
        seen.len
    }

    /// Every place at which a word of the dictionary stands. A long candidate is looked at window by window.
    fn words_in(&self, dictionary: &Index, text: &Text<'_>) -> Spans {
        let mut spans = Spans::NONE;
        let overlap = dictionary.longest().min(MAX_FOLDED / 2);
        let mut offset = 0;
        loop {
            let rest = text.text.get(offset..).unwrap_or_default();
            let end = rest.char_indices().nth(MAX_FOLDED).map_or(rest.len(), |(end, _)| end);
            let window = Text::new(rest.get(..end).unwrap_or_default());
            if let Some(folded) = Folded::new(&window, &self.fold) {
                let numbers = dictionary.numbers(folded.letters());
                for start in dictionary.starts(numbers.get()) {
                    dictionary.ends(numbers.get(), start, |end| {
                        spans.add(offset + window.byte(start), offset + window.byte(end));
                    });
                }
            }
            if end == rest.len() {
                return spans;
            }
            offset += window.byte(MAX_FOLDED - overlap);
        }
    }
}

/// The different characters seen; wiped when dropped.
struct Seen {
    letters: [char; MAX_FOLDED],
    len: usize,
}

impl Seen {
    fn add(&mut self, c: char) {
        let known = self.letters.iter().take(self.len).any(|&other| other == c);
        if !known && let Some(slot) = self.letters.get_mut(self.len) {
            *slot = c;
            self.len += 1;
        }
    }
}

impl Drop for Seen {
    fn drop(&mut self) {
        self.letters.zeroize();
    }
}

/// Returns true if `b` comes after `a` in the alphabet or among the digits.
fn follows(a: char, b: char) -> bool {
    a.is_ascii_alphanumeric()
        && b.is_ascii_alphanumeric()
        && a.is_ascii_digit() == b.is_ascii_digit()
        && a as u32 + 1 == b as u32
}

/// Reports the runs that are longer than allowed; says whether there were any.
fn run(
    code: Code,
    limit: Option<u16>,
    text: &Text<'_>,
    goes_on: impl Fn(char, char) -> bool,
    verdict: &mut Verdict,
) -> bool {
    let Some(limit) = limit.map(|limit| usize::from(limit.max(1))) else { return false };
    let (mut spans, mut longest) = (Spans::NONE, 0);
    let (mut begin, mut length, mut last) = (0, 0_usize, None);
    let mut close = |begin: usize, end: usize, length: usize| {
        if length > limit {
            spans.add(begin, end);
            longest = longest.max(length);
        }
    };
    for (at, c) in text.text.char_indices() {
        let c = fold_case(c);
        if last.is_some_and(|last| goes_on(last, c)) {
            length += 1;
        } else {
            close(begin, at, length);
            (begin, length) = (at, 1);
        }
        last = Some(c);
    }
    close(begin, text.text.len(), length);
    if longest > 0 {
        verdict.push(Violation::new(Target::Custom, code).counted(longest, limit).at(spans));
    }
    longest > 0
}

fn sorted(characters: &str) -> Vec<char> {
    let mut sorted: Vec<char> = characters.chars().collect();
    sorted.sort_unstable();
    sorted.dedup();
    sorted
}
