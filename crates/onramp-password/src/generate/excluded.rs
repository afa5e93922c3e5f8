//! The maximum share of candidates that words and runs can exclude.
//!
//! They are not counted, because a string can be excluded in many ways at once; the shares of all ways are summed
//! instead, which counts some strings twice and misses none. For passwords of a sensible length the sum is tiny.

use alloc::collections::BTreeMap;
use alloc::vec;
use alloc::vec::Vec;

use crate::banned_words::{Words, folded_words};
use crate::case::fold_case;
use crate::check::Checker;
use crate::check::custom::Custom;
use crate::check::lithnet::passes_over;
use crate::lithnet::LithnetPolicy;
use crate::protection::ProtectionPolicy;

/// The shares of the letters of an alphabet after folding.
struct Shares {
    by_letter: BTreeMap<char, f64>,
    /// The largest first, summed up: the share of the n most frequent letters.
    top: Vec<f64>,
}

impl Shares {
    fn new(alphabet: &[char], fold: impl Fn(char) -> char) -> Self {
        let mut by_letter: BTreeMap<char, f64> = BTreeMap::new();
        let one = 1.0 / number(alphabet.len());
        for &c in alphabet {
            *by_letter.entry(fold(c)).or_default() += one;
        }
        let mut sorted: Vec<f64> = by_letter.values().copied().collect();
        sorted.sort_unstable_by(|a, b| b.total_cmp(a));
        let mut top = vec![0.0];
        for share in sorted {
            top.push(top.last().copied().unwrap_or(0.0) + share);
        }
        Self { by_letter, top }
    }

    fn of(&self, letter: char) -> f64 {
        self.by_letter.get(&letter).copied().unwrap_or_default()
    }

    fn count(&self) -> usize {
        self.by_letter.len()
    }

    fn top(&self, letters: usize) -> f64 {
        self.top.get(letters.min(self.count())).copied().unwrap_or(1.0).min(1.0)
    }
}

/// Returns the largest possible share of all strings of this length that words, runs and repetitions exclude.
pub(super) fn at_most(
    checker: &Checker,
    protection: Option<&ProtectionPolicy>,
    alphabet: &[char],
    length: usize,
) -> Excluded {
    let rules = &checker.rules;
    let matcher = rules.matcher.as_ref().filter(|matcher| !matcher.targets.is_empty());
    let words = matcher.and_then(|matcher| matcher.strict.as_ref());
    let by_score = match (words, protection, matcher) {
        (Some(words), Some(policy), Some(matcher)) => {
            by_score(words, policy, matcher.required, alphabet, length)
        }
        _ => 0.0,
    };
    let custom = rules.custom.as_ref().map_or(0.0, |custom| by_custom(custom, alphabet, length));
    let lithnet = rules.lithnet.as_ref().map_or(0.0, |policy| by_lithnet(policy, alphabet, length));
    let one = 2.0 / number(alphabet.len());
    let blocked = number(checker.blocked()) * power(one.min(1.0), length);
    Excluded { by_score: by_score.min(1.0), by_others: (custom + lithnet + blocked).min(1.0) }
}

/// Shares that are excluded at most.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Excluded {
    /// The share that the score of Entra Password Protection excludes.
    pub(super) by_score: f64,
    /// The share that words, runs and repetitions of the other policies exclude.
    pub(super) by_others: f64,
}

/// Returns the share that scores fewer points than needed in the strictest interpretation, or is a banned word as a whole.
///
/// Such a string consists of some pieces, each within one edit of a word, and of single characters of few kinds.
fn by_score(
    words: &Words,
    policy: &ProtectionPolicy,
    required: usize,
    alphabet: &[char],
    length: usize,
) -> f64 {
    let shares = Shares::new(alphabet, |c| words.fold.fold(c));
    let pieces = piece_shares(&folded_words(&policy.banned, &words.fold), &shares, length);
    // A banned word as a whole makes one point, and so is among those below when two are needed.
    let mut excluded = if required < 2 { pieces.get(length).copied().unwrap_or_default() } else { 0.0 };
    // made[so many letters] = the share of strings of so many letters that a number of pieces make.
    let mut made = vec![0.0; length + 1];
    if let Some(start) = made.first_mut() {
        *start = 1.0;
    }
    for count in 0..required {
        for (letters, &share) in made.iter().enumerate().filter(|&(_, &share)| share > 0.0) {
            let singles = length - letters;
            let arrangements = choose(singles + count, count);
            let kinds = (0..required - count)
                .map(|kinds| choose(shares.count(), kinds) * power(shares.top(kinds + letters), singles));
            excluded += share * arrangements * kinds.sum::<f64>();
        }
        let mut longer = vec![0.0; length + 1];
        for (letters, &share) in made.iter().enumerate().filter(|&(_, &share)| share > 0.0) {
            for (to, &piece) in longer.iter_mut().skip(letters).zip(&pieces) {
                *to += share * piece;
            }
        }
        made = longer;
    }
    excluded
}

/// Returns the largest possible share of strings of each length, beginning with none, that are within one edit of a word.
fn piece_shares(words: &[Vec<char>], shares: &Shares, length: usize) -> Vec<f64> {
    let mut pieces = vec![0.0; length + 1];
    let mut add = |length: usize, share: f64| {
        if let Some(slot) = pieces.get_mut(length) {
            *slot += share;
        }
    };
    for word in words {
        let letters: Vec<f64> = word.iter().map(|&letter| shares.of(letter)).collect();
        let whole: f64 = letters.iter().product();
        let all_but = |left_out: usize| -> f64 {
            let others = letters.iter().enumerate().filter(|&(at, _)| at != left_out);
            others.map(|(_, share)| share).product()
        };
        let all_but_one: f64 = (0..letters.len()).map(all_but).sum();
        add(word.len() - 1, all_but_one); // one letter removed
        add(word.len(), all_but_one); // one letter replaced by any, itself included
        add(word.len() + 1, number(letters.len() + 1) * whole); // any letter inserted
    }
    pieces.iter_mut().for_each(|share| *share = share.min(1.0));
    pieces
}

/// Dictionary words, runs, and too few different characters.
fn by_custom(custom: &Custom, alphabet: &[char], length: usize) -> f64 {
    let policy = &custom.policy;
    let shares = Shares::new(alphabet, |c| custom.fold.fold(c));
    let word = |word: &Vec<char>| -> f64 {
        let places = (length + 1).saturating_sub(word.len());
        number(places) * word.iter().map(|&letter| shares.of(letter)).product::<f64>()
    };
    let words: f64 = custom.words.iter().map(word).sum();
    let shares = Shares::new(alphabet, fold_case);
    let places = |run: usize| number((length + 1).saturating_sub(run));
    let repeats = policy.max_repeat.map_or(0.0, |limit| {
        let run = usize::from(limit.max(1)) + 1;
        places(run) * shares.by_letter.values().map(|&share| power(share, run)).sum::<f64>()
    });
    let sequences = policy.max_sequence.map_or(0.0, |limit| {
        let run = usize::from(limit.max(1)) + 1;
        let chain = |first: char| -> f64 {
            let letters = (0..run as u32).map(|step| char::from_u32(first as u32 + step).unwrap_or('\0'));
            letters
                .map(|letter| if letter.is_ascii_alphanumeric() { shares.of(letter) } else { 0.0 })
                .product()
        };
        2.0 * places(run) * shares.by_letter.keys().map(|&first| chain(first)).sum::<f64>()
    });
    let few = usize::from(policy.min_distinct).checked_sub(1).map_or(0.0, |kinds| {
        if kinds >= shares.count() {
            1.0
        } else {
            choose(shares.count(), kinds) * power(shares.top(kinds), length)
        }
    });
    words + repeats + sequences + few
}

/// Returns the share of the strings that are a banned word of Lithnet after normalization.
fn by_lithnet(policy: &LithnetPolicy, alphabet: &[char], length: usize) -> f64 {
    let passed = alphabet.iter().filter(|&&c| passes_over(c)).count();
    let passed = number(passed) / number(alphabet.len());
    let shares = Shares::new(alphabet, crate::check::lithnet::unmasked);
    let normalized = policy.banned_words.iter().map(|word| crate::check::lithnet::word(word, policy));
    let share = |word: Vec<char>| -> f64 {
        let Some(rest) = length.checked_sub(word.len()).filter(|_| !word.is_empty()) else { return 0.0 };
        let letters = word.iter().map(|&letter| shares.of(letter)).product::<f64>();
        choose(length, rest) * letters * power(passed, rest)
    };
    normalized.map(share).sum()
}

#[allow(clippy::cast_precision_loss)] // lengths and sizes of lists
fn number(count: usize) -> f64 {
    count as f64
}

#[allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap)] // a length
pub(super) fn power(base: f64, exponent: usize) -> f64 {
    libm::pow(base, number(exponent))
}

fn choose(from: usize, count: usize) -> f64 {
    let count = count.min(from - count.min(from));
    (0..count).map(|at| number(from - at) / number(at + 1)).product()
}
