//! Random numbers below a bound, all equally likely, fetched in blocks that are wiped.

use zeroize::Zeroizing;

use crate::{RandomError, RandomSource};

/// Enough for a password of usual length, and no more to fetch and to wipe than that. Linux makes so many from a single
/// block of its generator.
const BLOCK: usize = 32;

/// So many draws in a row have to be repeated with a probability below 2^-64.
const MAX_REPEATED: usize = 64;

/// Draws numbers below a bound: as many of them as fit from each 64 random bits.
pub(super) struct Draws<'a> {
    source: &'a mut dyn RandomSource,
    block: Zeroizing<[u8; BLOCK]>,
    used: usize,
    bound: u64,
    /// How many numbers 64 bits make.
    each: u32,
    /// Bits from here on would make some numbers likelier than others.
    even: Option<u64>,
    bits: Zeroizing<u64>,
    left: u32,
}

impl<'a> Draws<'a> {
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
