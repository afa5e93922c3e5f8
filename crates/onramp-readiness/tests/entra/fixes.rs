//! The suggested fixes: what they are, and when there is none.

use onramp_core::AttributeName;
use onramp_readiness::{Confidence, DirectoryObject, Profile, attributes as a};

use crate::{apply, contact, domain, ids, judged, judged_by, profile, user, with};

/// The first fix's new value, and its confidence; `None` where there is no fix.
fn first(object: &DirectoryObject, attribute: &AttributeName) -> Option<(String, Confidence)> {
    let findings = judged(object);
    let finding = findings.iter().find(|finding| finding.attribute == *attribute).expect("a finding");
    let fix = finding.fixes.first()?;
    Some((fix.changes[0].add.join("|"), fix.confidence))
}

fn table(attribute: &AttributeName, rows: &[(&str, Option<(&str, Confidence)>)]) {
    for (value, expected) in rows {
        let object = with(user("anna"), attribute, &[value]);
        let expected = expected.map(|(text, confidence)| (text.to_owned(), confidence));
        assert_eq!(first(&object, attribute), expected, "{attribute} {value:?}");
    }
}

#[test]
fn user_principal_names() {
    use Confidence::{High, Low, Medium};
    let long = format!("{}@contoso.com", "a".repeat(65));
    table(
        &a::USER_PRINCIPAL_NAME,
        &[
            ("jürgen@contoso.com", Some(("juergen@contoso.com", Medium))),
            ("Änne.Weiß@contoso.com", Some(("Aenne.Weiss@contoso.com", Medium))),
            ("josé@contoso.com", Some(("jose@contoso.com", Medium))),
            ("søren@contoso.com", Some(("soeren@contoso.com", Medium))),
            ("łukasz@contoso.com", Some(("lukasz@contoso.com", Medium))),
            ("o’neil@contoso.com", Some(("o'neil@contoso.com", Medium))),
            (" anna@contoso.com", Some(("anna@contoso.com", High))),
            ("anna@contoso.com ", Some(("anna@contoso.com", High))),
            ("anna@contoso.com.", Some(("anna@contoso.com", High))),
            ("an\u{200b}na@contoso.com", Some(("anna@contoso.com", High))),
            ("anna.@contoso.com", Some(("anna@contoso.com", High))),
            (".anna@contoso.com", Some(("anna@contoso.com", High))),
            ("an..na@contoso.com", Some(("an.na@contoso.com", High))),
            ("anna reed@contoso.com", Some(("anna.reed@contoso.com", Medium))),
            ("a&b@contoso.com", Some(("ab@contoso.com", Low))),
            ("anna", Some(("anna@contoso.com", Low))),
            ("anna@corp.local", Some(("anna@contoso.com", Medium))),
            ("anna@fabrikam.com", Some(("anna@contoso.com", Medium))),
            ("jürgen@corp.local", Some(("juergen@contoso.com", Medium))),
            ("anna@con_toso.com", Some(("anna@contoso.com", Medium))),
            (&long, None),
            ("анна@contoso.com", None),
            ("山田@contoso.com", None),
            ("&&@contoso.com", None),
            ("@contoso.com", None),
        ],
    );
}

#[test]
fn addresses() {
    use Confidence::{High, Low, Medium};
    let long = format!("smtp:{}@contoso.com", "a".repeat(65));
    for (value, expected) in [
        ("smtp:jürgen@contoso.com", Some(("smtp:juergen@contoso.com", Medium))),
        ("smtp: jim@contoso.com", Some(("smtp:jim@contoso.com", High))),
        ("smtp:jim@contoso.com ", Some(("smtp:jim@contoso.com", High))),
        (" smtp:jim@contoso.com", Some(("smtp:jim@contoso.com", High))),
        ("smtp:jim reed@contoso.com", Some(("smtp:jim.reed@contoso.com", Medium))),
        ("smtp:jim.@contoso.com", Some(("smtp:jim@contoso.com", High))),
        ("smtp:ji..m@contoso.com", Some(("smtp:ji.m@contoso.com", High))),
        ("smtp:ji(m)@contoso.com", Some(("smtp:jim@contoso.com", Low))),
        ("smtp:j:im@contoso.com", Some(("smtp:jim@contoso.com", Low))),
        ("jim@contoso.com", Some(("smtp:jim@contoso.com", High))),
        ("smtp:jim@con_toso.com", None),
        ("smtp:jim@corp.local", None),
        ("smtp:jim", None),
        ("jim", None),
        (&long, None),
    ] {
        let object = with(user("anna"), &a::PROXY_ADDRESSES, &["SMTP:anna@contoso.com", value]);
        let expected = expected.map(|(text, confidence)| (text.to_owned(), confidence));
        assert_eq!(first(&object, &a::PROXY_ADDRESSES), expected, "{value:?}");
    }
}

#[test]
fn an_internationalized_domain_is_written_as_a_tenant_holds_it() {
    let profile = Profile::entra().with_verified_domains([domain("bücher.com")]);
    let object = with(user("anna"), &a::USER_PRINCIPAL_NAME, &["än@bücher.com"]);
    let fix = &judged_by(&profile, &object)[0].fixes[0];
    assert_eq!(fix.changes[0].add, ["aen@xn--bcher-kva.com"]);
}

#[test]
fn there_are_two_ways_to_write_an_umlaut() {
    let findings = judged(&with(user("anna"), &a::USER_PRINCIPAL_NAME, &["jürgen@contoso.com"]));
    let values: Vec<_> =
        findings[0].fixes.iter().map(|fix| (fix.changes[0].add[0].as_str(), fix.confidence)).collect();
    assert_eq!(
        values,
        [("juergen@contoso.com", Confidence::Medium), ("jurgen@contoso.com", Confidence::Low)]
    );
    assert_eq!(findings[0].fixes[0].changes[0].remove, ["jürgen@contoso.com"]);
}

#[test]
fn who_loses_characters_is_told() {
    let findings = judged(&with(user("anna"), &a::USER_PRINCIPAL_NAME, &["a&b*@contoso.com"]));
    assert_eq!(findings[0].fixes[0].loses.as_deref(), Some("the characters &*"));
    let findings = judged(&with(user("anna"), &a::USER_PRINCIPAL_NAME, &["anna@corp.local"]));
    assert_eq!(findings[0].fixes[0].loses.as_deref(), Some("the user signs in with another suffix"));
}

#[test]
fn a_suffix_that_users_have_already_is_not_told_as_another_one() {
    // The tenant verifies the domain only later.
    let profile = Profile::entra()
        .with_verified_domains([domain("fabrikam.com")])
        .with_upn_suffix(domain("contoso.com"));
    let object = with(user("anna"), &a::USER_PRINCIPAL_NAME, &["anna..reed@Contoso.com"]);
    let findings = judged_by(&profile, &object);
    let dots = findings.iter().find(|finding| finding.rule.as_str() == "upn-dots").unwrap();
    assert_eq!(dots.fixes.len(), 1, "{:?}", dots.fixes);
    assert_eq!(dots.fixes[0].changes[0].add, ["anna.reed@Contoso.com"]);
    assert_eq!(dots.fixes[0].loses, None);
}

#[test]
fn a_missing_upn_is_the_mail_address_or_the_account_name() {
    let anna = with(user("anna"), &a::USER_PRINCIPAL_NAME, &[]);
    let with_mail = with(anna.clone(), &a::MAIL, &["anna.reed@contoso.com"]);
    let values = |object: &DirectoryObject, profile: &Profile| -> Vec<String> {
        judged_by(profile, object)[0].fixes.iter().flat_map(|fix| fix.changes[0].add.clone()).collect()
    };
    assert_eq!(values(&with_mail, &profile()), ["anna.reed@contoso.com", "anna@contoso.com"]);
    assert_eq!(values(&anna, &profile()), ["anna@contoso.com"]);
    assert_eq!(values(&with_mail, &Profile::entra()), ["anna.reed@contoso.com"]);
    assert!(values(&anna, &Profile::entra()).is_empty());
    let elsewhere = with(anna, &a::MAIL, &["anna@fabrikam.com"]);
    assert_eq!(
        values(&elsewhere, &profile()),
        ["anna@contoso.com"],
        "a suffix that is not verified helps nobody"
    );
}

#[test]
fn a_primary_address_is_promoted_where_it_is_clear_which() {
    let fix = |mail: &[&str], addresses: &[&str]| {
        let object = with(with(user("anna"), &a::MAIL, mail), &a::PROXY_ADDRESSES, addresses);
        let findings = judged(&object);
        let finding =
            findings.iter().find(|finding| finding.rule.as_str() == "address-primary-missing").unwrap();
        finding
            .fixes
            .first()
            .map(|fix| (fix.changes[0].remove.join("|"), fix.changes[0].add.join("|"), fix.confidence))
    };
    let is = |old: &str, new: &str, confidence| Some((old.to_owned(), new.to_owned(), confidence));
    assert_eq!(
        fix(&["b@contoso.com"], &["smtp:a@contoso.com", "smtp:B@contoso.com"]),
        is("smtp:B@contoso.com", "SMTP:B@contoso.com", Confidence::High)
    );
    assert_eq!(
        fix(&[], &["Smtp:a@contoso.com"]),
        is("Smtp:a@contoso.com", "SMTP:a@contoso.com", Confidence::Medium)
    );
    assert_eq!(fix(&[], &["smtp:a@contoso.com", "smtp:b@contoso.com"]), None);
}

#[test]
fn of_several_primary_addresses_the_mail_address_stays() {
    let primaries = ["SMTP:a@contoso.com", "SMTP:b@contoso.com", "SMTP:c@contoso.com"];
    let object = with(user("anna"), &a::PROXY_ADDRESSES, &primaries);
    let without_mail = judged(&object);
    assert!(without_mail.iter().all(|finding| finding.fixes.is_empty()), "{without_mail:?}");
    let object = with(object, &a::MAIL, &["b@contoso.com"]);
    let findings = judged(&object);
    assert_eq!(ids(&findings), ["address-primary-several"; 3]);
    let fix = &findings[0].fixes[0];
    assert_eq!(fix.changes[0].remove, ["SMTP:a@contoso.com", "SMTP:c@contoso.com"]);
    assert_eq!(fix.changes[0].add, ["smtp:a@contoso.com", "smtp:c@contoso.com"]);
    assert_eq!(ids(&judged(&apply(&object, fix))), [""; 0]);
}

#[test]
fn what_is_there_twice_is_removed_once() {
    let object = with(user("anna"), &a::PROXY_ADDRESSES, &["smtp:A@contoso.com", "SMTP:a@contoso.com"]);
    let findings = judged(&object);
    assert_eq!(findings[0].value.as_deref(), Some("smtp:A@contoso.com"));
    let fix = &findings[0].fixes[0];
    assert_eq!((fix.changes[0].remove.len(), fix.changes[0].add.len()), (1, 0));
    assert_eq!(ids(&judged(&apply(&object, fix))), [""; 0]);
}

#[test]
fn a_mail_address_follows_the_primary_one() {
    let object = with(user("anna"), &a::PROXY_ADDRESSES, &["SMTP:anna@contoso.com"]);
    let object = with(object, &a::MAIL, &["anna@fabrikam.com"]);
    assert_eq!(first(&object, &a::MAIL), Some(("anna@contoso.com".to_owned(), Confidence::Medium)));
}

#[test]
fn names() {
    use Confidence::{High, Low, Medium};
    for (attribute, value, expected) in [
        (a::DISPLAY_NAME, " Anna ", Some(("Anna", High))),
        (a::DISPLAY_NAME, "An\u{200b}na", Some(("Anna", High))),
        (a::DISPLAY_NAME, "Anna\tReed", Some(("Anna Reed", High))),
        (a::DISPLAY_NAME, "  ", Some(("anna", Medium))),
        (a::DISPLAY_NAME, "Pаypal", None),
        (a::GIVEN_NAME, " Anna", Some(("Anna", High))),
        (a::CN, " Anna", None),
        (a::MAIL_NICKNAME, "jürgen", Some(("juergen", Medium))),
        (a::MAIL_NICKNAME, ".anna.", Some(("anna", High))),
        (a::MAIL_NICKNAME, "anna reed", Some(("anna.reed", Medium))),
        (a::MAIL_NICKNAME, "anna(x)", Some(("annax", Low))),
        (a::SAM_ACCOUNT_NAME, "an/na", Some(("anna", Low))),
        (a::SAM_ACCOUNT_NAME, "anna.", Some(("anna", Low))),
        (a::SAM_ACCOUNT_NAME, "//", None),
        (a::MAIL, "jürgen@contoso.com", Some(("juergen@contoso.com", Medium))),
        (a::MAIL, "mailto:jim@contoso.com", Some(("jim@contoso.com", High))),
    ] {
        table(&attribute, &[(value, expected)]);
    }
    let persian = "می\u{200c}خواهم";
    let findings = judged(&with(user("anna"), &a::DISPLAY_NAME, &[&format!(" {persian}")]));
    assert!(findings.iter().all(|finding| finding.fixes.iter().all(|fix| fix.changes[0].add == [persian])));
}

#[test]
fn a_contact_is_repaired_as_well() {
    let object = with(contact("bob"), &a::TARGET_ADDRESS, &["SMTP: bob@fabrikam.com"]);
    assert_eq!(
        first(&object, &a::TARGET_ADDRESS),
        Some(("SMTP:bob@fabrikam.com".to_owned(), Confidence::High))
    );
}

#[test]
fn why_there_is_no_fix_is_said() {
    for (value, part) in [
        (&format!("{}@contoso.com", "a".repeat(65)), "to cut a name makes another name"),
        (&"山田@contoso.com".to_owned(), "a person has to choose"),
    ] {
        let findings = judged(&with(user("anna"), &a::USER_PRINCIPAL_NAME, &[value]));
        assert!(findings[0].no_fix.as_deref().unwrap().contains(part), "{findings:?}");
    }
    let findings =
        judged_by(&Profile::entra(), &with(user("anna"), &a::USER_PRINCIPAL_NAME, &["anna@corp.local"]));
    assert!(findings[0].no_fix.as_deref().unwrap().contains("verify the domain"), "{findings:?}");
}

#[test]
fn letters_that_do_not_decompose_are_written_as_is_the_custom() {
    for (name, first, second) in [
        ("øb", "oeb", Some("ob")),
        ("Øb", "Oeb", Some("Ob")),
        ("åb", "aab", Some("ab")),
        ("Åb", "Aab", Some("Ab")),
        ("äb", "aeb", Some("ab")),
        ("Äb", "Aeb", Some("Ab")),
        ("öb", "oeb", Some("ob")),
        ("Öb", "Oeb", Some("Ob")),
        ("üb", "ueb", Some("ub")),
        ("Üb", "Ueb", Some("Ub")),
        ("æb", "aeb", None),
        ("Æb", "Aeb", None),
        ("œb", "oeb", None),
        ("Œb", "Oeb", None),
        ("ßb", "ssb", None),
        ("ẞb", "SSb", None),
        ("łb", "lb", None),
        ("Łb", "Lb", None),
        ("đb", "db", None),
        ("ðb", "db", None),
        ("Đb", "Db", None),
        ("Ðb", "Db", None),
        ("þb", "thb", None),
        ("Þb", "Thb", None),
        ("ħb", "hb", None),
        ("Ħb", "Hb", None),
        ("ıb", "ib", None),
        ("ŧb", "tb", None),
        ("Ŧb", "Tb", None),
        ("a‘b", "a'b", None),
        ("aʼb", "a'b", None),
        ("a–b", "a-b", None),
        ("a—b", "a-b", None),
        ("a‐b", "a-b", None),
    ] {
        let findings =
            judged(&with(user("anna"), &a::USER_PRINCIPAL_NAME, &[&format!("{name}@contoso.com")]));
        let finding = findings.iter().find(|finding| finding.rule.as_str() == "upn-character").unwrap();
        let new: Vec<&str> = finding
            .fixes
            .iter()
            .filter_map(|fix| fix.changes[0].add[0].strip_suffix("@contoso.com"))
            .collect();
        let expected: Vec<&str> = [first].into_iter().chain(second).collect();
        assert_eq!(new, expected, "{name}");
    }
}

#[test]
fn a_bare_address_becomes_the_primary_one_only_if_it_is_the_mail_address_and_none_is_there() {
    let fix = |mail: &str, addresses: &[&str]| {
        let object = with(with(user("anna"), &a::MAIL, &[mail]), &a::PROXY_ADDRESSES, addresses);
        let findings = judged(&object);
        let finding =
            findings.iter().find(|finding| finding.rule.as_str() == "address-prefix-missing").unwrap();
        finding.fixes.first().map(|fix| fix.changes[0].add.join("|"))
    };
    let bare = "jim@contoso.com";
    assert_eq!(fix(bare, &[bare]).as_deref(), Some("SMTP:jim@contoso.com"));
    assert_eq!(fix(bare, &[bare, "SMTP:anna@contoso.com"]).as_deref(), Some("smtp:jim@contoso.com"));
}
