//! Numbers that follow from a seed: SplitMix64 of Steele, Lea and Flood (OOPSLA 2014).
//!
//! A lab must be the same for the same seed with every version of every dependency, and nothing in it is secret to
//! those who know the seed. So the generator is here: small and fast, and not for cryptography.

/// A generator of numbers.
#[derive(Debug, Clone)]
pub(crate) struct SeededNumbers(u64);

impl SeededNumbers {
    /// Begins the sequence of a seed.
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Begins one of several sequences of a seed.
    pub(crate) fn of_stream(seed: u64, stream: u64) -> Self {
        Self(seed ^ mix(stream))
    }

    pub(crate) fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    pub(crate) fn next_u32(&mut self) -> u32 {
        let [high @ .., _, _, _, _] = self.next_u64().to_be_bytes();
        u32::from_be_bytes(high)
    }

    pub(crate) fn next_u128(&mut self) -> u128 {
        u128::from(self.next_u64()) << 64 | u128::from(self.next_u64())
    }
}

fn mix(mut z: u64) -> u64 {
    z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ z >> 31
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_those_of_split_mix_64() {
        let mut numbers = SeededNumbers::new(1_234_567);
        // Of the reference implementation.
        for expected in [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423] {
            assert_eq!(numbers.next_u64(), expected);
        }
    }

    #[test]
    fn streams_of_a_seed_differ() {
        let first = [0, 1, 2].map(|stream| SeededNumbers::of_stream(7, stream).next_u64());
        assert!(first[0] != first[1] && first[1] != first[2] && first[0] != first[2], "{first:?}");
    }
}
