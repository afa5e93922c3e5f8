//! Any bytes as a store and as a list; any hashes: what is put in is found, and damage is noticed.
#![no_main]

use std::io::Cursor;

use libfuzzer_sys::fuzz_target;
use onramp_password::breach::{BuildOptions, Builder, HashKind, Store};

fuzz_target!(|input: (&[u8], Vec<u64>, u64, u16)| {
    let (bytes, mut keys, probe, at) = input;
    let builder = || Builder::new(Cursor::new(Vec::new()), HashKind::Sha1, BuildOptions::new()).expect("memory");

    let _ = Store::open(bytes).map(|store| (store.contains_key(probe), store.verify()));
    let _ = builder().push_list(bytes);

    keys.sort_unstable();
    let mut building = builder();
    keys.iter().for_each(|key| building.push_key(*key).expect("sorted"));
    let mut file = building.finish().expect("memory").0.into_inner();
    let store = Store::open(file.as_slice()).expect("just built");
    store.verify().expect("just built");
    assert!(keys.iter().all(|key| store.contains_key(*key).expect("just built")));

    let place = usize::from(at) % file.len();
    file[place] ^= (probe % 255) as u8 + 1;
    if let Ok(store) = Store::open(file.as_slice()) {
        let _ = (store.contains_key(probe), keys.first().map(|key| store.contains_key(*key)));
        assert!(store.verify().is_err(), "byte {place}");
    }
});
