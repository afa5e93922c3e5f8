//! The words of a list that may stand in a passphrase, and what can be said of every phrase that they make.
//!
//! Nothing that is looked for holds the separator, so names and words are found within one word of a phrase or not at
//! all: what holds one is left out of the list. A piece of a phrase that is one edit away from a banned word can hold one
//! separator, as the edit, and so touches two neighbors at most; how many phrases have such a piece is bounded by
//! counting ends and beginnings of words. In every other phrase, each banned word lies within one word of the phrase, from
//! which follow the points that it has at least: see [`WordList::scores`].

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::vec::Vec;

use super::acceptance_space::sought;
use super::error::{Conflict, GenerateError};
use super::options::PassphraseOptions;
use super::requirements;
use crate::banned_words::{Matcher, Words, folded_words};
use crate::case::fold_case;
use crate::check::Checker;
use crate::check::custom::Custom;
use crate::check::lithnet;
use crate::protection::ProtectionPolicy;
use crate::verdict::Code;

/// The most digits that follow the words.
const MAX_DIGITS: u8 = 4;

/// The words and endings of the phrases.
#[derive(Debug)]
pub(super) struct WordList {
    /// As they stand in a phrase.
    pub(super) words: Vec<Box<str>>,
    /// The digits at the end; empty for none.
    pub(super) endings: Vec<Box<str>>,
    pub(super) separator: char,
    /// The points that Entra Password Protection demands.
    required: usize,
}

impl WordList {
    pub(super) fn new<I: IntoIterator<Item = S>, S: AsRef<str>>(
        checker: &Checker,
        words: I,
        options: &PassphraseOptions,
    ) -> Result<Self, GenerateError> {
        let separator = separator(checker, options.separator)?;
        if options.digits > MAX_DIGITS {
            return Err(Conflict::Digits { digits: options.digits, most: MAX_DIGITS }.into());
        }
        // What is less than two points is a banned word as a whole.
        let required = applied_matcher(checker).map_or(0, |matcher| matcher.required.max(2));
        let custom = checker.rules.custom.as_ref();
        let kinds = custom.map_or(0, |custom: &Custom| usize::from(custom.policy.min_distinct));
        // One more than each word has comes with the separator.
        let distinct = required.max(kinds).saturating_sub(1);
        let mut known = BTreeSet::new();
        let mut all: Vec<Box<str>> = Vec::new();
        for word in words {
            let lower: String = word.as_ref().chars().map(fold_case).collect();
            let takes = lower.chars().all(|c| c.is_lowercase() && requirements::takes(checker, c));
            if lower.is_empty() || !takes || has_fewer(checker, &lower, distinct) || known.contains(&lower) {
                continue;
            }
            let written = if options.capitals { capitalised(&lower) } else { lower.clone() };
            if suits(checker, &written) {
                all.push(written.into());
            }
            known.insert(lower);
        }
        if all.is_empty() {
            return Err(Conflict::NoWords.into());
        }
        let endings: Vec<Box<str>> = match options.digits {
            0 => Vec::new(),
            digits => {
                let width = usize::from(digits);
                let all = (0..10_u32.pow(digits.into())).map(|number| alloc::format!("{number:0width$}"));
                all.filter(|ending| suits(checker, ending)).map(Into::into).collect()
            }
        };
        if options.digits > 0 && endings.is_empty() {
            return Err(Conflict::NoCharacters.into());
        }
        Ok(Self { words: all, endings, separator, required })
    }

    /// Returns the logarithm of the number of phrases.
    #[allow(clippy::cast_precision_loss)] // sizes of lists
    pub(super) fn bits(&self, count: usize) -> f64 {
        let endings = if self.endings.is_empty() { 0.0 } else { libm::log2(self.endings.len() as f64) };
        count as f64 * libm::log2(self.words.len() as f64) + endings
    }

    /// Checks that phrases of so many words have the points that are needed, in the strictest interpretation, if no
    /// banned word lies across a separator.
    ///
    /// A phrase whose words all hold a banned word has a point for each of them and one more for the digits, as part of a
    /// banned word or beside it. In any other, one word remains whole. It has one different letter less than the points that are
    /// needed, and the separator is another character that remains, unless a banned word swallows every one, and is a
    /// point instead.
    pub(super) fn scores(&self, count: usize) -> Result<(), Conflict> {
        let blocks = count + usize::from(!self.endings.is_empty());
        if blocks < self.required {
            return Err(Conflict::WordsScore { words: count, required: self.required });
        }
        Ok(())
    }
}

fn applied_matcher(checker: &Checker) -> Option<&Matcher> {
    checker.rules.matcher.as_ref().filter(|matcher| !matcher.targets.is_empty())
}

/// Returns true if a word has fewer different letters than that, under any table that they are counted by.
fn has_fewer(checker: &Checker, word: &str, distinct: usize) -> bool {
    let count = |letters: &mut dyn Iterator<Item = char>| letters.collect::<BTreeSet<char>>().len();
    let strict = applied_matcher(checker).and_then(|matcher| matcher.strict.as_ref());
    let folded = strict.map(|words: &Words| count(&mut word.chars().map(|c| words.fold.fold(c))));
    count(&mut word.chars()) < distinct || folded.is_some_and(|folded| folded < distinct)
}

/// Returns true if nothing that is looked for in every place stands in it.
fn suits(checker: &Checker, block: &str) -> bool {
    let refuses = |code: Code| {
        matches!(
            code,
            Code::ContainsName
                | Code::ContainsWord
                | Code::Repeated
                | Code::Sequence
                | Code::CharacterNotAllowed
        )
    };
    !checker.check(block).violations().iter().any(|violation| refuses(violation.code))
}

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    let Some(first) = letters.next() else { return String::new() };
    let mut upper = first.to_uppercase();
    // A letter whose capital is two, such as ß, stays small.
    let first = if upper.len() == 1 { upper.next().unwrap_or(first) } else { first };
    core::iter::once(first).chain(letters).collect()
}

/// The separators that are tried without a requested one.
const SEPARATORS: [char; 8] = ['-', '.', '_', ',', '=', '+', '/', ' '];

/// Returns the separator that was asked for, or the first that will do.
fn separator(checker: &Checker, wanted: Option<char>) -> Result<char, Conflict> {
    if let Some(wanted) = wanted {
        return check_separator(checker, wanted).map(|()| wanted);
    }
    let found = SEPARATORS.into_iter().find(|&separator| check_separator(checker, separator).is_ok());
    found.ok_or(Conflict::Separator { separator: '-' })
}

/// Refuses a separator that could be part of what is looked for.
fn check_separator(checker: &Checker, separator: char) -> Result<(), Conflict> {
    let rules = &checker.rules;
    let unfit = Conflict::Separator { separator };
    if separator.is_alphanumeric() || !requirements::takes(checker, separator) {
        return Err(unfit);
    }
    let mut lists: Vec<(char, Vec<char>)> = Vec::new();
    if let Some(words) = applied_matcher(checker).and_then(|matcher| matcher.strict.as_ref()) {
        let banned =
            words.index.numbers(&[words.fold.fold(separator)]).get().iter().any(|&number| number > 0);
        if banned {
            return Err(unfit);
        }
    }
    for (pattern, fold) in sought(checker) {
        lists.push((fold.fold(separator), pattern.letters().to_vec()));
    }
    if let Some(custom) = &rules.custom {
        lists.extend(custom.words.iter().map(|word| (custom.fold.fold(separator), word.clone())));
    }
    let lithnet = rules.lithnet.as_ref().filter(|policy| !policy.banned_words.is_empty());
    if let Some(policy) = lithnet {
        if matches!(separator, '_' | '.' | '+') || separator.is_whitespace() {
            return Err(unfit);
        }
        let words = policy.banned_words.iter().map(|word| lithnet::word(word, policy));
        lists.extend(words.map(|word| (lithnet::unmasked(separator), word)));
    }
    if lists.iter().any(|(letter, word)| word.contains(letter)) { Err(unfit) } else { Ok(()) }
}

/// Returns the largest possible share of the phrases of so many words, of which there are two to the power of `bits`, that is
/// refused beside those of the wrong length and classes.
pub(super) fn excluded(
    checker: &Checker,
    protection: Option<&ProtectionPolicy>,
    list: &WordList,
    count: usize,
    bits: f64,
) -> f64 {
    let words = applied_matcher(checker).and_then(|matcher| matcher.strict.as_ref());
    let across = match (words, protection) {
        (Some(words), Some(policy)) => across(words, policy, list, count),
        _ => 0.0,
    };
    // Each of them is one phrase at most, since the capitals are given.
    #[allow(clippy::cast_precision_loss)] // the size of a list
    let blocked = checker.blocked() as f64 * libm::exp2(-bits);
    (across + blocked).min(1.0)
}

/// Returns the largest possible share of phrases with a piece that lies across a separator and is one edit away from a banned
/// word: the separator added to it, or in place of one of its letters.
fn across(words: &Words, policy: &ProtectionPolicy, list: &WordList, count: usize) -> f64 {
    let banned = folded_words(&policy.banned, &words.fold);
    let longest = banned.iter().map(Vec::len).max().unwrap_or(0);
    let fold = |texts: &[Box<str>]| -> Vec<Vec<char>> {
        texts.iter().map(|text| text.chars().map(|c| words.fold.fold(c)).collect()).collect()
    };
    let inner = Edges::new(&fold(&list.words), longest);
    let last = Edges::new(&fold(&list.endings), longest);
    let mut total = 0.0;
    for word in &banned {
        for split in 1..word.len() {
            let (before, after) = word.split_at(split);
            let after = [Some(after), after.split_first().map(|(_, rest)| rest)];
            let ends = inner.ends(before);
            for after in after.into_iter().flatten().filter(|after| !after.is_empty()) {
                #[allow(clippy::cast_precision_loss)] // a number of words
                let places = count.saturating_sub(1) as f64;
                total += ends * (places * inner.begins(after) + last.begins(after));
            }
        }
    }
    total
}

/// The shares of the texts of a list by their beginnings and endings.
struct Edges {
    begins: BTreeMap<Vec<char>, f64>,
    ends: BTreeMap<Vec<char>, f64>,
}

impl Edges {
    fn new(texts: &[Vec<char>], longest: usize) -> Self {
        #[allow(clippy::cast_precision_loss)] // the size of a list
        let one = 1.0 / texts.len().max(1) as f64;
        let (mut begins, mut ends) = (BTreeMap::new(), BTreeMap::new());
        for text in texts {
            for length in 1..=text.len().min(longest) {
                let (begin, end) = (text.get(..length), text.get(text.len() - length..));
                *begins.entry(begin.unwrap_or_default().to_vec()).or_default() += one;
                *ends.entry(end.unwrap_or_default().to_vec()).or_default() += one;
            }
        }
        Self { begins, ends }
    }

    fn begins(&self, text: &[char]) -> f64 {
        self.begins.get(text).copied().unwrap_or_default()
    }

    fn ends(&self, text: &[char]) -> f64 {
        self.ends.get(text).copied().unwrap_or_default()
    }
}
