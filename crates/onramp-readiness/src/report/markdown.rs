//! Markdown for the summary page of a job.

use std::fmt::Write as _;
use std::io::{self, Write};

use onramp_core::visible;
use time::format_description::well_known::Rfc3339;

use super::counts::{Count, Counts, rules_of};
use super::{Report, grouped, suggestion};
use crate::{Finding, Severity};

/// The findings that are shown one by one.
pub(super) const FINDINGS: usize = 20;
/// The rows of each other table. With the length of a cell it keeps the page below the 1 MiB that GitHub accepts, whatever
/// the values are: at most 4 tables of 40 rows, with 5 cells of 160 characters that take 6 octets each.
const ROWS: usize = 40;
/// The characters of a cell.
const CELL: usize = 160;

/// Writes a summary for the page of a job: the numbers by severity, rule and OU, the 20 most severe findings, and the excluded
/// objects by reason.
///
/// The page is GitHub Flavored Markdown and smaller than 1 MiB. Text of a directory stands in `<code>`, with every character
/// that Markdown or HTML could take for its own written as an entity, invisible ones as `\u{…}`.
///
/// ```
/// use onramp_readiness::report::{Report, write_markdown};
/// let mut page = Vec::new();
/// write_markdown(&Report::new(&[], time::OffsetDateTime::UNIX_EPOCH), &mut page)?;
/// assert!(String::from_utf8_lossy(&page).starts_with("## Directory readiness: no findings\n"));
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
/// An error of the writer.
pub fn write_markdown(report: &Report<'_>, mut out: impl Write) -> io::Result<()> {
    let scanned_at = report.scanned_at.format(&Rfc3339).map_err(io::Error::other)?;
    let page = page(report, &scanned_at).map_err(io::Error::other)?;
    out.write_all(page.as_bytes())?;
    out.flush()
}

fn page(report: &Report<'_>, scanned_at: &str) -> Result<String, std::fmt::Error> {
    let counts = Counts::of(report);
    let mut page = String::new();
    let total = counts.all.total();
    match total {
        0 => writeln!(page, "## Directory readiness: no findings\n")?,
        1 => writeln!(page, "## Directory readiness: 1 finding\n")?,
        _ => writeln!(page, "## Directory readiness: {} findings\n", grouped(total))?,
    }
    let mut facts = vec![
        format!("{} objects checked", grouped(report.objects_checked)),
        format!("{} with findings", grouped(counts.objects)),
        format!("{} excluded", grouped(report.excluded.len() as u64)),
    ];
    if !report.profile.is_empty() {
        facts.push(format!("profile {}", code(report.profile)));
    }
    facts.extend(report.sources.iter().take(ROWS).map(|source| format!("source {}", code(&source.name))));
    facts.push(format!("scanned at {scanned_at}"));
    writeln!(page, "{}.\n", facts.join(", "))?;
    if total > 0 {
        table(
            &mut page,
            &["Severity", "Findings"],
            "--:",
            counts
                .all
                .by_severity()
                .map(|(name, count)| vec![format!("{} {name}", mark(name)), grouped(count)]),
        )?;
        rules(&mut page, report, &counts)?;
        ous(&mut page, &counts)?;
        findings(&mut page, report, total)?;
    }
    forecast(&mut page, report)?;
    excluded(&mut page, report, &counts)?;
    Ok(page)
}

/// A sign that tells severities apart beside their names.
fn mark(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "❌",
        Severity::Warning => "⚠️",
        Severity::Note => "ℹ️",
    }
}

fn rules(page: &mut String, report: &Report<'_>, counts: &Counts<'_>) -> std::fmt::Result {
    let catalog = rules_of(report);
    let title = |id: &str| {
        let rule = catalog.iter().find(|(each, _)| *each == id).and_then(|(_, rule)| *rule);
        rule.map(|rule| text(&rule.title)).unwrap_or_default()
    };
    writeln!(page, "### Findings by rule\n")?;
    let rows = counts.rules.iter().take(ROWS).map(|count| {
        let [errors, warnings, notes] = count.severities.map(grouped);
        vec![code(count.name), title(count.name), errors, warnings, notes]
    });
    table(page, &["Rule", "Title", "Errors", "Warnings", "Notes"], "--:", rows)?;
    more(page, counts.rules.len(), ROWS, "rules")
}

fn ous(page: &mut String, counts: &Counts<'_>) -> std::fmt::Result {
    writeln!(page, "<details><summary>Findings by OU</summary>\n")?;
    let name = |count: &Count<'_>| if count.name.is_empty() { "(none)".to_owned() } else { code(count.name) };
    let rows = counts.ous.iter().take(ROWS).map(|count| {
        let [errors, warnings, notes] = count.severities.map(grouped);
        vec![name(count), errors, warnings, notes]
    });
    table(page, &["OU or container", "Errors", "Warnings", "Notes"], "--:", rows)?;
    more(page, counts.ous.len(), ROWS, "OUs")?;
    writeln!(page, "</details>\n")
}

fn findings(page: &mut String, report: &Report<'_>, total: u64) -> std::fmt::Result {
    let is_part = total > FINDINGS as u64;
    let heading =
        if is_part { format!("The {FINDINGS} most severe findings") } else { "Findings".to_owned() };
    writeln!(page, "### {heading}\n")?;
    finding_table(page, report.by_severity())?;
    if is_part {
        writeln!(page, "The JSON and CSV reports have all {}.\n", grouped(total))?;
    }
    Ok(())
}

/// Writes a table of the first 20 findings.
pub(super) fn finding_table<'a>(
    page: &mut String,
    findings: impl Iterator<Item = &'a Finding>,
) -> std::fmt::Result {
    let rows = findings.take(FINDINGS).map(|finding| {
        let attribute = match finding.value.as_deref() {
            Some(value) => format!("{}<br>{}", code(finding.attribute.as_str()), code(value)),
            None => format!("{}<br>(missing)", code(finding.attribute.as_str())),
        };
        vec![
            format!("{} {}", mark(finding.severity), finding.severity),
            code(&finding.object.dn),
            format!("{}<br>{}", code(finding.rule.as_str()), text(&finding.explanation)),
            attribute,
            fix(finding),
        ]
    });
    table(page, &["Severity", "Object", "Rule", "Attribute and value", "Suggested"], "---", rows)
}

fn fix(finding: &Finding) -> String {
    match finding.fixes.first() {
        None => "no safe fix".to_owned(),
        Some(fix) => format!(
            "{} ({} confidence)",
            code(&suggestion(finding, fix)),
            super::confidence_word(fix.confidence)
        ),
    }
}

fn forecast(page: &mut String, report: &Report<'_>) -> std::fmt::Result {
    if report.forecast.is_empty() {
        return Ok(());
    }
    writeln!(page, "### Forecast\n")?;
    let rows = report.forecast.iter().take(ROWS).map(|(outcome, count)| vec![text(outcome), grouped(*count)]);
    table(page, &["Outcome of synchronization", "Objects"], "--:", rows)?;
    more(page, report.forecast.len(), ROWS, "outcomes")
}

fn excluded(page: &mut String, report: &Report<'_>, counts: &Counts<'_>) -> std::fmt::Result {
    if report.excluded.is_empty() {
        return Ok(());
    }
    writeln!(
        page,
        "<details><summary>{} excluded objects</summary>\n",
        grouped(report.excluded.len() as u64)
    )?;
    let rows = counts.excluded.iter().take(ROWS).map(|(reason, count)| vec![text(reason), grouped(*count)]);
    table(page, &["Reason", "Objects"], "--:", rows)?;
    more(page, counts.excluded.len(), ROWS, "reasons")?;
    writeln!(page, "</details>\n")
}

/// Writes a table; all columns but the first are aligned as `align` says.
fn table(
    page: &mut String,
    columns: &[&str],
    align: &str,
    rows: impl Iterator<Item = Vec<String>>,
) -> std::fmt::Result {
    writeln!(page, "| {} |", columns.join(" | "))?;
    let others = vec![align; columns.len().saturating_sub(1)];
    writeln!(page, "| --- | {} |", others.join(" | "))?;
    for row in rows {
        writeln!(page, "| {} |", row.join(" | "))?;
    }
    writeln!(page)
}

pub(super) fn more(page: &mut String, all: usize, shown: usize, things: &str) -> std::fmt::Result {
    match all.checked_sub(shown) {
        None | Some(0) => Ok(()),
        Some(more) => writeln!(page, "and {} more {things}\n", grouped(more as u64)),
    }
}

/// Returns a value of a directory as code.
fn code(value: &str) -> String {
    match value {
        "" => "(empty)".to_owned(),
        value => format!("<code>{}</code>", text(value)),
    }
}

/// Returns a text without anything that Markdown or HTML takes for its own, cut to the length of a cell.
fn text(text: &str) -> String {
    let mut escaped = String::new();
    // Nothing of a long value is made visible for the bin.
    let begin: String = text.chars().take(CELL + 1).collect();
    let shown = visible(&begin);
    let mut characters = shown.chars();
    for c in characters.by_ref().take(CELL) {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '|' | '`' | '*' | '_' | '[' | ']' | '\\' | '~' | '!' | '#' | '$' | '@' | ':' | '^' => {
                escaped.push_str(&format!("&#{};", u32::from(c)));
            }
            // `www.` alone makes a link.
            '.' if escaped.to_ascii_lowercase().ends_with("www") => escaped.push_str("&#46;"),
            other => escaped.push(other),
        }
    }
    if characters.next().is_some() {
        escaped.push('…');
    }
    escaped
}
