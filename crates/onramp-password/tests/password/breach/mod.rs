//! The breach store and the range interface.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)] // helpers of tests may, as tests may

mod building;
mod damage;
mod hashes;
mod ranges;
mod updating;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Cursor;

use onramp_password::breach::{BuildOptions, Builder, HashKind, Prefix, Store, Summary};

/// Numbers that lie as hashes do.
fn scattered(seed: u64, count: usize) -> Vec<u64> {
    let mut state = seed;
    let mut numbers: Vec<u64> = (0..count)
        .map(|_| {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let z = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            z ^ (z >> 31)
        })
        .collect();
    numbers.sort_unstable();
    numbers
}

/// The SHA-1 that begins with a number, in digits.
fn digits(key: u64) -> String {
    format!("{key:016X}{:024X}", key.rotate_left(7))
}

/// The bodies of the ranges that hold these hashes, as the service sends them.
fn ranges(keys: &[u64]) -> BTreeMap<Prefix, String> {
    let mut ranges = BTreeMap::new();
    for key in keys {
        let prefix = Prefix::new((key >> 44) as u32).unwrap();
        let body: &mut String = ranges.entry(prefix).or_default();
        write!(body, "{}:{}\r\n", &digits(*key)[5..], key % 100 + 1).unwrap();
    }
    ranges
}

/// A store of these keys, in memory.
fn build(keys: &[u64], options: BuildOptions) -> (Vec<u8>, Summary) {
    let mut builder = Builder::new(Cursor::new(Vec::new()), HashKind::Sha1, options).unwrap();
    keys.iter().for_each(|key| builder.push_key(*key).unwrap());
    let (file, summary) = builder.finish().unwrap();
    (file.into_inner(), summary)
}

/// Whether a store holds a key.
fn holds(store: &Store<Vec<u8>>, key: u64) -> bool {
    store.contains_key(key).unwrap()
}
