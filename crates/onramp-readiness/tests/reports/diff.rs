//! The difference between two scans.

use onramp_readiness::Finding;
use onramp_readiness::report::Diff;
use proptest::prelude::*;

use crate::data::{any_findings, findings, hostile_findings, key_with_guid};

#[test]
fn a_renamed_object_keeps_its_findings_and_a_changed_value_does_not() {
    let before = findings();
    let mut after = findings();
    after[0].object = key_with_guid("CN=Anna Smith,OU=Moved,DC=corp,DC=local", 1);
    after[5].value = Some("carl@contoso.net".into());
    after[1].explanation = "Other words.".into();
    let diff = Diff::between(&before, &after);
    assert_eq!(diff.new, [&after[5]]);
    assert_eq!(diff.fixed, [&before[5]]);
    assert_eq!(diff.remaining, after[..5].iter().collect::<Vec<_>>());
    assert!(!diff.is_empty());
    assert!(Diff::between(&before, &before).is_empty());
}

#[test]
fn equal_findings_are_counted() {
    let one = findings().remove(0);
    let mut second = one.clone();
    second.value_index = Some(7);
    let before = [one.clone(), second.clone()];
    let diff = Diff::between(&before, &before[..1]);
    assert_eq!((diff.new.len(), diff.fixed.as_slice(), diff.remaining.len()), (0, [&second].as_slice(), 1));
    let diff = Diff::between(&before[..1], &before);
    assert_eq!((diff.new.as_slice(), diff.fixed.len(), diff.remaining.len()), ([&second].as_slice(), 0, 1));
}

#[test]
fn json_has_the_counts_and_the_findings() {
    let (before, after) = (findings(), findings().split_off(2));
    let mut out = Vec::new();
    Diff::between(&before, &after).write_json(&mut out).unwrap();
    let json: serde_json::Value = serde_json::from_slice(&out).unwrap();
    assert_eq!(json["format_version"], 1);
    assert_eq!(json["counts"], serde_json::json!({ "new": 0, "fixed": 2, "remaining": 4 }));
    let fixed: Vec<Finding> = serde_json::from_value(json["fixed"].clone()).unwrap();
    assert_eq!(fixed, before[..2]);
}

#[test]
fn markdown_has_the_counts_and_the_new_findings() {
    let (before, after) = (findings().split_off(2), findings());
    let mut out = Vec::new();
    Diff::between(&before, &after[..5]).write_markdown(&mut out).unwrap();
    let page = String::from_utf8(out).unwrap();
    assert!(page.starts_with("## Directory readiness: 2 new, 1 fixed, 3 remaining\n"));
    let (new, fixed) = page.split_once("Fixed findings").unwrap();
    assert!(new.contains("<code>upn-missing</code>") && !new.contains("carl"), "{page}");
    assert!(fixed.contains("<code>carl&#64;contoso</code>") && !fixed.contains("upn-missing"), "{page}");
}

#[test]
fn markdown_of_hostile_text_is_small_and_text() {
    let hostile = hostile_findings();
    let mut out = Vec::new();
    Diff::between(&[], &hostile).write_markdown(&mut out).unwrap();
    let page = String::from_utf8(out).unwrap();
    assert!(page.contains("and 14 more findings"));
    assert!(!page.contains("<script") && !page.contains("<img") && !page.contains('`'));
    assert_eq!(page, page.lines().map(onramp_core::visible).collect::<Vec<_>>().join("\n") + "\n");
}

proptest! {
    #[test]
    fn each_finding_is_in_one_place(before in any_findings(), after in any_findings(), common in any_findings()) {
        let before = [before, common.clone()].concat();
        let after = [common.clone(), after].concat();
        let diff = Diff::between(&before, &after);
        prop_assert_eq!(diff.new.len() + diff.remaining.len(), after.len());
        prop_assert_eq!(diff.fixed.len() + diff.remaining.len(), before.len());
        prop_assert!(diff.remaining.len() >= common.len());
    }
}
