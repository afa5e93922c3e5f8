//! JUnit XML.

use onramp_readiness::report::{Report, write_junit};
use proptest::prelude::*;
use roxmltree::{Document, Node};

use crate::data::{HOSTILE, any_findings, findings, now, with_report, written_of};

fn junit(report: &Report<'_>) -> String {
    let mut out = Vec::new();
    write_junit(report, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn children<'a>(node: Node<'a, 'a>, name: &'static str) -> Vec<Node<'a, 'a>> {
    node.children().filter(|child| child.has_tag_name(name)).collect()
}

#[test]
fn each_rule_is_a_suite_and_each_finding_a_failure() {
    let xml = with_report(junit);
    let document = Document::parse(&xml).unwrap();
    let root = document.root_element();
    assert_eq!((root.attribute("tests"), root.attribute("failures")), (Some("7"), Some("6")));
    let suites = children(root, "testsuite");
    let told: Vec<_> = suites
        .iter()
        .map(|suite| {
            let attribute = |name| suite.attribute(name).unwrap();
            (attribute("name"), attribute("tests"), attribute("failures"), children(*suite, "testcase").len())
        })
        .collect();
    assert_eq!(
        told,
        [
            ("mail-character", "2", "2", 2),
            ("upn-missing", "1", "1", 1),
            ("mail-length", "1", "0", 1),
            ("address-confusable", "1", "1", 1),
            ("address-duplicate", "2", "2", 2),
        ]
    );
    assert_eq!(suites[0].attribute("timestamp"), Some("2026-11-18T11:06:40"));

    let passed = children(suites[2], "testcase")[0];
    assert_eq!(passed.attribute("classname"), Some("onramp-readiness.mail-length"));
    assert_eq!(children(passed, "failure").len(), 0);

    let failed = children(suites[0], "testcase")[0];
    assert_eq!(
        failed.attribute("name"),
        Some("CN=Neil\\, Anna,OU=Staff,DC=corp,DC=local mail=x @contoso.com")
    );
    let failure = children(failed, "failure")[0];
    assert_eq!(failure.attribute("type"), Some("error"));
    assert_eq!(failure.attribute("message"), Some("A space is not allowed."));
    let text = failure.text().unwrap();
    assert!(text.contains("objectGUID: 01010101-0101-0101-0101-010101010101\n"), "{text}");
    assert!(text.contains("suggested: x@contoso.com (high confidence)\n"), "{text}");

    let missing = children(children(suites[1], "testcase")[0], "failure")[0];
    assert_eq!(missing.attribute("type"), Some("warning"));
    assert!(missing.text().unwrap().contains("userPrincipalName: (missing)\nsuggested: no safe fix\n"));
    let duplicate = children(children(suites[4], "testcase")[1], "failure")[0].text().unwrap();
    assert!(
        duplicate.contains("holder: CN=Bob,OU=Sales,DC=corp,DC=local, mail X@contoso.com\n"),
        "{duplicate}"
    );
}

#[test]
fn the_names_of_a_suite_differ() {
    let one = findings().remove(0);
    let xml = junit(&Report::new(&[one.clone(), one.clone(), one], now()));
    let document = Document::parse(&xml).unwrap();
    let names: Vec<_> = document
        .descendants()
        .filter(|node| node.has_tag_name("testcase"))
        .map(|node| node.attribute("name").unwrap().rsplit("@contoso.com").next().unwrap().to_owned())
        .collect();
    assert_eq!(names, ["", " (2)", " (3)"]);
}

#[test]
fn hostile_text_is_well_formed() {
    for hostile in HOSTILE {
        let xml = written_of(hostile, |report, out| write_junit(report, out));
        let document = Document::parse(&xml).unwrap_or_else(|error| panic!("{hostile:?}: {error}\n{xml}"));
        let case = document.descendants().find(|node| node.has_tag_name("testcase")).unwrap();
        let shown =
            onramp_core::visible(hostile).replace('\u{fffe}', "\\u{fffe}").replace('\u{ffff}', "\\u{ffff}");
        assert_eq!(case.attribute("name").unwrap(), format!("CN={shown},OU={shown} mail={shown}"));
        assert_eq!(case.children().filter(Node::is_element).count(), 1, "{hostile:?}");
    }
}

proptest! {
    #[test]
    fn any_text_is_well_formed(findings in any_findings()) {
        let xml = junit(&Report::new(&findings, now()));
        let document = Document::parse(&xml).unwrap();
        let failures = document.descendants().filter(|node| node.has_tag_name("failure")).count();
        prop_assert_eq!(failures, findings.len());
    }
}
