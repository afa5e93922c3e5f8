//! A set of update sequence numbers that takes two bytes per number, and less where they are dense.

use std::collections::BTreeMap;

/// The number of low bits that a chunk stores; its numbers have the same high bits.
const CHUNK_BITS: u32 = 16;
/// The size up to which a chunk is a list; a larger one is smaller as a bitmap.
const SPARSE: usize = 4096;
const WORDS: usize = 1 << (CHUNK_BITS - 6);

/// The `uSNCreated` of the received objects, which is unique on a domain controller.
#[derive(Debug, Default)]
pub(crate) struct UsnSet(BTreeMap<u64, Chunk>);

#[derive(Debug)]
enum Chunk {
    /// The low bits, ascending.
    Sparse(Vec<u16>),
    Dense(Box<[u64; WORDS]>),
}

impl UsnSet {
    /// Inserts a number.
    pub(crate) fn insert(&mut self, usn: u64) {
        let (high, low) = split(usn);
        let chunk = self.0.entry(high).or_insert_with(|| Chunk::Sparse(Vec::new()));
        if let Chunk::Sparse(lows) = chunk {
            let Err(at) = lows.binary_search(&low) else { return };
            if lows.len() < SPARSE {
                lows.insert(at, low);
                return;
            }
            let mut words = Box::new([0; WORDS]);
            lows.iter().for_each(|&low| set(&mut words, low));
            *chunk = Chunk::Dense(words);
        }
        if let Chunk::Dense(words) = chunk {
            set(words, low);
        }
    }

    pub(crate) fn contains(&self, usn: u64) -> bool {
        let (high, low) = split(usn);
        match self.0.get(&high) {
            Some(Chunk::Sparse(lows)) => lows.binary_search(&low).is_ok(),
            Some(Chunk::Dense(words)) => {
                words.get(usize::from(low >> 6)).is_some_and(|word| word >> (low & 63) & 1 == 1)
            }
            None => false,
        }
    }

    /// Removes numbers below one, as far as whole chunks can be freed.
    pub(crate) fn forget_below(&mut self, usn: u64) {
        self.0 = self.0.split_off(&split(usn).0);
    }
}

fn split(usn: u64) -> (u64, u16) {
    // The cast keeps the low bits.
    (usn >> CHUNK_BITS, usn as u16)
}

fn set(words: &mut [u64; WORDS], low: u16) {
    if let Some(word) = words.get_mut(usize::from(low >> 6)) {
        *word |= 1 << (low & 63);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::UsnSet;

    #[test]
    fn a_chunk_that_fills_up_keeps_its_numbers() {
        let mut set = UsnSet::default();
        for usn in (0..200_000).step_by(3) {
            set.insert(usn);
        }
        for usn in 0..200_000 {
            assert_eq!(set.contains(usn), usn % 3 == 0, "{usn}");
        }
        set.forget_below(131_072);
        assert!(!set.contains(0) && set.contains(131_073) && set.contains(199_998));
    }

    proptest! {
        #[test]
        fn it_holds_what_was_put_in(usns in proptest::collection::vec(any::<u64>(), 0..200), other: u64) {
            let mut set = UsnSet::default();
            usns.iter().for_each(|&usn| set.insert(usn));
            let model: BTreeSet<u64> = usns.iter().copied().collect();
            prop_assert!(usns.iter().all(|&usn| set.contains(usn)));
            prop_assert_eq!(set.contains(other), model.contains(&other));
        }
    }
}
