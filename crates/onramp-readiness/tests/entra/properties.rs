//! Properties of rules and fixes on arbitrary values.

use std::collections::BTreeSet;

use onramp_core::AttributeName;
use onramp_readiness::{DirectoryObject, Finding, attributes as a};
use proptest::prelude::*;

use crate::{apply, judged, scan, user, with};

const ATTRIBUTES: [AttributeName; 10] = [
    a::USER_PRINCIPAL_NAME,
    a::PROXY_ADDRESSES,
    a::MAIL,
    a::MAIL_NICKNAME,
    a::TARGET_ADDRESS,
    a::SAM_ACCOUNT_NAME,
    a::DISPLAY_NAME,
    a::GIVEN_NAME,
    a::COMPANY,
    a::CN,
];

/// Values that are nearly right: parts of addresses, put together.
fn value() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        4 => "[a-z]{1,6}",
        1 => Just("SMTP:".to_owned()),
        1 => Just("smtp:".to_owned()),
        2 => Just("@".to_owned()),
        2 => Just(".".to_owned()),
        1 => Just(" ".to_owned()),
        1 => Just("contoso.com".to_owned()),
        1 => Just("corp.local".to_owned()),
        1 => "[äöüßéñłøАа山\u{200b}\u{202e}\u{a0}\u{feff}'&<>()\\[\\];:,\"\\\\/+*?=|-]",
        1 => "\\PC",
    ];
    prop_oneof![
        proptest::collection::vec(part, 0..7).prop_map(|parts| parts.concat()),
        "[a-zü. ]{0,70}@contoso\\.com",
        "(SMTP|smtp|sip|X500):[a-zü. :]{0,12}@contoso\\.com ?",
    ]
}

fn object() -> impl Strategy<Value = DirectoryObject> {
    let values = proptest::collection::vec((0..ATTRIBUTES.len(), value()), 0..8);
    values.prop_map(|values| {
        let mut object = user("anna");
        let mut seen: BTreeSet<AttributeName> = BTreeSet::new();
        for (at, value) in values {
            let attribute = &ATTRIBUTES[at];
            let is_new = seen.insert(attribute.clone());
            if *attribute == a::PROXY_ADDRESSES && !is_new {
                object.push(attribute.clone(), onramp_core::forest::AttributeValue::text(value));
            } else {
                object = with(object, attribute, &[&value]);
            }
        }
        object
    })
}

fn signatures(findings: &[Finding]) -> BTreeSet<(String, String, Option<String>)> {
    findings.iter().map(|f| (f.rule.to_string(), f.attribute.to_string(), f.value.clone())).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn a_fix_ends_its_finding_and_brings_no_other(object in object()) {
        let before = judged(&object);
        let rules: BTreeSet<(String, String)> =
            before.iter().map(|f| (f.rule.to_string(), f.attribute.to_string())).collect();
        for finding in &before {
            for fix in &finding.fixes {
                let after = judged(&apply(&object, fix));
                let signature = (finding.rule.to_string(), finding.attribute.to_string(), finding.value.clone());
                prop_assert!(!signatures(&after).contains(&signature), "{fix:?} leaves {finding:?}");
                for other in &after {
                    let rule = (other.rule.to_string(), other.attribute.to_string());
                    prop_assert!(rules.contains(&rule), "{fix:?} brings {other:?}");
                }
                prop_assert!(after.len() < before.len(), "{fix:?}: {after:?}");
            }
            prop_assert_eq!(finding.fixes.is_empty(), finding.no_fix.is_some());
        }
    }

    #[test]
    fn fixes_come_to_an_end_and_then_change_nothing(object in object()) {
        let mut object = object;
        for _ in 0..40 {
            let findings = judged(&object);
            let Some(fix) = findings.iter().find_map(|f| f.fixes.first()) else { return Ok(()) };
            let fixed = apply(&object, fix);
            prop_assert_ne!(&fixed, &object);
            object = fixed;
        }
        prop_assert!(false, "still something to fix: {:?}", judged(&object));
    }

    #[test]
    fn spans_lie_within_the_value(object in object()) {
        for finding in judged(&object) {
            for span in &finding.spans {
                let value = finding.value.as_deref().unwrap_or_default();
                prop_assert!(value.get(span.start..span.end).is_some_and(|part| !part.is_empty()), "{finding:?}");
            }
        }
    }

    #[test]
    fn the_domain_of_an_address_is_never_cut_nor_joined(local in "[a-zü .&]{1,12}", domain in "[a-z_ü ]{1,8}\\.(com|local|co m)") {
        let value = format!("smtp:{local}@{domain}");
        let object = with(user("anna"), &a::PROXY_ADDRESSES, &["SMTP:anna@contoso.com", &value]);
        for finding in judged(&object) {
            for new in finding.fixes.iter().flat_map(|fix| &fix.changes).flat_map(|change| &change.add) {
                let suffix = new.rsplit_once('@').map(|(_, suffix)| suffix.to_owned());
                let ascii = onramp_core::DomainName::parse(domain.trim()).map(|name| name.ascii().to_owned());
                prop_assert_eq!(suffix, ascii.ok());
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(80))]

    #[test]
    fn findings_do_not_depend_on_the_order_of_the_input(objects in proptest::collection::vec(object(), 1..12), seed in any::<u64>()) {
        let named: Vec<DirectoryObject> = objects
            .into_iter()
            .enumerate()
            .map(|(number, object)| {
                let mut named = user(&format!("u{number}"));
                for attribute in &ATTRIBUTES {
                    named.set(attribute.clone(), object.values(attribute).to_vec());
                }
                named
            })
            .collect();
        let mut shuffled = named.clone();
        let length = shuffled.len();
        let mut state = seed;
        for at in (1..length).rev() {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            shuffled.swap(at, (state >> 33) as usize % (at + 1));
        }
        prop_assert_eq!(scan(named).findings, scan(shuffled).findings);
    }

    #[test]
    fn no_suggestion_is_held_by_another_or_suggested_twice(objects in proptest::collection::vec(object(), 2..10)) {
        let named: Vec<DirectoryObject> = objects
            .into_iter()
            .enumerate()
            .map(|(number, object)| with(user(&format!("u{number}")), &a::USER_PRINCIPAL_NAME, &[object.text(&a::USER_PRINCIPAL_NAME).unwrap_or("x")]))
            .collect();
        let held: BTreeSet<String> =
            named.iter().filter_map(|o| o.text(&a::USER_PRINCIPAL_NAME)).map(onramp_core::comparison_key).collect();
        let mut suggested: BTreeSet<(String, String)> = BTreeSet::new();
        for finding in scan(named).findings {
            let Some(fix) = finding.fixes.first() else { continue };
            for new in fix.changes.iter().filter(|c| c.attribute == a::USER_PRINCIPAL_NAME).flat_map(|c| &c.add) {
                let key = onramp_core::comparison_key(new);
                let is_own = onramp_core::comparison_key(finding.value.as_deref().unwrap_or_default()) == key;
                prop_assert!(is_own || !held.contains(&key), "{new} is held");
                let dn = finding.object.dn.clone();
                let by_other = suggested.iter().any(|(other, name)| *name == key && *other != dn);
                prop_assert!(!by_other, "{new} is suggested twice");
                suggested.insert((dn, key));
            }
        }
    }
}
