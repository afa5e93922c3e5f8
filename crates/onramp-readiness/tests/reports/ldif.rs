//! The fixes, put together and as LDIF.

use onramp_core::AttributeName;
use onramp_readiness::ldif::{Change, ChangeRecord, Operation, Reader, Record};
use onramp_readiness::report::{Report, write_ldif};
use onramp_readiness::{Confidence, Finding, Fix, FixChange, RuleId, Severity};
use onramp_readiness::{FixSkip, ObjectFix, combine_fixes};
use proptest::prelude::*;

use crate::data::{
    MAIL, PROXY, UPN, any_findings, any_text, findings, hostile_findings, key, key_with_guid, now,
};

fn ldif(findings: &[Finding], min_confidence: Confidence) -> String {
    let mut out = Vec::new();
    write_ldif(&Report::new(findings, now()).with_profile("entra"), min_confidence, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn change(attribute: &AttributeName, remove: &[&str], add: &[&str]) -> FixChange {
    let owned = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect();
    FixChange { attribute: attribute.clone(), remove: owned(remove), add: owned(add) }
}

fn finding(rule: &'static str, confidence: Confidence, changes: &[FixChange]) -> Finding {
    Finding::new(key("CN=Anna,DC=corp"), RuleId::from_static(rule), Severity::Error, MAIL, "")
        .with_fix(Fix::of(changes.to_vec()).with_confidence(confidence))
}

fn rules<'a>(fix: &'a ObjectFix<'_>) -> (Vec<&'a str>, Vec<(&'a str, FixSkip)>) {
    let fixed = fix.fixed.iter().map(|finding| finding.rule.as_str()).collect();
    let skipped = fix.skipped.iter().map(|(finding, reason)| (finding.rule.as_str(), *reason)).collect();
    (fixed, skipped)
}

#[test]
fn an_object_gets_one_record_with_all_its_attributes() {
    let findings = [
        finding("a", Confidence::High, &[change(&MAIL, &["a b@x.de"], &["ab@x.de"])]),
        finding("b", Confidence::High, &[change(&PROXY, &["SMTP:a b@x.de"], &["SMTP:ab@x.de"])]),
        finding("c", Confidence::High, &[change(&UPN, &[], &["ab@x.de"])]),
        finding("d", Confidence::High, &[change(&PROXY, &["smtp:c"], &[])]),
    ];
    let text = ldif(&findings, Confidence::High);
    assert!(
        text.ends_with(
            "dn: CN=Anna,DC=corp\nchangetype: modify\ndelete: mail\nmail: a b@x.de\n-\nadd: mail\nmail: ab@x.de\n-\n\
             delete: proxyAddresses\nproxyAddresses: SMTP:a b@x.de\nproxyAddresses: smtp:c\n-\n\
             add: proxyAddresses\nproxyAddresses: SMTP:ab@x.de\n-\nadd: userPrincipalName\nuserPrincipalName: ab@x.de\n-\n"
        ),
        "{text}"
    );
    assert_eq!(text.matches("dn: ").count(), 1);
}

#[test]
fn the_fix_with_the_higher_confidence_wins() {
    let findings = [
        finding("low", Confidence::Low, &[change(&MAIL, &["a"], &["low"])]),
        finding("medium", Confidence::Medium, &[change(&MAIL, &["A"], &["medium"])]),
        finding("high", Confidence::High, &[change(&MAIL, &["a"], &["high"])]),
        finding("other", Confidence::High, &[change(&MAIL, &["a"], &["other"])]),
    ];
    let all = combine_fixes(&findings, Confidence::Medium);
    assert_eq!(all.len(), 1);
    let skipped =
        vec![("low", FixSkip::LowConfidence), ("medium", FixSkip::Conflict), ("other", FixSkip::Conflict)];
    assert_eq!(rules(&all[0]), (vec!["high"], skipped));
    assert_eq!(all[0].changes, [change(&MAIL, &["a"], &["high"])]);
    let unfolded = ldif(&findings, Confidence::Medium).replace("\n ", "");
    assert!(unfolded.contains(
        "# Objects to change: 1. Fixes left out: 1 of lower confidence, 2 in conflict with others.\n"
    ));
    assert!(
        unfolded.contains(
            "# skipped for CN=Anna,DC=corp: other, mail (high confidence): another fix of the object changes the same value in another way\n"
        ),
        "{unfolded}"
    );
}

#[test]
fn fixes_that_do_not_go_together_are_skipped_as_a_whole() {
    for (first, second, is_taken) in [
        // The same change for two reasons.
        (change(&MAIL, &["a"], &["b"]), change(&MAIL, &["a"], &["b"]), true),
        // Two values of one attribute.
        (change(&PROXY, &["a"], &["b"]), change(&PROXY, &["c"], &["d"]), true),
        (change(&PROXY, &[], &["b"]), change(&PROXY, &[], &["d"]), true),
        // A second value of an attribute that has one.
        (change(&UPN, &[], &["b"]), change(&UPN, &[], &["d"]), false),
        (change(&PROXY, &["a"], &["b"]), change(&PROXY, &["A"], &[]), false),
        (change(&PROXY, &["a"], &["b"]), change(&PROXY, &["B"], &[]), false),
        (change(&PROXY, &["a"], &["b"]), change(&PROXY, &["c"], &["B"]), false),
        (change(&PROXY, &["a"], &[]), change(&PROXY, &["c"], &["A"]), false),
        // The same text in another attribute.
        (change(&MAIL, &["a"], &["b"]), change(&UPN, &["a"], &["b"]), true),
    ] {
        let with_more = [second.clone(), change(&AttributeName::from_static("sn"), &["x"], &["y"])];
        let findings = [
            finding("first", Confidence::High, std::slice::from_ref(&first)),
            finding("second", Confidence::High, &with_more),
        ];
        let fixes = combine_fixes(&findings, Confidence::High);
        assert_eq!(fixes[0].fixed.len() == 2, is_taken, "{first:?} {second:?}");
        assert_eq!(fixes[0].changes.iter().any(|change| change.add == ["y"]), is_taken, "all or nothing");
    }
}

#[test]
fn a_change_of_case_is_one_fix() {
    let findings = [finding("a", Confidence::High, &[change(&PROXY, &["smtp:a@x.de"], &["SMTP:a@x.de"])])];
    let text = ldif(&findings, Confidence::High);
    assert!(text.ends_with("delete: proxyAddresses\nproxyAddresses: smtp:a@x.de\n-\nadd: proxyAddresses\nproxyAddresses: SMTP:a@x.de\n-\n"));
}

#[test]
fn an_object_is_one_under_two_names() {
    let mut by_guid = [
        finding("a", Confidence::High, &[change(&MAIL, &["a"], &["b"])]),
        finding("b", Confidence::High, &[change(&UPN, &["a"], &["b"])]),
    ];
    by_guid[0].object = key_with_guid("CN=Anna", 1);
    by_guid[1].object = key_with_guid("CN=Anna Neil", 1);
    assert_eq!(combine_fixes(&by_guid, Confidence::High).len(), 1);
    by_guid[0].object = key("CN=Anna");
    by_guid[1].object = key("cn=anna");
    assert_eq!(combine_fixes(&by_guid, Confidence::High).len(), 1);
    by_guid[1].object = key("CN=Bob");
    assert_eq!(combine_fixes(&by_guid, Confidence::High).len(), 2);
}

#[test]
fn the_confidence_decides_on_what_is_written() {
    let records = |confidence| ldif(&findings(), confidence).matches("\ndn: ").count();
    assert_eq!(records(Confidence::High), 1);
    assert_eq!(records(Confidence::Medium), 2);
    assert_eq!(records(Confidence::Low), 3);
    let text = ldif(&findings(), Confidence::Medium).replace("\n ", "");
    assert!(text.contains(
        "# address-duplicate, mail (medium confidence). Loses: Mail to the address reaches Anna only.\n"
    ));
}

#[test]
fn an_object_without_a_distinguished_name_gets_a_comment_alone() {
    let mut of_graph = finding("a", Confidence::High, &[change(&MAIL, &["a"], &["b"])]);
    of_graph.object = key("anna@contoso.com");
    let text = ldif(&[of_graph], Confidence::High);
    assert!(!text.contains("dn:"));
    assert!(text.contains("# not changed, since it is no distinguished name: anna@contoso.com\n"), "{text}");
}

/// The records of a file as our reader reads them.
fn read(text: &str) -> Vec<ChangeRecord> {
    let records = Reader::new(text.as_bytes()).map(|record| match record.unwrap() {
        Record::Change(record) => record,
        other => panic!("no change: {other:?}"),
    });
    records.collect()
}

fn modifications(record: &ChangeRecord) -> Vec<(Operation, String, Vec<String>)> {
    let Change::Modify(modifications) = &record.change else { panic!("no modification: {record:?}") };
    let modifications = modifications.iter().map(|one| {
        let values = one.values.iter().map(|value| value.as_text().unwrap().to_owned());
        (one.operation, one.attribute.to_string(), values.collect())
    });
    modifications.collect()
}

#[test]
fn hostile_text_is_read_back() {
    let hostile = hostile_findings();
    let read = read(&ldif(&hostile, Confidence::Low));
    // Names differ in case and blanks only where the table does.
    assert_eq!(read.len(), hostile.len());
    for (record, finding) in read.iter().zip(&hostile) {
        assert_eq!(record.dn, finding.object.dn);
        let value = finding.value.clone().unwrap();
        let added = (Operation::Add, "mail".to_owned(), vec![format!("{value}!")]);
        let upn = (Operation::Add, "userPrincipalName".to_owned(), vec![value.clone()]);
        assert_eq!(modifications(record), [(Operation::Delete, "mail".to_owned(), vec![value]), added, upn]);
    }
}

proptest! {
    #[test]
    fn any_fix_is_read_back(values in prop::collection::vec((any_text(), any_text()), 1..5), findings in any_findings()) {
        let fixes: Vec<Finding> = values
            .iter()
            .map(|(old, new)| finding("r", Confidence::High, &[change(&PROXY, &[old], &[new])]))
            .chain(findings)
            .collect();
        let combined = combine_fixes(&fixes, Confidence::High);
        let read = read(&ldif(&fixes, Confidence::High));
        let expected = combined.iter().find(|fix| fix.object.dn == "CN=Anna,DC=corp").unwrap();
        let record = read.iter().find(|record| record.dn == "CN=Anna,DC=corp").unwrap();
        let modifications = modifications(record);
        prop_assert_eq!(&modifications[0].2, &expected.changes[0].remove);
        prop_assert_eq!(&modifications[1].2, &expected.changes[0].add);
    }

    #[test]
    fn no_value_is_removed_or_added_twice(values in prop::collection::vec(("[abAB]{0,2}", "[abAB]{0,2}"), 1..8)) {
        let fixes: Vec<Finding> = values
            .iter()
            .map(|(old, new)| finding("r", Confidence::High, &[change(&PROXY, &[old], &[new])]))
            .collect();
        let combined = combine_fixes(&fixes, Confidence::High);
        for values in [&combined[0].changes[0].remove, &combined[0].changes[0].add] {
            let mut lower: Vec<String> = values.iter().map(|value| value.to_lowercase()).collect();
            lower.sort();
            lower.dedup();
            prop_assert_eq!(lower.len(), values.len());
        }
        prop_assert_eq!(combined[0].fixed.len() + combined[0].skipped.len(), fixes.len());
    }
}
