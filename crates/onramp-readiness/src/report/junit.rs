//! JUnit XML for the test views of build servers.

use std::collections::HashMap;
use std::fmt::{self, Display};
use std::io::{self, BufWriter, Write};

use onramp_core::visible;

use super::counts::rules_of;
use super::{Report, suggestion};
use crate::Finding;

/// Writes a test suite for each rule: a failed test case for each finding, or one that passed if the rule has none.
///
/// `classname` is `onramp-readiness.RULE`. `name` is the object, the attribute, and the value; findings that have all of these in
/// common get a number. So a test view recognizes a finding in the next run. A note counts as failed, too; its `type` tells it
/// apart.
///
/// ```
/// use onramp_readiness::report::{Report, write_junit};
/// use onramp_readiness::{RuleId, RuleInfo, Severity};
///
/// let rules = [RuleInfo::new(RuleId::from_static("upn-missing"), "Missing UPN", Severity::Warning)];
/// let mut xml = Vec::new();
/// write_junit(&Report::new(&[], time::OffsetDateTime::UNIX_EPOCH).with_rules(&rules), &mut xml)?;
/// assert!(String::from_utf8_lossy(&xml).contains("<testsuite name=\"upn-missing\" tests=\"1\" failures=\"0\""));
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
/// An error of the writer.
pub fn write_junit(report: &Report<'_>, out: impl Write) -> io::Result<()> {
    let mut out = BufWriter::new(out);
    let rules = rules_of(report);
    let mut by_rule: HashMap<&str, Vec<&Finding>> = HashMap::new();
    for finding in report.findings {
        by_rule.entry(finding.rule.as_str()).or_default().push(finding);
    }
    let failures = report.findings.len();
    let passed = rules.iter().filter(|(id, _)| !by_rule.contains_key(id)).count();
    let at = report.scanned_at.to_offset(time::UtcOffset::UTC);
    let (hour, minute, second) = at.time().as_hms();
    // The schemas in use want a time without zone.
    let timestamp = format!("{}T{hour:02}:{minute:02}:{second:02}", at.date());

    writeln!(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>")?;
    writeln!(
        out,
        "<testsuites name=\"onramp-readiness\" tests=\"{}\" failures=\"{failures}\" errors=\"0\" time=\"0\">",
        failures + passed
    )?;
    for (id, rule) in rules {
        let findings = by_rule.get(id).map(Vec::as_slice).unwrap_or_default();
        writeln!(
            out,
            "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"0\" skipped=\"0\" time=\"0\" timestamp=\"{timestamp}\">",
            Xml(id),
            findings.len().max(1),
            findings.len()
        )?;
        writeln!(out, "    <properties>")?;
        let checked = report.objects_checked.to_string();
        let excluded = report.excluded.len().to_string();
        let title = rule.map_or("", |rule| &rule.title);
        for (name, value) in [
            ("title", title),
            ("profile", report.profile),
            ("objects-checked", &checked),
            ("objects-excluded", &excluded),
        ] {
            writeln!(out, "      <property name=\"{name}\" value=\"{}\"/>", Xml(value))?;
        }
        writeln!(out, "    </properties>")?;
        if findings.is_empty() {
            let class = Xml(id);
            writeln!(
                out,
                "    <testcase classname=\"onramp-readiness.{class}\" name=\"no finding\" time=\"0\"/>"
            )?;
        }
        let mut names: HashMap<String, u64> = HashMap::new();
        for finding in findings {
            let name = name_of(finding);
            let seen = names.entry(name.clone()).or_default();
            *seen += 1;
            let number = if *seen > 1 { format!(" ({seen})") } else { String::new() };
            test_case(&mut out, finding, &name, &number)?;
        }
        writeln!(out, "  </testsuite>")?;
    }
    writeln!(out, "</testsuites>")?;
    out.flush()
}

fn name_of(finding: &Finding) -> String {
    let value = finding.value.as_deref().map(|value| format!("={value}")).unwrap_or_default();
    format!("{} {}{value}", finding.object.dn, finding.attribute)
}

fn test_case(out: &mut impl Write, finding: &Finding, name: &str, number: &str) -> io::Result<()> {
    writeln!(
        out,
        "    <testcase classname=\"onramp-readiness.{}\" name=\"{}{number}\" time=\"0\">",
        Xml(finding.rule.as_str()),
        Xml(name)
    )?;
    let explanation = Xml(&finding.explanation);
    writeln!(out, "      <failure type=\"{}\" message=\"{explanation}\">{explanation}", finding.severity)?;
    writeln!(out, "object: {}", Xml(&finding.object.dn))?;
    if let Some(guid) = finding.object.guid {
        writeln!(out, "objectGUID: {guid}")?;
    }
    writeln!(out, "{}: {}", finding.attribute, Xml(finding.value.as_deref().unwrap_or("(missing)")))?;
    match finding.fixes.first() {
        Some(fix) => {
            let confidence = super::confidence_word(fix.confidence);
            writeln!(out, "suggested: {} ({confidence} confidence)", Xml(&suggestion(finding, fix)))?;
        }
        None => writeln!(out, "suggested: no safe fix")?,
    }
    for holder in &finding.holders {
        writeln!(out, "holder: {}, {} {}", Xml(&holder.object.dn), holder.attribute, Xml(&holder.value))?;
    }
    writeln!(out, "      </failure>\n    </testcase>")
}

/// Text of an attribute or an element, without what XML 1.0 does not allow or what cannot be seen.
struct Xml<'a>(&'a str);

impl Display for Xml<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in visible(self.0).chars() {
            match c {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\u{fffe}' | '\u{ffff}' => write!(f, "{}", c.escape_unicode())?,
                other => write!(f, "{other}")?,
            }
        }
        Ok(())
    }
}
