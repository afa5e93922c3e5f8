//! Known findings.

use onramp_readiness::report::Baseline;
use proptest::prelude::*;

use crate::data::{any_findings, findings, hostile_findings};

fn written(baseline: &Baseline) -> String {
    let mut out = Vec::new();
    baseline.write(&mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn known_findings_are_suppressed_and_entries_without_one_are_told() {
    let all = findings();
    let baseline = Baseline::of(&all[..3]);
    assert_eq!(baseline.len(), 3);
    assert!(baseline.contains(&all[2]) && !baseline.contains(&all[3]));
    let result = baseline.apply(all[1..].to_vec());
    assert_eq!(result.findings, all[3..]);
    assert_eq!(result.suppressed, all[1..3]);
    let unmatched: Vec<_> = result.unmatched.iter().map(|entry| entry.comment.as_str()).collect();
    assert_eq!(unmatched, ["mail-character CN=Neil\\, Anna,OU=Staff,DC=corp,DC=local mail: x @contoso.com"]);
}

#[test]
fn the_file_is_sorted_and_says_what_each_entry_is() {
    let all = findings();
    let text = written(&Baseline::of(&all));
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "# onramp readiness baseline, version 1");
    assert_eq!(lines.len(), 1 + 6);
    let comments: Vec<&str> = lines[1..].iter().map(|line| line.split_once(" # ").unwrap().1).collect();
    assert!(comments.is_sorted());
    assert_eq!(comments[5], "upn-missing CN=Eve,ou=staff,dc=corp,dc=local userPrincipalName");
    let reversed: Vec<_> = all.into_iter().rev().collect();
    assert_eq!(written(&Baseline::of(&reversed)), text);
}

#[test]
fn the_words_of_a_person_are_kept() {
    let all = findings();
    let text = written(&Baseline::of(&all[1..2])).replace("upn-missing CN=Eve", "Eve leaves in June");
    let text = text.replace('\n', "\r\n") + "\r\n# a remark\r\n";
    let baseline = Baseline::read(format!("\u{feff}{text}").as_bytes()).unwrap();
    let unmatched = baseline.apply(Vec::new()).unmatched;
    assert_eq!(unmatched[0].comment, "Eve leaves in June,ou=staff,dc=corp,dc=local userPrincipalName");
    assert!(written(&baseline).contains("# Eve leaves in June"));
}

#[test]
fn a_new_baseline_takes_the_words_of_the_old_one_for_what_both_have() {
    let all = findings();
    let text = written(&Baseline::of(&all[..2])).replace("upn-missing CN=Eve", "Eve leaves in June");
    let old = Baseline::read(text.as_bytes()).unwrap();
    let new = Baseline::of(&all[1..3]);
    assert!(!written(&new).contains("June"));
    let merged = new.with_comments_of(&old);
    assert_eq!(merged.len(), 2, "nothing comes from the old one but words");
    assert!(written(&merged).contains("# Eve leaves in June"));
    assert!(merged.contains(&all[2]) && !merged.contains(&all[0]));
}

#[test]
fn a_file_that_is_no_baseline_is_an_error() {
    for (text, message) in [
        (
            "df4a8615a8dab0b88409df299a8c07e9",
            "line 1 of the baseline: '# onramp readiness baseline, version 1' is missing",
        ),
        ("# onramp readiness baseline, version 2\n", "line 1"),
        ("# onramp readiness baseline, version 1\n\nsomething # else", "line 3 of the baseline: "),
        ("# onramp readiness baseline, version 1\n+f4a8615a8dab0b88409df299a8c07e9 x", "line 2"),
    ] {
        let error = Baseline::read(text.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(message), "{error}");
    }
    assert!(Baseline::read("# onramp readiness baseline, version 1".as_bytes()).unwrap().is_empty());
}

#[test]
fn hostile_text_adds_no_line() {
    let hostile = hostile_findings();
    let text = written(&Baseline::of(&hostile));
    assert_eq!(text.lines().count(), 1 + hostile.len());
    assert!(text.lines().all(|line| line == onramp_core::visible(line)));
    let result = Baseline::read(text.as_bytes()).unwrap().apply(hostile.clone());
    assert_eq!((result.findings.len(), result.suppressed, result.unmatched.len()), (0, hostile, 0));
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(findings in any_findings()) {
        let baseline = Baseline::of(&findings);
        let read = Baseline::read(written(&baseline).as_bytes()).unwrap();
        prop_assert_eq!(written(&read), written(&baseline));
        prop_assert_eq!(read.apply(findings.clone()).suppressed, findings);
    }
}
