//! Passphrases: words, each as likely as every other, that satisfy every target together.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use zeroize::Zeroizing;

use super::error::{Conflict, GenerateError};
use super::options::PassphraseOptions;
#[cfg(all(feature = "os-random", feature = "onramp-core"))]
use super::random::OsRandom;
use super::random::RandomSource;
use super::requirements::{RequiredClasses, Seen};
use super::sampling::{Entropy, Odds, RejectionSampler, UniformDraws};
use super::word_list::WordList;
use super::{requirements, word_list};
use crate::check::{Checker, Lookups};
use crate::context::Context;
use crate::policy::Policy;
use crate::protection::Interpretation;

/// The range of the number of words. One alone would be a word of a list, whatever stands behind it.
const WORDS: core::ops::RangeInclusive<usize> = 2..=24;

/// Draws passphrases uniformly from all that a policy accepts, of one number of words from one list.
///
/// ```
/// use onramp_password::check::Context;
/// use onramp_password::generate::{Passphrases, PassphraseOptions};
/// use onramp_password::Policy;
///
/// let words = ["anchor", "basket", "candle", "dragon", "falcon", "garden", "harvest", "island"];
/// let options = PassphraseOptions::default().with_words(6);
/// let phrases = Passphrases::new(&Policy::hybrid(), &Context::new(), words, &options)?;
/// // Six of eight words and two digits, nothing of which the policy refuses.
/// assert!((phrases.entropy().bits() - (6.0 * 3.0 + 100_f64.log2())).abs() < 1e-9);
/// # Ok::<(), onramp_password::GenerateError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Passphrases {
    words: Vec<Box<str>>,
    endings: Vec<Box<str>>,
    count: usize,
    separator: char,
    trials: RejectionSampler,
}

impl Passphrases {
    /// Creates a generator for a policy and a context, from a list of words.
    ///
    /// Left out of the list are words that are there twice (case aside), that hold anything but letters, that have too
    /// few different letters to count, or that a target would refuse wherever they stand, such as those with the account's
    /// name in them. Banned words are always read conservatively, so that what is generated passes in every interpretation.
    ///
    /// # Errors
    /// [`GenerateError::Unsatisfiable`] names the demands that contradict each other; see there for the others.
    pub fn new<I: IntoIterator<Item = S>, S: AsRef<str>>(
        policy: &Policy,
        context: &Context,
        words: I,
        options: &PassphraseOptions,
    ) -> Result<Self, GenerateError> {
        let mut policy = policy.clone();
        if let Some(protection) = &mut policy.protection {
            protection.interpretation = Interpretation::Conservative;
        }
        let checker = Checker::new(&policy, context);
        let list = WordList::new(&checker, words, options)?;
        let of_count = |count| Self::of_count(&checker, &policy, &list, count);
        let (count, odds) = match options.words {
            Some(count) => (count, of_count(count)?),
            None => enough_words(of_count)?,
        };
        let longest = |all: &[Box<str>]| all.iter().map(|one| one.len()).max().unwrap_or(0);
        let separator = list.separator;
        let longest = count * (longest(&list.words) + separator.len_utf8()) + longest(&list.endings);
        let WordList { words, endings, .. } = list;
        Ok(Self { words, endings, count, separator, trials: RejectionSampler::new(checker, odds, longest) })
    }

    /// Returns the odds of phrases of so many words.
    fn of_count(
        checker: &Checker,
        policy: &Policy,
        list: &WordList,
        count: usize,
    ) -> Result<Odds, GenerateError> {
        if !WORDS.contains(&count) {
            return Err(Conflict::WordCount { count, least: *WORDS.start(), most: *WORDS.end() }.into());
        }
        list.scores(count)?;
        let fitting = share(checker, list, count)?;
        let bits = list.bits(count);
        let excluded = word_list::excluded(checker, policy.protection.as_ref(), list, count, bits);
        Odds::new(bits, fitting, excluded)
    }

    /// Returns the number of words in a phrase.
    #[must_use]
    pub fn words(&self) -> usize {
        self.count
    }

    /// Returns the number of usable words of the list.
    #[must_use]
    pub fn list_len(&self) -> usize {
        self.words.len()
    }

    /// Returns the entropy of the phrases.
    #[must_use]
    pub fn entropy(&self) -> Entropy {
        self.trials.entropy()
    }

    /// Draws a phrase from the operating system's random numbers.
    ///
    /// # Errors
    /// [`GenerateError::Random`] when the system has none.
    #[cfg(all(feature = "os-random", feature = "onramp-core"))]
    pub fn generate(&self) -> Result<onramp_core::Password, GenerateError> {
        self.generate_with(&mut OsRandom, &Lookups::default())
    }

    /// Draws a phrase from random numbers of your own that is neither known from a breach nor was used before, as far as the
    /// lookups tell.
    ///
    /// # Errors
    /// [`GenerateError::Random`] when the source fails; [`GenerateError::Exhausted`] when it is not random, or the lookups
    /// refuse everything.
    #[cfg(feature = "onramp-core")]
    pub fn generate_with(
        &self,
        random: &mut dyn RandomSource,
        lookups: &Lookups<'_>,
    ) -> Result<onramp_core::Password, GenerateError> {
        self.secret(random, lookups).map(super::sampling::password)
    }

    /// Draws a phrase as `generate_with` does, as plain text that is wiped when dropped, for programs without
    /// `onramp-core`.
    ///
    /// # Errors
    /// As for `generate_with`.
    pub fn secret(
        &self,
        random: &mut dyn RandomSource,
        lookups: &Lookups<'_>,
    ) -> Result<Zeroizing<String>, GenerateError> {
        self.trials.first_accepted(lookups, |phrase| {
            let mut draws = UniformDraws::new(random, self.words.len());
            for place in 0..self.count {
                if place > 0 {
                    phrase.push(self.separator);
                }
                phrase.push_str(self.words.get(draws.next()?).map_or("", |word| word));
            }
            if !self.endings.is_empty() {
                phrase.push(self.separator);
                let ending = UniformDraws::new(random, self.endings.len()).next()?;
                phrase.push_str(self.endings.get(ending).map_or("", |digits| digits));
            }
            Ok(())
        })
    }
}

/// Returns the fewest words that are enough, or the most that are acceptable, when that is less.
fn enough_words(
    of_count: impl Fn(usize) -> Result<Odds, GenerateError>,
) -> Result<(usize, Odds), GenerateError> {
    let mut best = Err(GenerateError::from(Conflict::NoWords));
    for count in WORDS {
        match of_count(count) {
            Ok(found) if found.entropy.bits() >= PassphraseOptions::DEFAULT_BITS => {
                return Ok((count, found));
            }
            Ok(found) => best = Ok((count, found)),
            // Too few so far, or too many from here on.
            Err(error) if best.is_err() => best = Err(error),
            Err(_) => break,
        }
    }
    best
}

/// Returns the share of all phrases that have a length, the classes and the points that every target takes.
fn share(checker: &Checker, list: &WordList, count: usize) -> Result<f64, Conflict> {
    let (least, most) = requirements::range(checker)?;
    let most = most.unwrap_or(requirements::LONGEST);
    // What is looked at does not depend on the length, only what is made of it.
    let required = RequiredClasses::of(checker, least);
    let after = |seen: Seen, text: &str| text.chars().fold(seen, |seen, c| seen.with(c, &required));
    // By length and by what was seen.
    let mut shares = BTreeMap::from([((0, Seen::default()), 1.0)]);
    let mut separator = [0; 4];
    let separator: &str = list.separator.encode_utf8(&mut separator);
    let ending = (!list.endings.is_empty()).then_some(&list.endings);
    let parts = core::iter::repeat_n(&list.words, count).chain(ending);
    for (place, part) in parts.enumerate() {
        let kinds = kinds(part, |text| after(Seen::default(), text));
        let mut longer: BTreeMap<(usize, Seen), f64> = BTreeMap::new();
        for ((length, seen), share) in shares {
            let (length, seen) =
                if place > 0 { (length + 1, after(seen, separator)) } else { (length, seen) };
            for kind in &kinds {
                let key = (length + kind.length, after(seen, kind.example));
                if key.0 <= most {
                    *longer.entry(key).or_default() += share * kind.share;
                }
            }
        }
        shares = longer;
    }
    let fits = |&&(length, seen): &&(usize, Seen)| {
        length >= least && RequiredClasses::of(checker, length).met(seen, length)
    };
    let total: f64 = shares.iter().filter(|(key, _)| fits(key)).map(|(_, share)| share).sum();
    if total > 0.0 { Ok(total.min(1.0)) } else { Err(Conflict::Phrase { words: count, least, most }) }
}

/// Words that no rule about lengths and classes tells apart.
struct Kind<'a> {
    example: &'a str,
    length: usize,
    /// Their share of the list.
    share: f64,
}

fn kinds(texts: &[Box<str>], seen: impl Fn(&str) -> Seen) -> Vec<Kind<'_>> {
    #[allow(clippy::cast_precision_loss)] // the size of a list
    let one = 1.0 / texts.len() as f64;
    let mut kinds: BTreeMap<(usize, Seen), Kind<'_>> = BTreeMap::new();
    for text in texts {
        let length = text.chars().count();
        kinds.entry((length, seen(text))).or_insert(Kind { example: text, length, share: 0.0 }).share += one;
    }
    kinds.into_values().collect()
}
