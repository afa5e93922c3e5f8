//! The page.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use onramp_readiness::report::{HtmlOptions, Report, write_html};
use onramp_readiness::{Finding, RuleId, Severity};
use sha2::{Digest, Sha256};

use crate::data::{HOSTILE, MAIL, key, now, with_report, written_of};

fn html(report: &Report<'_>) -> String {
    html_with(report, &HtmlOptions::default())
}

fn html_with(report: &Report<'_>, options: &HtmlOptions) -> String {
    let mut out = Vec::new();
    write_html(report, options, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn between<'a>(page: &'a str, begin: &str, end: &str) -> &'a str {
    let (_, rest) = page.split_once(begin).unwrap();
    rest.split_once(end).unwrap().0
}

#[test]
fn the_page_has_the_numbers_and_the_findings() {
    let page = with_report(html);
    for part in [
        "<p class=\"verdict bad\">✗ Findings on 5 objects, and synchronization rejects some values</p>",
        "<dt>Profile</dt><dd>entra</dd>",
        "<dt>Source</dt><dd>export/all people.ldif</dd>",
        "<dt>Scanned</dt><dd>2026-11-18 11:06 UTC</dd>",
        "<b class=\"bad\">4</b>errors",
        "<b>1,234</b>objects checked",
        "<b>3</b>objects excluded",
        "<code>x<mark> </mark>@contoso.com</code>",
        "change to <code>x@contoso.com</code>",
        "remove <code>X@contoso.com</code>",
        "Mail to the address reaches Anna only.",
        "<a href=\"https://learn.microsoft.com/entra/identity/hybrid/connect/\" rel=\"noreferrer\">",
        "Source: MS-ADTS 3.1.1.5",
        "1 value that several objects hold",
        "<b>2</b>well-known account",
    ] {
        assert!(page.contains(part), "{part}");
    }
    assert_eq!(page.matches("<tr data-severity=").count(), 6);
    assert!(!page.contains("Forecast"), "no forecast was made");
    assert!(!page.contains("Length of mail"), "a rule without findings is not explained");
}

#[test]
fn a_bar_has_the_length_of_its_numbers() {
    let page = with_report(html);
    let chart = between(&page, ">Findings by OU</h2>", "</section>");
    let staff = between(chart, "OU=Staff,<wbr>DC=corp,<wbr>DC=local<wbr>", "</tr>");
    for part in [
        "class=\"bad\" x=\"0.0\" y=\"0\" width=\"50.0\"",
        "class=\"warn\" x=\"50.0\" y=\"2\" width=\"25.0\"",
        "class=\"soft\" x=\"75.0\" y=\"4\" width=\"25.0\"",
        "<td class=\"number\">2</td><td class=\"number\">1</td><td class=\"number\">1</td>",
    ] {
        assert!(staff.contains(part), "{part}\n{staff}");
    }
    assert!(between(chart, "OU=Sales", "</tr>").contains("width=\"25.0\""));
}

#[test]
fn a_report_without_findings_says_so() {
    let page = html(&Report::new(&[], now()));
    assert!(page.contains("<p class=\"verdict good\">✓ No finding</p>"));
    assert!(!page.contains("<table"));
}

#[test]
fn nothing_but_the_style_and_the_script_of_the_page_may_run() {
    let page = with_report(html);
    for (tag, directive) in [("style", "style-src"), ("script", "script-src")] {
        let content = between(&page, &format!("<{tag}>"), &format!("</{tag}>"));
        let hash = STANDARD.encode(Sha256::digest(content));
        assert!(page.contains(&format!("{directive} 'sha256-{hash}';")), "{directive} 'sha256-{hash}'");
    }
    assert!(page.contains("content=\"default-src 'none'; "));
    assert!(page.find("Content-Security-Policy") < page.find("<style>"));
    assert_eq!(page.matches("<script").count(), 1);
    for attribute in [" style=", " onclick=", " src=", "url(", "@import", "http-equiv=\"refresh\"", "<link"] {
        assert!(!page.contains(attribute), "{attribute}");
    }
}

#[test]
fn the_page_is_complete_without_its_script_and_with_a_screen_reader() {
    let page = with_report(html);
    assert!(
        page.contains("<form id=\"filter\" role=\"search\" aria-label=\"Filter of the findings\" hidden>")
    );
    assert!(!page.contains("<tr hidden"));
    assert!(page.contains("<html lang=\"en\">"));
    assert_eq!(page.matches("<h1>").count(), 1);
    assert_eq!(page.matches("<main>").count(), 1);
    assert_eq!(page.matches("<table").count(), page.matches("<caption>").count());
    assert_eq!(page.matches("<th>").count(), 0, "each heading has a scope");
    assert_eq!(page.matches("<svg").count(), page.matches("aria-hidden=\"true\"><rect").count());
    for control in ["text", "severity", "rule", "attribute", "ou"] {
        assert!(page.contains(&format!("for=\"{control}\"")), "{control}");
        assert_eq!(page.matches(&format!(" id=\"{control}\"")).count(), 1, "{control}");
    }
}

#[test]
fn the_filter_names_the_rows_by_their_numbers() {
    let page = with_report(html);
    let options = between(&page, "<select id=\"ou\">", "</select>");
    let number = between(options, "CN=Users,DC=corp,DC=local", "</option>");
    assert_eq!(number, "", "the name ends its option");
    assert!(options.contains("<option value=\"0\">CN=Users,DC=corp,DC=local</option>"), "{options}");
    assert_eq!(options.matches("<option").count(), 4, "all, and three containers, of any case");
    assert_eq!(page.matches("data-ou=\"0\"").count(), 1);
    assert_eq!(page.matches("data-ou=\"2\"").count(), 4);
    assert_eq!(page.matches("<tr data-severity=\"note\"").count(), 1);
}

#[test]
fn a_long_table_keeps_the_most_severe_findings_in_their_order() {
    let finding = |number: usize| {
        let severity = [Severity::Note, Severity::Warning, Severity::Error][number % 3];
        Finding::new(key(&format!("CN=n{number}.")), RuleId::from_static("r"), severity, MAIL, "")
    };
    let findings: Vec<Finding> = (0..9).map(finding).collect();
    let page = html_with(&Report::new(&findings, now()), &HtmlOptions::default().with_max_rows(5));
    assert!(page.contains("The table has the 5 most severe of 9 findings."));
    let rows = between(&page, "<table id=\"findings\">", "</table>");
    let names: Vec<&str> =
        rows.split("scope=\"row\">").skip(1).map(|row| row.split('<').next().unwrap()).collect();
    assert_eq!(names, ["CN=n1.", "CN=n2.", "CN=n4.", "CN=n5.", "CN=n8."]);
    assert!(page.contains("<b class=\"bad\">3</b>errors"), "the numbers count all");
}

#[test]
fn hostile_text_is_text() {
    let tags = |text: &str| {
        let page = written_of(text, |report, out| write_html(report, &HtmlOptions::default(), out));
        for line in page.lines() {
            assert_eq!(line, onramp_core::visible(line));
        }
        let body = between(&page, "<body>", "<script>").to_owned();
        // A tag, without what stands between quotes.
        let names: Vec<String> = body
            .split('<')
            .skip(1)
            .map(|tag| tag.split(['>', ' ']).next().unwrap().to_owned())
            .filter(|name| name != "wbr")
            .collect();
        assert_eq!(page.matches("</script").count(), 1);
        assert!(!body.contains("href=\"javascript"));
        names
    };
    let usual = tags("text");
    for hostile in HOSTILE.iter().filter(|text| !text.is_empty()) {
        assert_eq!(tags(hostile), usual, "{hostile:?}");
    }
}

#[test]
fn only_an_address_becomes_a_link() {
    for (source, is_link) in [
        ("https://learn.microsoft.com/x?y=1&z=2#a", true),
        ("http://example.com", false),
        ("javascript:alert(1)", false),
        ("https://x\" onclick=\"alert(1)", false),
        ("see https://example.com", false),
        ("https://example.com/\u{202e}", false),
    ] {
        let rule = onramp_readiness::RuleInfo::new(RuleId::from_static("r"), "t", Severity::Error)
            .with_source(source.to_owned());
        let finding = Finding::new(key("CN=x"), RuleId::from_static("r"), Severity::Error, MAIL, "");
        let page = html(&Report::new(&[finding], now()).with_rules(&[rule]));
        assert_eq!(page.contains("<a href=\"http"), is_link, "{source}");
    }
}
