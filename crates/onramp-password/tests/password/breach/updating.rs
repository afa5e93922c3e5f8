//! Ranges that have changed.

use std::collections::BTreeMap;
use std::io::Cursor;

use onramp_password::breach::{BuildOptions, Builder, Prefix, Store, StoreError};

use super::{build, ranges, scattered};

fn update(old: Vec<u8>, changes: impl IntoIterator<Item = (Prefix, String)>) -> Result<Vec<u8>, StoreError> {
    let old = Store::open(old)?;
    let changes = changes.into_iter().map(Ok);
    let builder = Builder::update(&old, Cursor::new(Vec::new()), BuildOptions::new(), changes)?;
    Ok(builder.finish()?.0.into_inner())
}

#[test]
fn an_updated_store_is_that_of_all_ranges_together() {
    let (before, now) = (scattered(1, 4_000), scattered(2, 4_000));
    let mut all = ranges(&before);
    let mut changes: BTreeMap<Prefix, String> = ranges(&now).into_iter().step_by(2).collect();
    // Some ranges are gone, some grow, the first and the last among them.
    let mut gone: Vec<Prefix> = all.keys().copied().step_by(5).collect();
    gone.extend(all.keys().next_back());
    changes.extend(gone.into_iter().map(|prefix| (prefix, String::new())));
    let (old, _) = build(&before, BuildOptions::new());
    let updated = update(old, changes.clone()).unwrap();

    all.extend(changes);
    let expected_keys = BuildOptions::new().with_expected_keys(4_000);
    let mut builder =
        Builder::new(Cursor::new(Vec::new()), onramp_password::breach::HashKind::Sha1, expected_keys)
            .unwrap();
    for (prefix, body) in all {
        builder.push_range(prefix, body.as_bytes()).unwrap();
    }
    assert_eq!(updated, builder.finish().unwrap().0.into_inner());
}

#[test]
fn no_change_is_the_same_file() {
    let (old, _) = build(&scattered(3, 70_000), BuildOptions::new());
    assert_eq!(update(old.clone(), []).unwrap(), old);
}

#[test]
fn changes_that_are_not_in_order_are_refused() {
    let (old, _) = build(&scattered(3, 100), BuildOptions::new());
    let prefix = |number| (Prefix::new(number).unwrap(), String::new());
    for changes in [[prefix(7), prefix(6)], [prefix(7), prefix(7)], [prefix(0xfffff), prefix(0)]] {
        let error = update(old.clone(), changes).unwrap_err();
        assert!(matches!(error, StoreError::Unsorted { .. }), "{error}");
    }
}
