//! Values that several objects hold.

use std::sync::Arc;

use onramp_core::forest::AttributeValue;
use onramp_readiness::{
    Confidence, DirectoryObject, EntraRules, Finding, Profile, RuleId, RuleSettings, Scan, attributes as a,
};

use crate::{contact, domain, group, scan, user, with};

fn rules(findings: &[Finding]) -> Vec<(&str, &str)> {
    findings.iter().map(|f| (f.rule.as_str(), f.object.dn.split(',').next().unwrap())).collect()
}

#[test]
fn every_holder_is_listed_whatever_the_order() {
    let objects = || {
        ["c", "a", "b"].map(|name| {
            with(
                user(name),
                &a::PROXY_ADDRESSES,
                &[&format!("SMTP:{name}@contoso.com"), "smtp:Info@contoso.com"],
            )
        })
    };
    let result = scan(objects());
    assert_eq!(
        rules(&result.findings),
        [("duplicate-address", "CN=a"), ("duplicate-address", "CN=b"), ("duplicate-address", "CN=c")]
    );
    for finding in &result.findings {
        let holders: Vec<_> =
            finding.holders.iter().map(|h| h.object.dn.split(',').next().unwrap()).collect();
        assert_eq!(holders, ["CN=a", "CN=b", "CN=c"]);
        assert_eq!(finding.holders.iter().filter(|holder| holder.keeps).count(), 1);
        assert_eq!(finding.value.as_deref(), Some("smtp:Info@contoso.com"));
        assert_eq!(finding.value_index, Some(1));
    }
    let mut reversed = objects();
    reversed.reverse();
    assert_eq!(result.findings, scan(reversed).findings);
}

#[test]
fn addresses_are_compared_across_attributes_and_as_the_directory_does() {
    let anna =
        || with(user("anna"), &a::PROXY_ADDRESSES, &["SMTP:anna@contoso.com", "smtp:José@contoso.com"]);
    for (other, is_found) in [
        (with(user("b"), &a::MAIL, &["anna@contoso.com"]), true),
        (with(user("b"), &a::MAIL, &["ANNA@Contoso.COM"]), true),
        (with(user("b"), &a::USER_PRINCIPAL_NAME, &["anna@contoso.com"]), true),
        (with(user("b"), &a::PROXY_ADDRESSES, &["SMTP:b@contoso.com", "smtp:jose@contoso.com"]), true),
        (with(user("b"), &a::PROXY_ADDRESSES, &["SMTP:b@contoso.com", "Smtp: anna@contoso.com"]), true),
        (with(user("b"), &a::PROXY_ADDRESSES, &["SMTP:b@contoso.com", "anna@contoso.com"]), true),
        (with(contact("b"), &a::TARGET_ADDRESS, &["SMTP:anna@contoso.com"]), true),
        (with(group("b"), &a::MAIL, &["anna@contoso.com"]), true),
        (with(user("b"), &a::PROXY_ADDRESSES, &["SMTP:b@contoso.com", "sip:anna@contoso.com"]), false),
        (with(user("b"), &a::PROXY_ADDRESSES, &["SMTP:b@contoso.com", "x500:anna@contoso.com"]), false),
        (with(user("b"), &a::MAIL_NICKNAME, &["anna@contoso.com"]), false),
        (with(user("b"), &a::MAIL, &["anna@contoso.de"]), false),
    ] {
        let result = scan([anna(), other.clone()]);
        let found = result.findings.iter().filter(|f| f.rule.as_str().starts_with("duplicate-")).count();
        assert_eq!(found > 0, is_found, "{other:?}: {:?}", rules(&result.findings));
    }
    let sip = |name: &str| {
        with(user(name), &a::PROXY_ADDRESSES, &[&format!("SMTP:{name}@contoso.com"), "sip:x@contoso.com"])
    };
    assert_eq!(rules(&scan([sip("a"), sip("b")]).findings).len(), 2);
}

#[test]
fn one_object_with_an_address_in_many_attributes_is_no_duplicate() {
    let anna = with(user("anna"), &a::PROXY_ADDRESSES, &["SMTP:anna@contoso.com"]);
    let anna = with(anna, &a::MAIL, &["anna@contoso.com"]);
    let anna = with(anna, &a::TARGET_ADDRESS, &["SMTP:anna@contoso.com"]);
    assert_eq!(scan([anna]).findings, []);
}

#[test]
fn two_users_who_share_everything_get_one_finding_of_a_kind_each() {
    let anna = |name: &str| {
        let user = with(user(name), &a::PROXY_ADDRESSES, &["SMTP:anna@contoso.com"]);
        let user = with(user, &a::MAIL, &["anna@contoso.com"]);
        with(user, &a::USER_PRINCIPAL_NAME, &["anna@contoso.com"])
    };
    let result = scan([anna("a"), anna("b")]);
    assert_eq!(
        rules(&result.findings),
        [
            ("duplicate-address", "CN=a"),
            ("duplicate-upn", "CN=a"),
            ("duplicate-address", "CN=b"),
            ("duplicate-upn", "CN=b")
        ]
    );
}

#[test]
fn internationalized_domains_are_one_in_either_spelling() {
    let one = with(user("a"), &a::MAIL, &["info@bücher.com"]);
    let other = with(user("b"), &a::MAIL, &["info@xn--bcher-kva.com"]);
    let result = scan([one, other]);
    assert_eq!(rules(&result.findings), [("duplicate-address", "CN=a"), ("duplicate-address", "CN=b")]);
}

#[test]
fn account_names_count_within_a_domain_and_where_they_become_upns() {
    let in_domain = |name: &str, domain: &str, upn: bool| {
        let object = DirectoryObject::new(format!("CN={name},DC={domain},DC=local"))
            .with_text(a::OBJECT_CLASS, "user")
            .with_text(a::SAM_ACCOUNT_NAME, "anna");
        if upn { object.with_text(a::USER_PRINCIPAL_NAME, format!("{name}@contoso.com")) } else { object }
    };
    let is_found = |objects: [DirectoryObject; 2]| {
        scan(objects).findings.iter().any(|f| f.rule.as_str() == "duplicate-sam-account-name")
    };
    assert!(is_found([in_domain("a", "one", true), in_domain("b", "one", true)]));
    assert!(!is_found([in_domain("a", "one", true), in_domain("b", "two", true)]));
    assert!(is_found([in_domain("a", "one", true), in_domain("b", "two", false)]));
}

#[test]
fn nicknames_targets_and_anchors() {
    let nickname = |name: &str| with(user(name), &a::MAIL_NICKNAME, &["Anna"]);
    let result = scan([nickname("a"), nickname("b")]);
    assert_eq!(
        rules(&result.findings),
        [("duplicate-mail-nickname", "CN=a"), ("duplicate-mail-nickname", "CN=b")]
    );
    let target = |name: &str| with(contact(name), &a::TARGET_ADDRESS, &["SMTP:x@fabrikam.com"]);
    let result = scan([target("a"), target("b")]);
    assert_eq!(
        rules(&result.findings),
        [("duplicate-target-address", "CN=a"), ("duplicate-target-address", "CN=b")]
    );
    let anchor = |name: &str| {
        let mut user = user(name);
        user.set(a::CONSISTENCY_GUID, vec![AttributeValue::bytes(vec![0xab; 16])]);
        user
    };
    let result = scan([anchor("a"), anchor("b")]);
    assert_eq!(
        rules(&result.findings),
        [("duplicate-source-anchor", "CN=a"), ("duplicate-source-anchor", "CN=b")]
    );
    assert_eq!(result.findings[0].value.as_deref(), Some("abababababababababababababababab"));
}

#[test]
fn several_forests_are_one_scan() {
    let anna = |forest: &str| user("anna").with_source(Arc::from(forest));
    let result = scan([anna("corp.local"), anna("fabrikam.local")]);
    let sources: Vec<_> = result.findings.iter().filter_map(|f| f.object.source.as_deref()).collect();
    assert!(sources.contains(&"corp.local") && sources.contains(&"fabrikam.local"), "{sources:?}");
    assert!(rules(&result.findings).iter().any(|(rule, _)| *rule == "duplicate-upn"));
}

#[test]
fn who_keeps_a_value_is_recommended_with_reasons() {
    let shared = |name: &str, address: &str| with(user(name), &a::PROXY_ADDRESSES, &[address]);
    let keeper = |one: DirectoryObject, other: DirectoryObject| {
        let result = scan([one, other]);
        let finding =
            result.findings.iter().find(|f| f.rule.as_str() == "duplicate-address").expect("a duplicate");
        let keeper = finding.holders.iter().find(|holder| holder.keeps).unwrap();
        (keeper.object.dn.split(',').next().unwrap().to_owned(), keeper.reasons.join("; "))
    };
    let plain = || shared("a", "SMTP:x@contoso.com");
    let mailbox = with(shared("b", "SMTP:x@contoso.com"), &a::HOME_MDB, &["CN=DB1"]);
    assert_eq!(
        keeper(plain(), mailbox),
        (
            "CN=b".to_owned(),
            "it has a mailbox; the account is enabled; the value is its primary address".to_owned()
        )
    );
    let disabled = with(plain(), &a::USER_ACCOUNT_CONTROL, &["514"]);
    assert_eq!(keeper(disabled, shared("b", "SMTP:x@contoso.com")).0, "CN=b");
    let secondary = with(user("a"), &a::PROXY_ADDRESSES, &["SMTP:a@contoso.com", "smtp:x@contoso.com"]);
    assert_eq!(keeper(secondary, shared("b", "SMTP:x@contoso.com")).0, "CN=b");
    let young = with(plain(), &a::WHEN_CREATED, &["20240102030405.0Z"]);
    let old = with(shared("b", "SMTP:x@contoso.com"), &a::WHEN_CREATED, &["20140102030405.0Z"]);
    assert_eq!(
        keeper(young, old),
        (
            "CN=b".to_owned(),
            "the account is enabled; the value is its primary address; created 2014-01-02".to_owned()
        )
    );
    let list = with(group("A"), &a::PROXY_ADDRESSES, &["SMTP:x@contoso.com"]);
    assert_eq!(keeper(list, shared("b", "SMTP:x@contoso.com")).0, "CN=b");
    assert_eq!(keeper(plain(), shared("b", "SMTP:x@contoso.com")).0, "CN=a", "the first of equals");
}

#[test]
fn the_others_get_a_suggestion_that_is_free() {
    let anna = |name: &str| with(user(name), &a::USER_PRINCIPAL_NAME, &["anna@contoso.com"]);
    let taken = with(user("z"), &a::USER_PRINCIPAL_NAME, &["anna2@contoso.com"]);
    let result = scan([anna("a"), anna("b"), anna("c"), taken]);
    let fixes: Vec<Option<&str>> =
        result.findings.iter().map(|f| f.fixes.first().map(|fix| fix.changes[0].add[0].as_str())).collect();
    assert_eq!(fixes, [None, Some("anna3@contoso.com"), Some("anna4@contoso.com")]);
    assert!(result.findings[0].no_fix.as_deref().unwrap().contains("recommended to keep"));
    assert_eq!(result.findings[1].fixes[0].confidence, Confidence::Low);
}

#[test]
fn a_secondary_address_is_given_up_by_who_does_not_keep_it() {
    let one = with(user("a"), &a::PROXY_ADDRESSES, &["SMTP:info@contoso.com"]);
    let other = with(user("b"), &a::PROXY_ADDRESSES, &["SMTP:b@contoso.com", "smtp:info@contoso.com"]);
    let result = scan([one, other]);
    assert!(result.findings[0].fixes.is_empty());
    let fix = &result.findings[1].fixes[0];
    assert_eq!(
        (fix.changes[0].remove.as_slice(), fix.changes[0].add.len()),
        (["smtp:info@contoso.com".to_owned()].as_slice(), 0)
    );
    assert!(fix.loses.as_deref().unwrap().contains("CN=a,OU=Staff"), "{fix:?}");
}

#[test]
fn a_repaired_value_that_another_holds_is_not_suggested() {
    let jurgen = with(user("j"), &a::USER_PRINCIPAL_NAME, &["jürgen@contoso.com"]);
    let first = |objects: Vec<DirectoryObject>| {
        let result = scan(objects);
        let finding = result.findings.iter().find(|f| f.rule.as_str() == "upn-character").unwrap().clone();
        (finding.fixes.first().map(|fix| fix.changes[0].add[0].clone()), finding.no_fix)
    };
    let juergen = with(user("k"), &a::USER_PRINCIPAL_NAME, &["Juergen@contoso.com"]);
    let jurgen_too = with(user("l"), &a::MAIL, &["jurgen@contoso.com"]);
    assert_eq!(first(vec![jurgen.clone()]).0.as_deref(), Some("juergen@contoso.com"));
    assert_eq!(first(vec![jurgen.clone(), juergen.clone()]).0.as_deref(), Some("jurgen@contoso.com"));
    let (fix, why) = first(vec![jurgen, juergen, jurgen_too]);
    assert_eq!(fix, None);
    assert!(why.unwrap().contains("held by another object"));
}

#[test]
fn two_repairs_never_meet() {
    let one = with(user("a"), &a::USER_PRINCIPAL_NAME, &["müller@contoso.com"]);
    let other = with(user("b"), &a::USER_PRINCIPAL_NAME, &["mu eller@contoso.com"]);
    let third = with(user("c"), &a::USER_PRINCIPAL_NAME, &["mueller.@contoso.com"]);
    let result = scan([one, other, third]);
    let mut values: Vec<&str> =
        result.findings.iter().filter_map(|f| Some(f.fixes.first()?.changes[0].add[0].as_str())).collect();
    values.sort_unstable();
    assert_eq!(values, ["mu.eller@contoso.com", "mueller@contoso.com"]);
}

#[test]
fn a_rule_that_is_off_finds_nothing() {
    let profile = Profile::entra()
        .with_verified_domains([domain("contoso.com")])
        .with_rule(RuleId::from_static("duplicate-upn"), RuleSettings::off());
    let mut scan = Scan::new(Arc::new(EntraRules::new(&profile).unwrap()));
    for name in ["a", "b"] {
        scan.add(with(user(name), &a::USER_PRINCIPAL_NAME, &["anna@contoso.com"]));
    }
    assert_eq!(scan.finish().findings, []);
}

#[test]
fn a_value_of_thousands_is_named_by_each_and_lists_a_hundred() {
    let objects = (0..1500).map(|n| with(user(&format!("u{n}")), &a::MAIL, &["all@contoso.com"]));
    let result = scan(objects);
    assert_eq!(result.findings.len(), 1500);
    assert!(
        result.findings.iter().all(|f| f.holders.len() == 100 && f.explanation.starts_with("1500 objects"))
    );
}

#[test]
fn text_that_is_no_address_is_not_compared_with_addresses() {
    let one = with(user("a"), &a::PROXY_ADDRESSES, &["SMTP:a@contoso.com", "info"]);
    let other = with(user("b"), &a::MAIL, &["info"]);
    assert!(scan([one, other]).findings.iter().all(|f| !f.rule.as_str().starts_with("duplicate-")));
}

#[test]
fn a_suggestion_is_looked_up_among_thousands_and_in_every_attribute() {
    let mut objects: Vec<DirectoryObject> = (0..3000).map(|n| user(&format!("filler{n}"))).collect();
    for n in 0..40 {
        let bad = format!("smtp:jürgen{n}@contoso.com");
        objects.push(with(
            user(&format!("x{n}")),
            &a::PROXY_ADDRESSES,
            &[&format!("SMTP:x{n}@contoso.com"), &bad],
        ));
        objects.push(with(user(&format!("y{n}")), &a::MAIL, &[&format!("juergen{n}@contoso.com")]));
    }
    let result = scan(objects);
    let repaired: Vec<_> =
        result.findings.iter().filter(|f| f.rule.as_str() == "address-character").collect();
    assert_eq!(repaired.len(), 40);
    for finding in repaired {
        let new: Vec<&str> = finding.fixes.iter().map(|fix| fix.changes[0].add[0].as_str()).collect();
        assert!(new.len() == 1 && new[0].starts_with("smtp:jurgen"), "{new:?}");
    }
}

#[test]
fn names_get_a_number_and_addresses_a_decision() {
    let both = |name: &str| {
        let user = with(user(name), &a::MAIL_NICKNAME, &["anna"]);
        with(user, &a::MAIL, &["anna@contoso.com"])
    };
    let result = scan([both("a"), both("b")]);
    let of_b: Vec<_> = result.findings.iter().filter(|f| f.object.dn.starts_with("CN=b")).collect();
    let found = |rule: &str| of_b.iter().find(|f| f.rule.as_str() == rule).unwrap();
    assert_eq!(found("duplicate-mail-nickname").fixes[0].changes[0].add, ["anna2"]);
    let address = found("duplicate-address");
    assert!(address.fixes.is_empty());
    assert_eq!(address.no_fix.as_deref(), Some("who keeps the value is for a person to decide"));
}

#[test]
fn names_with_commas_are_told_whole() {
    let one = DirectoryObject::new("CN=Reed\\, Anna,OU=Staff,DC=corp,DC=local")
        .with_text(a::OBJECT_CLASS, "user")
        .with_text(a::USER_PRINCIPAL_NAME, "x@contoso.com");
    let other = with(user("b"), &a::USER_PRINCIPAL_NAME, &["x@contoso.com"]);
    let result = scan([one, other]);
    assert!(result.findings.iter().any(|f| f.object.dn == "CN=Reed\\, Anna,OU=Staff,DC=corp,DC=local"));
}

#[test]
fn a_finding_about_a_shared_value_has_it_as_it_is_there() {
    let one = with(user("a"), &a::PROXY_ADDRESSES, &["SMTP:X@contoso.com"]);
    let other = with(contact("b"), &a::TARGET_ADDRESS, &["SMTP:x@contoso.com"]);
    let third = with(contact("c"), &a::TARGET_ADDRESS, &["smtp:x@contoso.com"]);
    let result = scan([one, other, third]);
    let told: Vec<_> = result
        .findings
        .iter()
        .filter(|f| f.rule.as_str() == "duplicate-address")
        .map(|f| (f.value.as_deref().unwrap(), f.class.as_deref().unwrap(), f.attribute.as_str()))
        .collect();
    let expected = [
        ("SMTP:X@contoso.com", "user", "proxyAddresses"),
        ("SMTP:x@contoso.com", "contact", "targetAddress"),
        ("smtp:x@contoso.com", "contact", "targetAddress"),
    ];
    assert_eq!(told, expected);
}

#[test]
fn an_enabled_account_is_known_by_its_control_flags() {
    let shared = |name: &str, control: &str| {
        let user = with(user(name), &a::MAIL, &["x@contoso.com"]);
        with(user, &a::USER_ACCOUNT_CONTROL, &[control])
    };
    for (control, reason) in [
        ("512", "the account is enabled"),
        ("66048", "the account is enabled"),
        ("514", "the account is disabled"),
        ("66050", "the account is disabled"),
    ] {
        let result = scan([shared("a", control), shared("b", control)]);
        let holder = &result.findings[0].holders[0];
        assert_eq!(holder.reasons, [reason], "{control}");
    }
    let list = with(group("g"), &a::MAIL, &["x@contoso.com"]);
    let other = with(contact("h"), &a::MAIL, &["x@contoso.com"]);
    let result = scan([list, other]);
    assert!(result.findings[0].holders.iter().all(|holder| holder.reasons.is_empty()));
}

#[test]
fn a_rule_judges_the_objects_of_its_scope_alone_and_others_still_hold_the_value() {
    let pair = |attribute, value: &str| {
        let place = |name: &str, ou: &str| {
            DirectoryObject::new(format!("CN={name},OU={ou},DC=corp,DC=local"))
                .with_text(a::OBJECT_CLASS, "user")
                .with_text(a::SAM_ACCOUNT_NAME, name)
                .with_text(a::USER_PRINCIPAL_NAME, format!("{name}@contoso.com"))
        };
        [with(place("one", "Staff"), attribute, &[value]), with(place("two", "Shared"), attribute, &[value])]
    };
    for (rule, attribute, value) in [
        ("duplicate-upn", &a::USER_PRINCIPAL_NAME, "same@contoso.com"),
        ("duplicate-address", &a::MAIL, "same@contoso.com"),
        ("duplicate-address", &a::PROXY_ADDRESSES, "sip:same@contoso.com"),
        ("duplicate-target-address", &a::TARGET_ADDRESS, "SMTP:same@contoso.com"),
        ("duplicate-mail-nickname", &a::MAIL_NICKNAME, "same"),
        ("duplicate-sam-account-name", &a::SAM_ACCOUNT_NAME, "same"),
        ("duplicate-source-anchor", &a::CONSISTENCY_GUID, "0123456789abcdef"),
    ] {
        for (setting, holders) in [
            ("", &["CN=one", "CN=two"][..]),
            ("below = [\"OU=Staff,DC=corp,DC=local\"]", &["CN=one"]),
            ("not-below = [\"OU=Staff,DC=corp,DC=local\"]", &["CN=two"]),
            ("classes = [\"group\"]", &[]),
        ] {
            let text = format!("verified-domains = [\"contoso.com\"]\n[rules.{rule}]\n{setting}");
            let rules_of = Arc::new(EntraRules::new(&Profile::parse(&text).unwrap()).unwrap());
            let mut scan = Scan::new(rules_of).with_threads(1);
            pair(attribute, value).into_iter().for_each(|object| scan.add(object));
            let findings = scan.finish().findings;
            let found: Vec<_> = findings.iter().filter(|finding| finding.rule.as_str() == rule).collect();
            let names: Vec<_> = found.iter().map(|f| f.object.dn.split(',').next().unwrap()).collect();
            assert_eq!(names, holders, "{rule} {setting}");
            assert!(found.iter().all(|finding| finding.holders.len() == 2), "{rule} {setting}");
        }
    }
}

#[test]
fn the_loser_of_a_replication_conflict_is_told_within_the_scope_of_its_rule() {
    let loser = || {
        DirectoryObject::new("CN=one\\0ACNF:0c1d2e3f-0000-0000-0000-000000000001,OU=Staff,DC=corp,DC=local")
            .with_text(a::OBJECT_CLASS, "user")
            .with_text(a::USER_PRINCIPAL_NAME, "one@contoso.com")
    };
    for (setting, count) in [("", 1), ("not-below = [\"OU=Staff,DC=corp,DC=local\"]", 0)] {
        let profile = Profile::parse(&format!("[rules.replication-conflict]\n{setting}")).unwrap();
        let mut scan = Scan::new(Arc::new(EntraRules::new(&profile).unwrap()));
        scan.add(loser());
        let result = scan.finish();
        assert_eq!((result.findings.len(), result.excluded.len()), (count, 1), "{setting}");
    }
}
