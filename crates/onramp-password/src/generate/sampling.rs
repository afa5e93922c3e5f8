//! Candidates drawn until one is accepted, from random numbers below a bound: all equally likely, fetched in blocks that
//! are wiped.

use alloc::string::String;

use serde::Serialize;
use zeroize::{Zeroize, Zeroizing};

use super::error::GenerateError;
use super::random::{RandomError, RandomSource};
use crate::check::{Checker, Lookups};

/// The entropy of a generated password for an attacker who knows everything but the random numbers.
///
/// Every acceptable password is equally likely, so that entropy and min-entropy are the same number.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Entropy {
    bits: f64,
    at_most: f64,
}

impl Entropy {
    /// Returns the bits that are guaranteed: the logarithm of the number of acceptable passwords. Exact (to the precision of
    /// `f64`) without banned words; with them, the passwords that they may exclude are counted at most.
    #[must_use]
    pub fn bits(self) -> f64 {
        self.bits
    }

    /// Returns the bits if banned words excluded nothing.
    #[must_use]
    pub fn at_most(self) -> f64 {
        self.at_most
    }
}

/// The smallest share of candidates that may be acceptable, for drawing and rejecting to be a sensible method.
const SMALLEST_SHARE: f64 = 1e-3;

/// The odds of candidates before one is drawn.
#[derive(Clone, Copy, Debug)]
pub(super) struct Odds {
    pub(super) entropy: Entropy,
    attempts: usize,
}

impl Odds {
    /// Computes the odds from the bits of all candidates, the share that meets the requirements, and the maximum
    /// share that is excluded.
    pub(super) fn new(bits: f64, fitting: f64, excluded_at_most: f64) -> Result<Self, GenerateError> {
        let share = fitting - excluded_at_most;
        if share < SMALLEST_SHARE {
            return Err(GenerateError::TooNarrow { share: share.max(0.0) });
        }
        let entropy = Entropy {
            bits: (bits + libm::log2(share)).max(0.0),
            at_most: (bits + libm::log2(fitting)).max(0.0),
        };
        // So many attempts fail together with a probability below 2^-64.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // between 45 and 44,362
        let attempts = libm::ceil(64.0 * core::f64::consts::LN_2 / share) as usize;
        Ok(Self { entropy, attempts })
    }
}

/// Draws candidates until one is accepted.
#[derive(Clone, Debug)]
pub(super) struct RejectionSampler {
    checker: Checker,
    odds: Odds,
    /// The bytes of the longest candidate.
    longest: usize,
}

impl RejectionSampler {
    pub(super) fn new(checker: Checker, odds: Odds, longest: usize) -> Self {
        Self { checker, odds, longest }
    }

    pub(super) fn entropy(&self) -> Entropy {
        self.odds.entropy
    }

    /// Returns the first candidate that is accepted, and that the lookups do not refuse.
    pub(super) fn first_accepted(
        &self,
        lookups: &Lookups<'_>,
        mut draw: impl FnMut(&mut String) -> Result<(), RandomError>,
    ) -> Result<Zeroizing<String>, GenerateError> {
        // Reserved at once: a buffer that grows would leave copies behind.
        let mut candidate = Zeroizing::new(String::with_capacity(self.longest));
        for _ in 0..self.odds.attempts {
            draw(&mut candidate)?;
            if self.checker.check_with(&candidate, lookups).is_accepted() {
                return Ok(candidate);
            }
            candidate.zeroize();
        }
        Err(GenerateError::Exhausted { attempts: self.odds.attempts })
    }
}

/// Returns the text as a password, without a copy of it.
#[cfg(feature = "onramp-core")]
pub(super) fn password(mut secret: Zeroizing<String>) -> onramp_core::Password {
    onramp_core::Password::new(core::mem::take(&mut *secret))
}

/// Enough for a password of usual length, and no more to fetch and to wipe than that. Linux makes so many from a single
/// block of its generator.
const BLOCK: usize = 32;

/// The number of repeated draws in a row, which has a probability below 2^-64.
const MAX_REPEATED: usize = 64;

/// Draws numbers below a bound: as many of them as fit from each 64 random bits.
pub(super) struct UniformDraws<'a> {
    source: &'a mut dyn RandomSource,
    block: Zeroizing<[u8; BLOCK]>,
    used: usize,
    bound: u64,
    /// The number of values per 64 bits.
    each: u32,
    /// Bits from here on would make some numbers likelier than others.
    even: Option<u64>,
    bits: Zeroizing<u64>,
    left: u32,
}

impl<'a> UniformDraws<'a> {
    /// Numbers below `bound`, which is at least one.
    pub(super) fn new(source: &'a mut dyn RandomSource, bound: usize) -> Self {
        let bound = (bound as u64).max(1);
        let (mut each, mut range) = (1, bound);
        while let Some(wider) = range.checked_mul(bound).filter(|_| bound > 1 && each < 16) {
            (each, range) = (each + 1, wider);
        }
        // 2^64 modulo the range, without 2^64.
        let uneven = (u64::MAX % range + 1) % range;
        let even = (uneven > 0).then(|| u64::MAX - uneven + 1);
        Self {
            source,
            block: Zeroizing::new([0; BLOCK]),
            used: BLOCK,
            bound,
            each,
            even,
            bits: Zeroizing::new(0),
            left: 0,
        }
    }

    #[inline]
    pub(super) fn next(&mut self) -> Result<usize, RandomError> {
        if self.left == 0 {
            *self.bits = self.even_bits()?;
            self.left = self.each;
        }
        let number = *self.bits % self.bound;
        *self.bits /= self.bound;
        self.left -= 1;
        #[allow(clippy::cast_possible_truncation)] // below a bound that was a usize
        Ok(number as usize)
    }

    fn even_bits(&mut self) -> Result<u64, RandomError> {
        // Each draw is repeated with a probability of one half at most.
        for _ in 0..MAX_REPEATED {
            if self.used + 8 > BLOCK {
                self.source.fill(&mut *self.block)?;
                self.used = 0;
            }
            let bytes = self.block.get(self.used..self.used + 8).and_then(|bytes| bytes.first_chunk());
            let bits = bytes.map_or(0, |&bytes| u64::from_le_bytes(bytes));
            self.used += 8;
            if self.even.is_none_or(|even| bits < even) {
                return Ok(bits);
            }
        }
        Err(RandomError::new("the bytes it delivers cannot be random"))
    }
}
