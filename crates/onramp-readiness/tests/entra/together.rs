//! The fixes of one object as one change: nothing new is wrong after it, and no address is lost.

use std::collections::BTreeSet;

use onramp_core::forest::AttributeValue;
use onramp_readiness::{
    Confidence, DirectoryObject, Finding, Fix, Severity, attributes as a, combine_fixes, smtp_address,
};
use proptest::prelude::*;

use crate::{judged, user, with};

fn anna(mail: &str, proxies: &[&str]) -> DirectoryObject {
    let anna = with(user("anna"), &a::USER_PRINCIPAL_NAME, &["anna@contoso.com"]);
    let anna = if mail.is_empty() { anna } else { with(anna, &a::MAIL, &[mail]) };
    with(anna, &a::PROXY_ADDRESSES, proxies)
}

/// The proxy addresses and mail address after all fixes of a confidence, until nothing is left to fix.
fn fixed(mut object: DirectoryObject, least: Confidence) -> (Vec<String>, String) {
    for _ in 0..10 {
        let findings = judged(&object);
        let combined = combine_fixes(&findings, least);
        let Some(fix) = combined.first().filter(|fix| !fix.changes.is_empty()) else { break };
        object = object.with_fix(&Fix::of(fix.changes.clone())).unwrap();
    }
    let mut proxies: Vec<String> =
        object.values(&a::PROXY_ADDRESSES).iter().map(|value| value.as_text().unwrap().to_owned()).collect();
    proxies.sort();
    (proxies, object.text(&a::MAIL).unwrap_or_default().to_owned())
}

#[test]
fn an_address_that_only_a_directory_takes_for_another_is_not_removed() {
    let object = || anna("müller@contoso.com", &["smtp:muller@contoso.com", "SMTP:müller@contoso.com"]);
    for least in [Confidence::High, Confidence::Medium, Confidence::Low] {
        let (proxies, _) = fixed(object(), least);
        assert!(proxies.iter().any(|value| value.ends_with(":muller@contoso.com")), "{proxies:?}");
    }
    let findings = judged(&object());
    let repeated = findings.iter().find(|finding| finding.rule.as_str() == "address-repeated").unwrap();
    assert!(repeated.fixes.is_empty() && repeated.no_fix.is_some(), "{repeated:?}");
}

#[test]
fn of_an_address_in_two_spellings_the_right_one_stays() {
    for (proxies, after) in [
        // The wrong one is removed, whichever comes first.
        (["smtp:nb@contoso.com", " smtp:nb@contoso.com"], ["smtp:nb@contoso.com"]),
        ([" smtp:nb@contoso.com", "smtp:nb@contoso.com"], ["smtp:nb@contoso.com"]),
        (["smtp:nb@contoso.com ", "SMTP:nb@contoso.com"], ["SMTP:nb@contoso.com"]),
        // What remains is the primary one if one of the two was.
        (["SMTP:nb@contoso.com ", "smtp:nb@contoso.com"], ["SMTP:nb@contoso.com"]),
        (["smtp:nb@contoso.com", "SMTP:NB@contoso.com"], ["SMTP:NB@contoso.com"]),
    ] {
        let primary = "SMTP:anna@contoso.com";
        let has_primary = proxies.iter().any(|value| value.trim().starts_with("SMTP"));
        let mut all = proxies.to_vec();
        let mut expected: Vec<String> = after.map(str::to_owned).to_vec();
        if !has_primary {
            all.push(primary);
            expected.push(primary.to_owned());
        }
        expected.sort();
        assert_eq!(fixed(anna("", &all), Confidence::High).0, expected, "{proxies:?}");
    }
}

#[test]
fn a_valid_primary_address_does_not_give_way_to_one_that_is_rejected() {
    let object =
        anna("nb@contoso.com", &["SMTP:na@contoso.com", "smtp:nb@contoso.com", "SMTP:nb@contoso.com "]);
    for finding in judged(&object) {
        for change in finding.fixes.iter().flat_map(|fix| &fix.changes) {
            let demotes = change.remove.iter().any(|value| value == "SMTP:na@contoso.com");
            let keeps_wrong = !change.remove.iter().any(|value| value == "SMTP:nb@contoso.com ");
            assert!(!(demotes && keeps_wrong), "{finding:?}");
        }
    }
    for mail in ["newfa@contoso.com.", "newfa@contoso.com"] {
        let object = anna(mail, &["SMTP:newfa@contoso.com.", "SMTP:newfb@contoso.com"]);
        let (proxies, _) = fixed(object, Confidence::Low);
        assert!(proxies.iter().any(|value| value.ends_with(":newfb@contoso.com")), "{proxies:?}");
        let broken = proxies.iter().any(|value| value == "SMTP:newfa@contoso.com.");
        assert!(!broken || proxies.contains(&"SMTP:newfb@contoso.com".to_owned()), "{proxies:?}");
    }
}

#[test]
fn a_value_that_is_there_already_is_not_added_again() {
    let object =
        anna("", &["SMTP:exist1@contoso.com", " smtp:exist1b@contoso.com", "smtp:exist1b@contoso.com"]);
    let object = with(object, &a::DISPLAY_NAME, &["Maria Hughes "]);
    let findings = judged(&object);
    let combined = combine_fixes(&findings, Confidence::High);
    let changes = &combined[0].changes;
    let proxies = changes.iter().find(|change| change.attribute == a::PROXY_ADDRESSES).unwrap();
    assert_eq!(
        (proxies.remove.as_slice(), proxies.add.len()),
        (&[" smtp:exist1b@contoso.com".to_owned()][..], 0)
    );
    assert!(changes.iter().any(|change| change.attribute == a::DISPLAY_NAME));
    let twice = Fix::replace(
        a::PROXY_ADDRESSES,
        Some("SMTP:exist1@contoso.com"),
        Some("SMTP:exist1b@contoso.com".into()),
    );
    assert_eq!(object.with_fix(&twice), None, "a directory ignores the case of the type, too");
}

/// Addresses of a few names in many spellings, so that they are often the same one.
fn address() -> impl Strategy<Value = String> {
    let local = prop_oneof![
        4 => Just("na"), 4 => Just("nb"), 2 => Just("nä"), 1 => Just("n..c"), 1 => Just("nd."), 1 => Just(" na"),
        1 => Just("n f"), 1 => Just("na\u{200b}"), 1 => Just("NA"), 1 => Just("mailto:na"),
    ];
    let domain = prop_oneof![
        6 => Just("contoso.com"), 1 => Just("contoso.com "), 1 => Just("contoso.com."), 1 => Just("bücher.de"),
        1 => Just("xn--bcher-kva.de"), 1 => Just("con toso.com"), 1 => Just("corp.local"),
    ];
    (local, domain).prop_map(|(local, domain)| format!("{local}@{domain}"))
}

fn proxy() -> impl Strategy<Value = String> {
    let kind = prop_oneof![
        3 => Just("SMTP:"), 4 => Just("smtp:"), 1 => Just(""), 1 => Just(" SMTP:"), 1 => Just("Smtp:"),
        1 => Just("smtp: "), 1 => Just("sip:"),
    ];
    (kind, address()).prop_map(|(kind, address)| format!("{kind}{address}"))
}

fn object() -> impl Strategy<Value = DirectoryObject> {
    let name = prop_oneof![Just("Anna"), Just("Anna "), Just(""), Just("\u{200b}Anna")];
    (proptest::collection::vec(proxy(), 0..5), address(), address(), proxy(), name).prop_map(
        |(proxies, mail, upn, target, name)| {
            let mut object = with(user("anna"), &a::USER_PRINCIPAL_NAME, &[&upn]);
            object = with(with(object, &a::MAIL, &[&mail]), &a::DISPLAY_NAME, &[name]);
            if target.len() % 3 == 0 {
                object = with(object, &a::TARGET_ADDRESS, &[&target]);
            }
            let mut seen = BTreeSet::new();
            for value in proxies {
                // A directory has each value once.
                if seen.insert(onramp_core::comparison_key(&value)) {
                    object.push(a::PROXY_ADDRESSES, AttributeValue::text(value));
                }
            }
            object
        },
    )
}

/// The addresses that mail reaches the object by: those that no rule rejects.
fn reached(object: &DirectoryObject, findings: &[Finding]) -> BTreeSet<String> {
    let is_rejected = |text: &str| {
        findings.iter().any(|finding| {
            finding.severity == Severity::Error
                && finding.rule.as_str() != "address-primary-several"
                && finding.attribute == a::PROXY_ADDRESSES
                && finding.value.as_deref() == Some(text)
        })
    };
    let values = object.values(&a::PROXY_ADDRESSES).iter().filter_map(|value| value.as_text());
    values.filter(|text| !is_rejected(text)).filter_map(smtp_address).map(str::to_lowercase).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn what_is_made_together_is_as_good_as_what_is_made_alone(
        object in object(),
        least in prop_oneof![Just(Confidence::High), Just(Confidence::Medium), Just(Confidence::Low)],
        chosen in any::<[bool; 8]>(),
        all in any::<bool>(),
    ) {
        let before = judged(&object);
        let rules: BTreeSet<&str> = before.iter().map(|finding| finding.rule.as_str()).collect();
        // People choose rules; here all, or at most two of them.
        let chosen: BTreeSet<&str> =
            rules.iter().copied().zip(chosen).filter(|(_, is_chosen)| *is_chosen).map(|(rule, _)| rule).take(2).collect();
        let taken: Vec<Finding> =
            before.iter().filter(|f| all || chosen.contains(f.rule.as_str())).cloned().collect();
        let combined = combine_fixes(&taken, least);
        let Some(fix) = combined.first().filter(|fix| !fix.changes.is_empty()) else { return Ok(()) };
        let fixed = object.with_fix(&Fix::of(fix.changes.clone()));
        prop_assert!(fixed.is_some(), "it cannot be made: {:?}", fix.changes);
        let fixed = fixed.unwrap();
        let after = judged(&fixed);
        for other in &after {
            let was_there = before.iter().any(|f| (&f.rule, &f.attribute) == (&other.rule, &other.attribute));
            prop_assert!(was_there, "{:?} brings {other:?}", fix.changes);
        }
        for finding in &fix.fixed {
            let remains = after.iter().any(|f| (&f.rule, &f.attribute, &f.value) == (&finding.rule, &finding.attribute, &finding.value));
            prop_assert!(!remains, "{:?} leaves {finding:?}", fix.changes);
        }
        if fix.fixed.iter().all(|finding| finding.fixes[0].loses.is_none()) {
            let (had, has) = (reached(&object, &before), reached(&fixed, &[]));
            prop_assert!(had.is_subset(&has), "{had:?} became {has:?}: {:?}", fix.changes);
        }
    }
}
