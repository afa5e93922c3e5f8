//! Files that are not what they should be.

use std::io::Cursor;

use onramp_password::breach::{BuildOptions, Builder, HashKind, Store, StoreError};
use proptest::prelude::*;

use super::{build, scattered};

fn opened_and_read(file: Vec<u8>) -> Result<(), StoreError> {
    Store::open(file)?.verify()
}

#[test]
fn every_damaged_byte_is_noticed() {
    let (file, _) = build(&scattered(1, 700), BuildOptions::new());
    opened_and_read(file.clone()).unwrap();
    // Seven hundred hashes are one block, and nothing in the file only fills it up.
    for at in 0..file.len() {
        let mut damaged = file.clone();
        damaged[at] ^= 1 << (at % 8);
        assert!(opened_and_read(damaged).is_err(), "byte {at} of {}", file.len());
    }
}

#[test]
fn every_shorter_or_longer_file_is_refused() {
    let (file, _) = build(&scattered(1, 700), BuildOptions::new());
    for length in (0..file.len()).step_by(7).chain([8, 127, 128, file.len() - 1]) {
        let error = Store::open(file[..length].to_vec()).unwrap_err();
        match error {
            StoreError::Foreign if length < 8 => {}
            StoreError::Length { found, .. } => assert_eq!(found, length as u64),
            other => panic!("{length}: {other}"),
        }
    }
    let mut longer = file.clone();
    longer.push(0);
    let error = Store::open(longer).unwrap_err();
    assert!(error.to_string().contains(&format!("should have {} bytes", file.len())), "{error}");
}

#[test]
fn a_damaged_block_is_no_answer() {
    let keys = scattered(1, 700);
    let (mut file, _) = build(&keys, BuildOptions::new());
    let last = file.len() - 20;
    file[last] ^= 0x40;
    let store = Store::open(file).unwrap();
    let error = store.contains_key(keys[699]).unwrap_err();
    assert!(matches!(error, StoreError::CorruptBlock { .. }), "{error}");
}

#[test]
fn foreign_and_unfinished_files_and_later_versions_are_refused() {
    for foreign in [Vec::new(), b"PK\x03\x04".repeat(1000), vec![0; 4096], b"ONRDICT1".repeat(100)] {
        assert!(matches!(Store::open(foreign).unwrap_err(), StoreError::Foreign));
    }
    let mut file = Cursor::new(Vec::new());
    let mut builder = Builder::new(&mut file, HashKind::Sha1, BuildOptions::new()).unwrap();
    scattered(1, 100_000).into_iter().for_each(|key| builder.push_key(key).unwrap());
    drop(builder);
    assert!(matches!(Store::open(file.into_inner()).unwrap_err(), StoreError::Foreign));

    let (mut file, _) = build(&[1], BuildOptions::new());
    file[8] = 2;
    assert!(matches!(Store::open(file).unwrap_err(), StoreError::Version { found: 2 }));
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(
        mut bytes in prop::collection::vec(any::<u8>(), 0..300),
        at in 0..400_usize, value: u8, key: u64,
    ) {
        let _ = Store::open(bytes.clone()).map(|store| store.contains_key(key));
        let (good, _) = build(&[key], BuildOptions::new());
        bytes.splice(0..bytes.len().min(128), good[..128].iter().copied());
        let _ = Store::open(bytes).map(|store| (store.contains_key(key), store.verify()));
        let mut damaged = good.clone();
        let place = at % damaged.len();
        damaged[place] = value;
        let _ = Store::open(damaged).map(|store| (store.contains_key(key), store.verify()));
    }
}
