//! A generator that satisfies every target at once.

mod error;
mod score;
mod space;

use core::mem;

use onramp_core::Password;
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, Zeroizing};

pub use error::{Conflict, GenerateError};
use space::Space;

use crate::{Checker, Context, OsRandom, Policy, RandomError, RandomSource, Reading, Target, entra};

/// The smallest share of candidates that may be acceptable, for drawing and rejecting to be a sensible method.
const SMALLEST_SHARE: f64 = 1e-3;

/// What to generate.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
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
    checker: Checker,
    alphabet: Vec<char>,
    length: usize,
    entropy: Entropy,
    attempts: usize,
}

impl Generator {
    /// A generator for a policy and a context, with the default options.
    ///
    /// Banned words are always read conservatively, so that what it generates passes in the
    /// documented reading and in every stricter one that [`Reading::Conservative`] covers.
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
        let length = length(&checker, options)?;
        let alphabet = alphabet(&checker, options)?;
        let space = Space::measure(&checker, &alphabet, length)?;
        let share = space.share - space.banned_at_most;
        if share < SMALLEST_SHARE {
            return Err(GenerateError::TooNarrow { share });
        }
        #[allow(clippy::cast_precision_loss)] // an alphabet or a length beyond 2^52 does not exist
        let all = length as f64 * (alphabet.len() as f64).log2();
        // So many attempts fail together with a probability below 2^-64.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // between 45 and 44,362
        let attempts = (64.0 * core::f64::consts::LN_2 / share).ceil() as usize;
        let entropy =
            Entropy { bits: (all + share.log2()).max(0.0), at_most: (all + space.share.log2()).max(0.0) };
        Ok(Self { checker, alphabet, length, entropy, attempts })
    }

    /// The length of the passwords, in characters.
    #[must_use]
    pub fn length(&self) -> usize {
        self.length
    }

    /// How hard the passwords are to guess.
    #[must_use]
    pub fn entropy(&self) -> Entropy {
        self.entropy
    }

    /// A password from the operating system's random numbers.
    ///
    /// # Errors
    /// [`GenerateError::Random`] when the system has none.
    pub fn generate(&self) -> Result<Password, GenerateError> {
        self.generate_from(&mut OsRandom)
    }

    /// A password from random numbers of your own.
    ///
    /// # Errors
    /// [`GenerateError::Random`] when the source fails, [`GenerateError::Exhausted`] when it is not random.
    pub fn generate_from(&self, random: &mut dyn RandomSource) -> Result<Password, GenerateError> {
        let mut bytes = RandomUnits::new(random);
        // Reserved at once: a buffer that grows would leave copies behind.
        let mut candidate = Zeroizing::new(String::with_capacity(self.length * char::MAX.len_utf8()));
        for _ in 0..self.attempts {
            while candidate.chars().count() < self.length {
                candidate.extend(bytes.pick(&self.alphabet)?);
            }
            if self.checker.check(&candidate).is_accepted() {
                return Ok(Password::new(mem::take(&mut *candidate)));
            }
            candidate.zeroize();
        }
        Err(GenerateError::Exhausted { attempts: self.attempts })
    }
}

/// Random numbers of 16 bits, fetched in blocks that are wiped.
struct RandomUnits<'a> {
    source: &'a mut dyn RandomSource,
    block: Zeroizing<[u8; 128]>,
    used: usize,
}

impl<'a> RandomUnits<'a> {
    fn new(source: &'a mut dyn RandomSource) -> Self {
        Self { source, block: Zeroizing::new([0; 128]), used: 128 }
    }

    /// One of the characters, all equally likely; `None` when this draw has to be repeated to keep it so.
    fn pick(&mut self, alphabet: &[char]) -> Result<Option<char>, RandomError> {
        if self.used + 2 > self.block.len() {
            self.source.fill(&mut *self.block)?;
            self.used = 0;
        }
        let unit = match self.block.get(self.used..self.used + 2) {
            Some(&[high, low]) => usize::from(u16::from_be_bytes([high, low])),
            _ => 0,
        };
        self.used += 2;
        let even = (1 << 16) / alphabet.len() * alphabet.len();
        Ok((unit < even).then(|| alphabet.get(unit % alphabet.len()).copied()).flatten())
    }
}

/// The length to generate, if it suits every target.
fn length(checker: &Checker, options: &GeneratorOptions) -> Result<usize, Conflict> {
    let on_premises = checker.on_premises.as_ref().map(|policy| {
        (Target::OnPremises, usize::from(policy.min_length), usize::from(crate::AdPolicy::MAX_LENGTH))
    });
    let cloud = checker
        .cloud
        .as_ref()
        .map(|policy| (Target::Cloud, usize::from(policy.min_length), usize::from(policy.max_length)));
    let targets: Vec<_> = on_premises.into_iter().chain(cloud).collect();

    let minimum = targets.iter().map(|&(target, min, _)| (min, target)).max();
    let maximum = targets.iter().map(|&(target, _, max)| (max, target)).min();
    if let (Some((minimum, minimum_of)), Some((maximum, maximum_of))) = (minimum, maximum)
        && minimum > maximum
    {
        return Err(Conflict::Lengths { minimum, minimum_of, maximum, maximum_of });
    }
    let length = options.length.unwrap_or_else(|| {
        let longest = maximum.map_or(usize::MAX, |(length, _)| length);
        GeneratorOptions::DEFAULT_LENGTH.max(minimum.map_or(0, |(length, _)| length)).min(longest)
    });
    if let Some((minimum, target)) = minimum.filter(|&(minimum, _)| length < minimum) {
        return Err(Conflict::TooShort { length, minimum, target });
    }
    // Without a target there still is an end, so that the work is bounded.
    let (maximum, target) = maximum.unwrap_or((usize::from(crate::AdPolicy::MAX_LENGTH), Target::Caller));
    if length > maximum {
        return Err(Conflict::TooLong { length, maximum, target });
    }
    Ok(length)
}

/// The characters that every target takes.
fn alphabet(checker: &Checker, options: &GeneratorOptions) -> Result<Vec<char>, Conflict> {
    let mut alphabet: Vec<char> = match &options.alphabet {
        Some(characters) => characters.chars().collect(),
        None => ('!'..='~').collect(),
    };
    alphabet.sort_unstable();
    alphabet.dedup();
    alphabet.retain(|&c| u32::from(c) <= 0xFFFF && (checker.cloud.is_none() || entra::allows(c)));
    if alphabet.is_empty() { Err(Conflict::NoCharacters) } else { Ok(alphabet) }
}
