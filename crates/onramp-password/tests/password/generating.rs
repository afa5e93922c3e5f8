//! What the tests of both generators need.

use std::fmt::Debug;

use onramp_password::generate::{Conflict, RandomError, RandomSource};
use onramp_password::protection::Interpretation;
use onramp_password::{GenerateError, ProtectionPolicy};

/// A small generator of known numbers (SplitMix64), so that a test always sees the same ones.
pub(crate) struct Known(pub(crate) u64);

impl RandomSource for Known {
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), RandomError> {
        for chunk in bytes.chunks_mut(8) {
            self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let mut z = self.0;
            z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            for (byte, known) in chunk.iter_mut().zip((z ^ (z >> 31)).to_be_bytes()) {
                *byte = known;
            }
        }
        Ok(())
    }
}

/// Banned words as the generators read them.
pub(crate) fn conservative<const N: usize>(words: [&str; N]) -> ProtectionPolicy {
    ProtectionPolicy::new(words).with_interpretation(Interpretation::Conservative)
}

/// The contradiction for which there is no generator.
pub(crate) fn conflict<T: Debug>(result: Result<T, GenerateError>) -> Conflict {
    match result {
        Err(GenerateError::Unsatisfiable(conflict)) => conflict,
        other => panic!("not a contradiction: {other:?}"),
    }
}
