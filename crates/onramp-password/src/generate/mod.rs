//! A generator that satisfies every target at once.

mod blocks;
mod demands;
mod draw;
mod error;
mod excluded;
mod passphrase;
mod space;

use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use draw::{Draws, Odds, Trials};
pub use error::{Conflict, GenerateError};
pub use passphrase::{PassphraseOptions, Passphrases};
use space::Space;

#[cfg(all(feature = "os-random", feature = "onramp"))]
use crate::OsRandom;
use crate::{Checker, Context, Lookups, Policy, RandomSource, Reading};

/// What to generate.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct GeneratorOptions {
    /// The length in characters. `None` is [`GeneratorOptions::DEFAULT_LENGTH`], or what the policy needs or allows
    /// when that is more or less.
    pub length: Option<usize>,
    /// The characters to draw from; duplicates and characters that no target would take are left out, and so is
    /// everything outside the basic plane. `None` is printable ASCII without the blank.
    pub alphabet: Option<String>,
}

impl GeneratorOptions {
    /// The length when nothing else is asked for: about 157 bits.
    pub const DEFAULT_LENGTH: usize = 24;

    /// The same options with this length in characters.
    #[must_use]
    pub fn with_length(mut self, characters: usize) -> Self {
        self.length = Some(characters);
        self
    }

    /// The same options with these characters to draw from.
    #[must_use]
    pub fn with_alphabet(mut self, characters: impl Into<String>) -> Self {
        self.alphabet = Some(characters.into());
        self
    }
}

/// How hard a generated password is to guess for somebody who knows everything but the random numbers.
///
/// Every acceptable password is equally likely, so that entropy and min-entropy are the same number.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Entropy {
    bits: f64,
    at_most: f64,
}

impl Entropy {
    /// The bits that are guaranteed: the logarithm of the number of acceptable passwords. Exact (to the precision of
    /// `f64`) without banned words; with them, the passwords that they may exclude are counted at most.
    #[must_use]
    pub fn bits(self) -> f64 {
        self.bits
    }

    /// The bits if banned words excluded nothing.
    #[must_use]
    pub fn at_most(self) -> f64 {
        self.at_most
    }
}

/// Draws passwords uniformly from all that a policy accepts, of one length and over one alphabet.
#[derive(Clone, Debug)]
pub struct Generator {
    alphabet: Vec<char>,
    length: usize,
    trials: Trials,
}

impl Generator {
    /// A generator for a policy and a context, with the default options.
    ///
    /// Banned words are always read conservatively, so that what it generates passes in every reading.
    ///
    /// # Errors
    /// [`GenerateError::Unsatisfiable`] names the demands that contradict each other; see there for the others.
    pub fn new(policy: &Policy, context: &Context) -> Result<Self, GenerateError> {
        Self::with_options(policy, context, &GeneratorOptions::default())
    }

    /// A generator of passwords of this length, over this alphabet.
    ///
    /// # Errors
    /// As [`Generator::new`].
    pub fn with_options(
        policy: &Policy,
        context: &Context,
        options: &GeneratorOptions,
    ) -> Result<Self, GenerateError> {
        let mut policy = policy.clone();
        if let Some(protection) = &mut policy.protection {
            protection.reading = Reading::Conservative;
        }
        let checker = Checker::new(&policy, context);
        let length = demands::length(&checker, options)?;
        let alphabet = demands::alphabet(&checker, options)?;
        let space = Space::measure(&checker, policy.protection.as_ref(), &alphabet, length)?;
        #[allow(clippy::cast_precision_loss)] // an alphabet or a length beyond 2^52 does not exist
        let all = length as f64 * libm::log2(alphabet.len() as f64);
        let odds = Odds::new(all, space.share, space.excluded_at_most)?;
        let widest = alphabet.iter().map(|c| c.len_utf8()).max().unwrap_or(1);
        Ok(Self { alphabet, length, trials: Trials::new(checker, odds, length * widest) })
    }

    /// The length of the passwords, in characters.
    #[must_use]
    pub fn length(&self) -> usize {
        self.length
    }

    /// How hard the passwords are to guess.
    #[must_use]
    pub fn entropy(&self) -> Entropy {
        self.trials.entropy()
    }

    /// A password from the operating system's random numbers.
    ///
    /// # Errors
    /// [`GenerateError::Random`] when the system has none.
    #[cfg(all(feature = "os-random", feature = "onramp"))]
    pub fn generate(&self) -> Result<onramp_core::Password, GenerateError> {
        self.generate_from(&mut OsRandom)
    }

    /// A password from random numbers of your own.
    ///
    /// # Errors
    /// [`GenerateError::Random`] when the source fails, [`GenerateError::Exhausted`] when it is not random.
    #[cfg(feature = "onramp")]
    pub fn generate_from(
        &self,
        random: &mut dyn RandomSource,
    ) -> Result<onramp_core::Password, GenerateError> {
        self.generate_with(random, &Lookups::default())
    }

    /// A password that is neither known from a breach nor was used before, as far as the lookups tell.
    ///
    /// What they refuse is drawn anew, so that all others stay equally likely; the entropy does not take account of it.
    ///
    /// # Errors
    /// As [`Generator::generate_from`]; [`GenerateError::Exhausted`] also when the lookups refuse everything.
    #[cfg(feature = "onramp")]
    pub fn generate_with(
        &self,
        random: &mut dyn RandomSource,
        lookups: &Lookups<'_>,
    ) -> Result<onramp_core::Password, GenerateError> {
        self.secret(random, lookups).map(draw::password)
    }

    /// The same as plain text that is wiped when dropped, for programs without `onramp-core`.
    ///
    /// # Errors
    /// As [`Generator::new`] does not have: [`GenerateError::Random`] when the source fails, and
    /// [`GenerateError::Exhausted`] when it is not random or the lookups refuse everything.
    pub fn secret(
        &self,
        random: &mut dyn RandomSource,
        lookups: &Lookups<'_>,
    ) -> Result<Zeroizing<String>, GenerateError> {
        let mut draws = Draws::new(random, self.alphabet.len());
        self.trials.first_accepted(lookups, |candidate| {
            for _ in 0..self.length {
                candidate.extend(self.alphabet.get(draws.next()?));
            }
            Ok(())
        })
    }
}

/// The least and the most characters, the alphabet and the most classes that are demanded.
pub(crate) fn demanded(
    checker: &Checker,
    options: &GeneratorOptions,
) -> Result<(usize, Option<usize>, String, u32), Conflict> {
    let (least, most) = demands::range(checker)?;
    let alphabet = demands::alphabet(checker, options)?;
    let classes = demands::Required::of(checker, least).most_classes();
    Ok((least, most, alphabet.into_iter().collect(), classes))
}
