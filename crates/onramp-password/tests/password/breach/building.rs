//! Stores hold what was put into them.

use std::collections::BTreeSet;
use std::io::Cursor;

use onramp_password::breach::{
    BuildOptions, Builder, HashKind, ListError, Prefix, Store, StoreError, StoreFile,
};
use proptest::prelude::*;

use super::{build, digits, holds, ranges, scattered};

fn builder() -> Builder<Cursor<Vec<u8>>> {
    Builder::new(Cursor::new(Vec::new()), HashKind::Sha1, BuildOptions::new()).unwrap()
}

#[test]
fn all_hashes_are_found_and_few_others_in_19_bits_a_hash() {
    let keys = scattered(1, 300_000);
    let (file, summary) = build(&keys, BuildOptions::new());
    // Two of them begin as two others do.
    assert_eq!((summary.keys, summary.length), (299_998, file.len() as u64));
    assert!(summary.false_positive_rate <= 2e-5, "{summary:?}");
    let bits = 8.0 * file.len() as f64 / 300_000.0;
    assert!(bits <= 19.0, "{bits} bits a hash");
    let store = Store::open(file).unwrap();
    store.verify().unwrap();
    assert!(keys.iter().all(|key| holds(&store, *key)));
    // The probability is 1e-5 to 2e-5: of a million others ten to twenty, and surely not sixty.
    let found = scattered(2, 1_000_000).into_iter().filter(|key| holds(&store, *key)).count();
    assert!((1..60).contains(&found), "{found} of a million are found");
}

#[test]
fn any_number_of_hashes_takes_little_space() {
    for count in [100_000, 131_072, 170_000, 172_000, 262_144] {
        let (file, summary) = build(&scattered(3, count), BuildOptions::new());
        let bits = 8.0 * file.len() as f64 / count as f64;
        assert!(bits <= 19.0 && summary.false_positive_rate <= 2e-5, "{count}: {bits} bits, {summary:?}");
    }
}

#[test]
fn ranges_a_list_and_keys_make_the_same_file() {
    let keys = scattered(4, 5_000);
    let (expected, _) = build(&keys, BuildOptions::new());

    let mut by_range = builder();
    for (prefix, body) in ranges(&keys) {
        by_range.push_range(prefix, body.as_bytes()).unwrap();
    }
    assert_eq!(by_range.finish().unwrap().0.into_inner(), expected);

    let mut by_list = builder();
    let list: String = keys.iter().map(|key| format!("{}:7\n", digits(*key))).collect();
    by_list.push_list(list.trim_end().as_bytes()).unwrap();
    assert_eq!(by_list.finish().unwrap().0.into_inner(), expected);
}

#[test]
fn a_file_answers_like_memory() {
    let keys = scattered(5, 3_000);
    let path = std::env::temp_dir().join(format!("onramp-breach-{}", std::process::id()));
    let file = std::fs::File::create(&path).unwrap();
    let mut builder = Builder::new(file, HashKind::Ntlm, BuildOptions::new()).unwrap();
    keys.iter().for_each(|key| builder.push_key(*key).unwrap());
    builder.finish().unwrap();
    let on_disk = Store::open(StoreFile::open(&path).unwrap()).unwrap();
    let in_memory = Store::open(std::fs::read(&path).unwrap()).unwrap();
    std::fs::remove_file(&path).unwrap();
    assert_eq!((on_disk.kind(), on_disk.len()), (HashKind::Ntlm, 3_000));
    on_disk.verify().unwrap();
    for key in keys.iter().chain(&scattered(6, 3_000)) {
        assert_eq!(on_disk.contains_key(*key).unwrap(), holds(&in_memory, *key));
    }
}

#[test]
fn passwords_are_asked_for_by_the_hash_of_the_store() {
    for kind in [HashKind::Sha1, HashKind::Ntlm] {
        let known = ["password", "Sommer2024!", "pässwörd€🐱"];
        let mut list: Vec<String> = known
            .iter()
            .map(|password| kind.hash(password).as_bytes().iter().map(|b| format!("{b:02X}")).collect())
            .collect();
        list.sort();
        let list: String = list.iter().map(|hash| format!("{hash}:3\r\n")).collect();
        let mut builder = Builder::new(Cursor::new(Vec::new()), kind, BuildOptions::new()).unwrap();
        builder.push_list(list.as_bytes()).unwrap();
        let store = Store::open(builder.finish().unwrap().0.into_inner()).unwrap();
        assert!(known.iter().all(|password| store.contains_password(password).unwrap()));
        assert!(!store.contains_password("Password").unwrap());
        let other = if kind == HashKind::Sha1 { HashKind::Ntlm } else { HashKind::Sha1 };
        let error = store.contains(&other.hash("password")).unwrap_err();
        assert!(matches!(error, StoreError::WrongKind { .. }), "{error}");
    }
}

#[test]
fn rare_hashes_are_left_out_and_padding_too() {
    let prefix = Prefix::from_hex("00000").unwrap();
    let body = |counts: [u32; 3]| -> String {
        counts.iter().zip(1..).map(|(count, at)| format!("{at:035X}:{count}\r\n")).collect()
    };
    let options = BuildOptions::new().with_min_count(5);
    let mut builder = Builder::new(Cursor::new(Vec::new()), HashKind::Sha1, options).unwrap();
    builder.push_range(prefix, body([4, 0, 5]).as_bytes()).unwrap();
    let (file, summary) = builder.finish().unwrap();
    // Padding is no hash, so it was not left out either.
    assert_eq!((summary.keys, summary.below_min_count), (1, 1));
    assert_eq!(Store::open(file.into_inner()).unwrap().min_count(), 5);
}

#[test]
fn what_is_no_list_is_refused_with_the_line() {
    let good = format!("{}:1", digits(1));
    for bad in [
        "",
        "x",
        &good[1..],
        "0123:4",
        &format!("{}:", digits(2)),
        &format!("{}:-1", digits(2)),
        &format!("{}:1 ", digits(2)),
        &format!("{}x:1", &digits(2)[1..]),
        &format!("{}:99999999999999999999", digits(2)),
    ] {
        let error = builder().push_list(format!("{good}\n{bad}\n").as_bytes()).unwrap_err();
        let expected = ListError::Line { line: 2, prefix: None };
        assert!(matches!(&error, StoreError::List(error) if *error == expected), "{bad}: {error}");
        assert!(error.to_string().contains("line 2"));
    }
    let error = builder().push_list(&b"0".repeat(10_000)[..]).unwrap_err();
    assert!(error.to_string().contains("line 1"));
    let error = builder().push_range(Prefix::from_hex("ABCDE").unwrap(), b"0:1").unwrap_err();
    assert!(error.to_string().contains("range ABCDE"), "{error}");
}

#[test]
fn an_unsorted_list_is_refused() {
    let list = format!("{}:1\n{}:1\n", digits(1 << 50), digits(1 << 40));
    let error = builder().push_list(list.as_bytes()).unwrap_err();
    assert!(matches!(error, StoreError::Unsorted { position: 1 }), "{error}");
}

#[test]
fn an_empty_store_holds_nothing() {
    let (file, summary) = build(&[], BuildOptions::new());
    let store = Store::open(file).unwrap();
    assert!(store.is_empty() && summary.keys == 0);
    assert!(!holds(&store, 0) && !holds(&store, u64::MAX));
}

proptest! {
    #[test]
    fn what_is_put_in_is_found(
        keys in prop::collection::btree_set(prop_oneof![any::<u64>(), 0..1_000_u64, (0..50_u64).prop_map(|n| !0 - (n << 30))], 0..300),
        expected in prop::option::of(0..100_000_u64),
    ) {
        let options = expected.map_or(BuildOptions::new(), |keys| BuildOptions::new().with_expected_keys(keys));
        let keys: Vec<u64> = keys.into_iter().collect();
        let (file, summary) = build(&keys, options);
        let store = Store::open(file).unwrap();
        store.verify().unwrap();
        prop_assert_eq!(store.len(), summary.keys);
        prop_assert!(keys.iter().all(|key| holds(&store, *key)));
        // What is not there is found only if it begins as one that is.
        let width = store.len() as f64 / store.false_positive_rate().max(f64::MIN_POSITIVE);
        let shift = 64 - width.log2().round() as u32;
        if !keys.is_empty() {
            let kept: BTreeSet<u64> = keys.iter().map(|key| key >> shift).collect();
            prop_assert_eq!(kept.len() as u64, store.len());
            for key in keys.iter().map(|key| key ^ 1 << 40) {
                prop_assert_eq!(holds(&store, key), kept.contains(&(key >> shift)));
            }
        }
    }
}

#[test]
fn hashes_of_another_kind_are_told_by_their_name() {
    let (sha1, ntlm) = ("000000005AD76BD555C1D6D771DE417A4B87E4B4:10", "00000000A4D2B5A1C1E6F0B1C2D3E4F5:10");
    for (asked, line, found) in
        [(HashKind::Ntlm, sha1, HashKind::Sha1), (HashKind::Sha1, ntlm, HashKind::Ntlm)]
    {
        let mut builder = Builder::new(Cursor::new(Vec::new()), asked, BuildOptions::new()).unwrap();
        let error = builder.push_list(line.as_bytes()).unwrap_err();
        let expected = ListError::OtherKind { line: 1, expected: asked, found };
        assert!(matches!(error, StoreError::List(error) if error == expected), "{error:?}");
        assert!(error.to_string().contains(&format!("the list holds {found} hashes")), "{error}");
        // The rest of the hash, as a range has it.
        let mut builder = Builder::new(Cursor::new(Vec::new()), asked, BuildOptions::new()).unwrap();
        let error =
            builder.push_range(Prefix::from_hex("00000").unwrap(), &line.as_bytes()[5..]).unwrap_err();
        assert!(matches!(error, StoreError::List(error) if error == expected), "{error:?}");
    }
    let error = builder().push_list(&b"000000005AD76BD555C1D6D771DE417A4B87E4B:10"[..]).unwrap_err();
    assert!(matches!(error, StoreError::List(ListError::Line { line: 1, .. })), "{error:?}");
}

#[test]
fn a_list_that_windows_saved_is_understood_or_named() {
    let list =
        "000000005AD76BD555C1D6D771DE417A4B87E4B4:10\r\n7C4A8D09CA3762AF61E59520943DC26494F8941B:8\r\n";
    let mut marked = builder();
    marked.push_list(format!("\u{feff}{list}").as_bytes()).unwrap();
    assert_eq!(marked.finish().unwrap().1.keys, 2);
    let utf16: Vec<u8> =
        "\u{feff}".encode_utf16().chain(list.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    let error = builder().push_list(&utf16[..]).unwrap_err();
    assert!(error.to_string().contains("UTF-16") && error.to_string().contains("UTF-8"), "{error}");
}
