//! A generator that satisfies every target at once.

use alloc::string::String;
use alloc::vec::Vec;

use zeroize::Zeroizing;

use super::acceptance_space::AcceptanceSpace;
use super::error::GenerateError;
use super::options::GeneratorOptions;
#[cfg(all(feature = "os-random", feature = "onramp-core"))]
use super::random::OsRandom;
use super::random::RandomSource;
use super::requirements;
use super::sampling::{Entropy, Odds, RejectionSampler, UniformDraws};
use crate::check::{Checker, Lookups};
use crate::context::Context;
use crate::policy::Policy;
use crate::protection::Interpretation;

/// Draws passwords uniformly from all that a policy accepts, of one length and over one alphabet.
#[derive(Clone, Debug)]
pub struct Generator {
    alphabet: Vec<char>,
    length: usize,
    trials: RejectionSampler,
}

impl Generator {
    /// Creates a generator for a policy and a context, with the default options.
    ///
    /// Banned words are always read conservatively, so that what it generates passes in every interpretation.
    ///
    /// # Errors
    /// [`GenerateError::Unsatisfiable`] names the demands that contradict each other; see there for the others.
    pub fn new(policy: &Policy, context: &Context) -> Result<Self, GenerateError> {
        Self::with_options(policy, context, &GeneratorOptions::default())
    }

    /// Creates a generator of passwords of this length, over this alphabet.
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
            protection.interpretation = Interpretation::Conservative;
        }
        let checker = Checker::new(&policy, context);
        let length = requirements::length(&checker, options)?;
        let alphabet = requirements::alphabet(&checker, options)?;
        let space = AcceptanceSpace::measure(&checker, policy.protection.as_ref(), &alphabet, length)?;
        #[allow(clippy::cast_precision_loss)] // an alphabet or a length beyond 2^52 does not exist
        let all = length as f64 * libm::log2(alphabet.len() as f64);
        let odds = Odds::new(all, space.share, space.excluded_at_most)?;
        let widest = alphabet.iter().map(|c| c.len_utf8()).max().unwrap_or(1);
        Ok(Self { alphabet, length, trials: RejectionSampler::new(checker, odds, length * widest) })
    }

    /// Returns the length of the passwords, in characters.
    #[must_use]
    pub fn length(&self) -> usize {
        self.length
    }

    /// Returns the entropy of the passwords.
    #[must_use]
    pub fn entropy(&self) -> Entropy {
        self.trials.entropy()
    }

    /// Draws a password from the operating system's random numbers.
    ///
    /// # Errors
    /// [`GenerateError::Random`] when the system has none.
    #[cfg(all(feature = "os-random", feature = "onramp-core"))]
    pub fn generate(&self) -> Result<onramp_core::Password, GenerateError> {
        self.generate_from(&mut OsRandom)
    }

    /// Draws a password from random numbers of your own.
    ///
    /// # Errors
    /// [`GenerateError::Random`] when the source fails, [`GenerateError::Exhausted`] when it is not random.
    #[cfg(feature = "onramp-core")]
    pub fn generate_from(
        &self,
        random: &mut dyn RandomSource,
    ) -> Result<onramp_core::Password, GenerateError> {
        self.generate_with(random, &Lookups::default())
    }

    /// Draws a password that is neither known from a breach nor was used before, as far as the lookups tell.
    ///
    /// What they refuse is drawn anew, so that all others stay equally likely; the entropy does not take account of it.
    ///
    /// # Errors
    /// As [`Generator::generate_from`]; [`GenerateError::Exhausted`] also when the lookups refuse everything.
    #[cfg(feature = "onramp-core")]
    pub fn generate_with(
        &self,
        random: &mut dyn RandomSource,
        lookups: &Lookups<'_>,
    ) -> Result<onramp_core::Password, GenerateError> {
        self.secret(random, lookups).map(super::sampling::password)
    }

    /// Draws a password as `generate_with` does, as plain text that is wiped when dropped, for programs without
    /// `onramp-core`.
    ///
    /// # Errors
    /// [`GenerateError::Random`] when the source fails, [`GenerateError::Exhausted`] when it is not random or the lookups
    /// refuse everything.
    pub fn secret(
        &self,
        random: &mut dyn RandomSource,
        lookups: &Lookups<'_>,
    ) -> Result<Zeroizing<String>, GenerateError> {
        let mut draws = UniformDraws::new(random, self.alphabet.len());
        self.trials.first_accepted(lookups, |candidate| {
            for _ in 0..self.length {
                candidate.extend(self.alphabet.get(draws.next()?));
            }
            Ok(())
        })
    }
}
