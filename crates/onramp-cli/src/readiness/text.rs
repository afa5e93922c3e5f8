//! A report for reading at a terminal: the numbers first, then the findings object by object.

use std::collections::BTreeMap;
use std::io::{self, Write};

use onramp_core::visible;
use onramp_readiness::report::Report;
use onramp_readiness::{Finding, Fix, Severity};

use super::messages::counted;

/// The number of findings that are shown.
const MAX_SHOWN: usize = 200;
/// The number of holders of a shared value that are shown.
const MAX_HOLDERS: usize = 8;

pub(super) fn write(report: &Report<'_>, out: &mut impl Write) -> io::Result<()> {
    for finding in report.findings.iter().take(MAX_SHOWN).enumerate().map(|(number, finding)| {
        let before = number.checked_sub(1).and_then(|number| report.findings.get(number));
        (before.is_none_or(|before| before.object != finding.object), finding)
    }) {
        one(finding, out)?;
    }
    if report.findings.len() > MAX_SHOWN {
        let more = report.findings.len() - MAX_SHOWN;
        writeln!(out, "\n… and {more} more findings: --output html, csv or json has all of them")?;
    }
    summary(report, out)
}

fn one((is_new_object, finding): (bool, &Finding), out: &mut impl Write) -> io::Result<()> {
    if is_new_object {
        let source =
            finding.object.source.as_deref().map(|source| format!("  [{source}]")).unwrap_or_default();
        writeln!(out, "\n{}{}", visible(&finding.object.dn), visible(&source))?;
    }
    let value = finding.value.as_deref().map(|value| format!(" “{}”", visible(value))).unwrap_or_default();
    writeln!(out, "  {:<7} {}{value}", finding.severity, finding.attribute)?;
    writeln!(out, "          {} [{}]", visible(&finding.explanation), finding.rule)?;
    for holder in finding.holders.iter().take(MAX_HOLDERS) {
        let keeps = if holder.keeps { "keeps it" } else { "also has it" };
        let reasons = if holder.reasons.is_empty() {
            String::new()
        } else {
            format!(" ({})", holder.reasons.join("; "))
        };
        writeln!(out, "            {} {keeps} in {}{reasons}", visible(&holder.object.dn), holder.attribute)?;
    }
    if finding.holders.len() > MAX_HOLDERS {
        writeln!(out, "            … and {} more", finding.holders.len() - MAX_HOLDERS)?;
    }
    for fix in &finding.fixes {
        writeln!(out, "          fix: {}", words(finding, fix))?;
    }
    if let Some(reason) = &finding.no_fix {
        writeln!(out, "          no fix: {}", visible(reason))?;
    }
    Ok(())
}

/// A fix in words: the new value, the confidence, and what is lost.
fn words(finding: &Finding, fix: &Fix) -> String {
    let mut parts = Vec::new();
    for change in &fix.changes {
        let name = if change.attribute == finding.attribute {
            String::new()
        } else {
            format!("{}: ", change.attribute)
        };
        if change.add.is_empty() {
            parts.extend(change.remove.iter().map(|value| format!("{name}remove “{}”", visible(value))));
        }
        parts.extend(change.add.iter().map(|value| format!("{name}“{}”", visible(value))));
    }
    let confidence = match fix.confidence {
        onramp_readiness::Confidence::High => "",
        onramp_readiness::Confidence::Medium => " (look at it)",
        _ => " (a suggestion only)",
    };
    let loses = fix.loses.as_deref().map(|loses| format!("; loses: {}", visible(loses))).unwrap_or_default();
    format!("{}{confidence}{loses}", parts.join(", "))
}

fn summary(report: &Report<'_>, out: &mut impl Write) -> io::Result<()> {
    let count = |severity, noun| {
        let found = report.findings.iter().filter(|finding| finding.severity == severity).count();
        counted(found as u64, noun)
    };
    let mut rules: BTreeMap<&str, usize> = BTreeMap::new();
    for finding in report.findings {
        *rules.entry(finding.rule.as_str()).or_default() += 1;
    }
    if !rules.is_empty() {
        writeln!(out, "\nFindings by rule")?;
        let mut rules: Vec<_> = rules.into_iter().collect();
        rules.sort_by_key(|(rule, count)| (std::cmp::Reverse(*count), *rule));
        for (rule, count) in rules {
            writeln!(out, "  {count:>8}  {rule}")?;
        }
    }
    let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
    for (_, reason) in report.excluded {
        *reasons.entry(reason.reason.as_str()).or_default() += 1;
    }
    if !reasons.is_empty() {
        writeln!(out, "\nNot judged")?;
        for (reason, count) in reasons {
            writeln!(out, "  {count:>8}  {}", visible(reason))?;
        }
    }
    forecast(report, out)?;
    writeln!(
        out,
        "\n{} judged, {} not judged: {}, {}, {}",
        counted(report.objects_checked, "object"),
        report.excluded.len(),
        count(Severity::Error, "error"),
        count(Severity::Warning, "warning"),
        count(Severity::Note, "note")
    )
}

fn forecast(report: &Report<'_>, out: &mut impl Write) -> io::Result<()> {
    if !report.forecast.is_empty() {
        writeln!(out, "\nForecast of synchronization")?;
    }
    report
        .forecast
        .iter()
        .try_for_each(|(outcome, count)| writeln!(out, "  {count:>8}  {}", visible(outcome)))
}
