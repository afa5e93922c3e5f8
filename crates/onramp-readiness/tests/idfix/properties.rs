use std::collections::HashSet;

use onramp_core::forest::AttributeValue;
use onramp_readiness::idfix::{IdfixCheck, IdfixMode, IdfixScan};
use onramp_readiness::{DirectoryObject, attributes};
use proptest::prelude::*;

use super::support::{Dedicated, MultiTenant};

const NAMES: [&str; 15] = [
    "cn",
    "displayName",
    "givenName",
    "sn",
    "mail",
    "mailNickname",
    "proxyAddresses",
    "sAMAccountName",
    "targetAddress",
    "userPrincipalName",
    "objectClass",
    "groupType",
    "homeMDB",
    "isCriticalSystemObject",
    "msExchHideFromAddressLists",
];

/// The pieces that the checks look at.
const PIECES: [&str; 27] = [
    "smtp:",
    "SMTP:",
    "x500:",
    "@",
    ".",
    ":",
    "contoso",
    ".com",
    ".local",
    "a",
    "B",
    "ß",
    "ss",
    "é",
    "😀",
    " ",
    "\n",
    "-",
    "_",
    "[",
    "'",
    "\u{212a}",
    "\u{200b}",
    "Guest",
    "$",
    "user",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
];

/// Text of such pieces.
fn text() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(&PIECES[..]);
    prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

fn value() -> impl Strategy<Value = AttributeValue> {
    prop_oneof![
        8 => text().prop_map(AttributeValue::text),
        1 => prop_oneof![Just("user"), Just("group"), Just("contact"), Just("TRUE"), Just("-2"), Just("2")]
            .prop_map(AttributeValue::text),
        1 => prop::collection::vec(any::<char>(), 0..8)
            .prop_map(|chars| AttributeValue::text(chars.into_iter().collect::<String>())),
        1 => prop::collection::vec(any::<u8>(), 0..6).prop_map(AttributeValue::bytes),
    ]
}

fn an_object() -> impl Strategy<Value = DirectoryObject> {
    let attribute = (prop::sample::select(&NAMES[..]), prop::collection::vec(value(), 0..4));
    (text(), prop::collection::vec(attribute, 0..12)).prop_map(|(dn, attributes)| {
        let mut object = DirectoryObject::new(dn);
        for (name, values) in attributes {
            object.set(attributes::parse(name).unwrap(), values);
        }
        object
    })
}

fn mode() -> impl Strategy<Value = IdfixMode> {
    prop_oneof![Just(MultiTenant), Just(Dedicated)]
}

/// A valid address part of plain text, and the noise that a check deletes.
fn noisy() -> impl Strategy<Value = (String, Vec<(usize, char)>)> {
    let noise = prop::sample::select("äëïöüÿ ;,()<>\"\\%&'".chars().collect::<Vec<_>>());
    ("[a-z]{1,8}(\\.[a-z]{1,8})?", prop::collection::vec((0..10_usize, noise), 0..5))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn nothing_panics_and_rows_are_whole(mode in mode(), objects in prop::collection::vec(an_object(), 1..6)) {
        let mut scan = IdfixScan::new(mode);
        for object in &objects {
            let IdfixCheck::Findings(found) = scan.check(object) else { continue };
            for row in found {
                let idfix = row.idfix.clone().unwrap();
                prop_assert!(!idfix.errors.is_empty());
                prop_assert!(idfix.update.as_deref() != Some(""));
                prop_assert!(matches!(&*idfix.action, "EDIT" | "COMPLETE" | "REMOVE"));
                prop_assert!(mode.attributes().contains(&row.attribute));
                prop_assert!(row.fixes.len() <= 1 && row.tags.len() <= idfix.errors.len());
                let json = serde_json::to_string(&row).unwrap();
                prop_assert_eq!(serde_json::from_str::<onramp_readiness::Finding>(&json).unwrap(), row);
            }
        }
    }

    #[test]
    fn a_scan_depends_on_nothing_but_its_objects(mode in mode(), objects in prop::collection::vec(an_object(), 1..6)) {
        let run = || {
            let mut scan = IdfixScan::new(mode);
            objects.iter().map(|object| scan.check(object)).collect::<Vec<_>>()
        };
        prop_assert_eq!(run(), run());
    }

    #[test]
    fn excluded_objects_change_nothing(mode in mode(), objects in prop::collection::vec(an_object(), 1..8)) {
        let mut scan = IdfixScan::new(mode);
        let all: Vec<_> = objects.iter().map(|object| (object, scan.check(object))).collect();
        let mut scan = IdfixScan::new(mode);
        for (object, check) in all.iter().filter(|(_, check)| matches!(check, IdfixCheck::Findings(_))) {
            prop_assert_eq!(&scan.check(object), check);
        }
    }

    /// Attributes that the mode does not fetch, and objects of values nobody else has, change no row of others.
    #[test]
    fn what_is_not_fetched_is_not_seen(mode in mode(), object in an_object()) {
        let mut seen = DirectoryObject::new(object.dn());
        for (name, values) in object.attributes().filter(|(name, _)| mode.attributes().contains(name)) {
            seen.set(name.clone(), values.to_vec());
        }
        prop_assert_eq!(IdfixScan::new(mode).check(&object), IdfixScan::new(mode).check(&seen));
    }

    /// Threading of a UPN: cut, then delete, then repair the address, each by hand.
    #[test]
    fn a_upn_goes_through_the_checks_in_order((local, noise) in noisy(), long in 0..120_usize) {
        let mut upn = format!("{local}@contoso.com");
        for (at, c) in &noise {
            let at = upn.char_indices().map(|(at, _)| at).nth(*at).unwrap_or(0);
            upn.insert(at, *c);
        }
        upn.insert_str(0, &"b".repeat(long));
        let cut: String = upn.chars().take(113).collect();
        let is_bad = |c: char| "äëïöüÿ ;,()<>\"\\%&'".contains(c);
        let clean: String = cut.chars().filter(|c| !is_bad(*c)).collect();
        let expected = match (cut == upn, clean == cut) {
            (true, true) => vec![],
            (true, false) => vec!["Character"],
            (false, true) => vec!["Length"],
            (false, false) => vec!["Length", "Character"],
        };
        let object = super::support::object(&[("userPrincipalName", upn.as_str())]);
        let rows = super::support::rows(MultiTenant, "userPrincipalName", &object);
        let ends_well = clean.ends_with(".com") || clean.ends_with(".co");
        let starts_well = clean.contains('@') && !clean.contains("..");
        prop_assume!(ends_well && starts_well && clean.matches('@').count() == 1);
        if expected.is_empty() {
            prop_assert!(rows.is_empty());
        } else {
            prop_assert_eq!(rows, [format!("{} | {clean} | EDIT", expected.join(", "))]);
        }
    }

    /// The first holder of distinct values is never listed, and of equal ones always.
    #[test]
    fn duplicates_are_found_by_the_second_holder(values in prop::collection::vec("[abAB]{1,3}", 1..8)) {
        let mut scan = IdfixScan::new(MultiTenant);
        let mut seen = HashSet::new();
        for (number, value) in values.iter().enumerate() {
            let dn = format!("CN={number}");
            let object = super::support::object(&[("dn", dn.as_str()), ("mail", value)]);
            let rows = super::support::findings(&mut scan, &object).len();
            prop_assert_eq!(rows, if seen.insert(value.to_lowercase()) { 0 } else { 2 });
        }
    }
}
