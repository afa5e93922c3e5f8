//! JSON and JSON Lines.

use onramp_readiness::report::{Report, read_json, read_json_lines, write_json, write_json_lines};
use proptest::prelude::*;
use serde_json::Value;

use crate::data::{any_findings, findings, hostile_findings, now, with_report};

fn json(report: &Report<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    write_json(report, &mut out).unwrap();
    out
}

#[test]
fn an_array_has_one_object_for_each_finding() {
    let written: Value = serde_json::from_slice(&with_report(json)).unwrap();
    let array = written.as_array().unwrap();
    assert_eq!(array.len(), 6);
    let first = array[0].as_object().unwrap();
    assert_eq!(first["dn"], "CN=Neil\\, Anna,OU=Staff,DC=corp,DC=local");
    assert_eq!(first["object_guid"], "01010101-0101-0101-0101-010101010101");
    assert_eq!(first["rule"], "mail-character");
    assert_eq!(first["attribute"], "mail");
    assert_eq!(first["value"], "x @contoso.com");
    assert_eq!(first["severity"], "error");
    assert_eq!(first["fixes"][0]["changes"][0]["add"][0], "x@contoso.com");
    assert!(!first.contains_key("idfix_error"));
    assert!(!array[1].as_object().unwrap().contains_key("value"), "a missing attribute has no value");
    assert_eq!(array[1]["fixes"], serde_json::json!([]), "fixes are there even if there is none");
    assert_eq!(array[5]["idfix_error"], serde_json::json!(["DomainPart", "Format"]));
    assert_eq!(array[5]["idfix_update"], "carl@contoso");
}

#[test]
fn a_finding_that_idfix_has_no_update_for_lacks_the_member() {
    let mut finding = findings().remove(5);
    finding.idfix.as_mut().unwrap().update = None;
    let written: Value = serde_json::from_slice(&json(&Report::new(&[finding], now()))).unwrap();
    assert!(written[0].get("idfix_error").is_some());
    assert!(written[0].get("idfix_update").is_none());
}

#[test]
fn each_finding_is_a_line_of_its_own() {
    let written = String::from_utf8(with_report(json)).unwrap();
    assert_eq!(written.lines().count(), 6 + 2);
    assert!(written.ends_with("\n]\n"));
    assert_eq!(String::from_utf8(json(&Report::new(&[], now()))).unwrap(), "[\n]\n");
}

#[test]
fn hostile_text_is_read_back_as_it_was() {
    let findings = hostile_findings();
    assert_eq!(read_json(json(&Report::new(&findings, now())).as_slice()).unwrap(), findings);
}

#[test]
fn a_full_disk_is_an_error() {
    let mut small = [0_u8; 10];
    assert!(with_report(|report| write_json(report, small.as_mut_slice())).is_err());
    assert!(with_report(|report| write_json_lines(report, small.as_mut_slice())).is_err());
}

#[test]
fn text_that_is_no_finding_is_an_error() {
    assert!(read_json("{}".as_bytes()).is_err());
    assert!(read_json("[{\"dn\":\"x\"}]".as_bytes()).is_err());
    let lines: Vec<bool> = read_json_lines("\n{}\n".as_bytes()).map(|line| line.is_err()).collect();
    assert_eq!(lines, [true]);
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(findings in any_findings()) {
        let report = Report::new(&findings, now());
        prop_assert_eq!(&read_json(json(&report).as_slice()).unwrap(), &findings);
        let mut lines = Vec::new();
        write_json_lines(&report, &mut lines).unwrap();
        prop_assert_eq!(read_json_lines(lines.as_slice()).collect::<Result<Vec<_>, _>>().unwrap(), findings);
    }
}
