//! Markdown.

use onramp_readiness::report::{Report, write_markdown};
use onramp_readiness::{Finding, RuleId, Severity};

use crate::data::{HOSTILE, MAIL, key, now, with_report, written_of};

fn markdown(report: &Report<'_>) -> String {
    let mut out = Vec::new();
    write_markdown(report, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn the_page_has_the_numbers_and_the_findings() {
    let page = with_report(markdown);
    assert!(page.starts_with("## Directory readiness: 6 findings\n"));
    for line in [
        "1,234 objects checked, 5 with findings, 3 excluded, profile <code>entra</code>, source <code>export/all people.ldif</code>, scanned at 2026-11-18T11:06:40Z.",
        "| ❌ error | 4 |",
        "| ⚠️ warning | 1 |",
        "| ℹ️ note | 1 |",
        "| <code>mail-character</code> | Characters of mail | 2 | 0 | 0 |",
        "| <code>upn-missing</code> | Missing UPN | 0 | 1 | 0 |",
        "| <code>address-duplicate</code> |  | 2 | 0 | 0 |",
        "| <code>OU=Staff,DC=corp,DC=local</code> | 2 | 1 | 1 |",
        "<details><summary>3 excluded objects</summary>",
        "| well-known account | 2 |",
        "| critical system object | 1 |",
    ] {
        assert!(page.lines().any(|each| each == line), "{line}\n{page}");
    }
    assert!(page.contains("(missing) | no safe fix |"));
    assert!(page.contains("<code>x&#64;contoso.com</code> (high confidence)"));
    assert!(page.contains("<code>remove X&#64;contoso.com</code> (medium confidence)"));
    assert_eq!(page.matches("<details>").count(), page.matches("</details>").count());
    assert!(!page.contains("Forecast"));
}

#[test]
fn the_most_severe_findings_come_first_and_the_rest_is_counted() {
    let finding = |number: usize| {
        let severity = if number == 29 { Severity::Error } else { Severity::Note };
        Finding::new(key(&format!("CN=n{number}")), RuleId::from_static("r"), severity, MAIL, "")
    };
    let findings: Vec<Finding> = (0..30).map(finding).collect();
    let page = markdown(&Report::new(&findings, now()));
    let place = |name: &str| page.find(name).unwrap_or_else(|| panic!("{name}"));
    assert!(place("<code>CN=n29</code>") < place("<code>CN=n0</code>"));
    assert!(page.contains("<code>CN=n18</code>") && !page.contains("<code>CN=n19</code>"), "20 in all");
    assert!(page.contains("The JSON and CSV reports have all 30."));
}

#[test]
fn a_forecast_is_shown_if_there_is_one() {
    let forecast = [("soft match by address".to_owned(), 12)];
    let page = markdown(&Report::new(&[], now()).with_forecast(&forecast));
    assert!(page.contains("| soft match by address | 12 |"), "{page}");
}

/// The characters by which Markdown or HTML would begin something inside of a line.
fn takes_for_its_own(c: char) -> bool {
    matches!(c, '`' | '*' | '_' | '[' | ']' | '\\' | '~' | '!' | '$' | '@' | '^')
}

#[test]
fn hostile_text_adds_nothing_to_the_structure() {
    let shape = |text: &str| {
        let page = written_of(text, |report, out| write_markdown(report, out));
        let tags = ["<code>", "</code>", "<br>", "<details>", "</details>", "<summary>", "</summary>"];
        let bare = tags.iter().fold(page.clone(), |page, tag| page.replace(tag, ""));
        assert!(!bare.contains(['<', '>']), "{page}");
        assert!(!bare.chars().any(takes_for_its_own), "{page}");
        assert!(!page.contains("://") && !page.contains("www."), "{page}");
        assert_eq!(
            page,
            page.lines().map(onramp_core::visible).collect::<Vec<_>>().join("\n") + "\n",
            "{text:?}"
        );
        (page.lines().count(), page.matches('|').count())
    };
    let usual = shape("text");
    for hostile in HOSTILE {
        assert_eq!(shape(hostile), usual, "{hostile:?}");
    }
}

#[test]
fn the_page_is_smaller_than_github_accepts() {
    let long = "`|\u{202e}".repeat(1_000);
    let findings: Vec<Finding> = (0..2_000)
        .map(|number| {
            let rule = RuleId::new(format!("{long}{number}"));
            Finding::new(key(&format!("CN=x,OU={number}{long}")), rule, Severity::Error, MAIL, long.clone())
                .with_value(long.clone(), 0)
                .with_fix(onramp_readiness::Fix::replace(MAIL, Some(&long), Some(long.clone())))
        })
        .collect();
    let excluded: Vec<_> = (0..2_000)
        .map(|number| (key("CN=x"), onramp_readiness::Exclusion::new("x", format!("{number}{long}"))))
        .collect();
    let forecast: Vec<_> = (0..2_000).map(|number| (format!("{number}{long}"), number)).collect();
    let report =
        Report::new(&findings, now()).with_excluded(&excluded).with_forecast(&forecast).with_profile(&long);
    let page = markdown(&report);
    assert!(page.len() < 1 << 20, "{}", page.len());
    assert!(page.contains("and 1,960 more rules"));
}
