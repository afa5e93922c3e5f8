//! One self-contained page of HTML.

mod charts;
mod rows;
mod style;

use std::borrow::Cow;
use std::io::{self, BufWriter, Write};

use askama::Template;
use onramp_core::visible;

use super::counts::{Counts, rules_of};
use super::{Report, SEVERITIES, grouped, source_url};
use crate::Severity;
use charts::{Chart, charts};
use rows::{Filter, Row, table};
use style::{SCRIPT_HASH, STYLE_HASH, class};

/// The version of the page.
const FORMAT_VERSION: u32 = 1;
/// The maximum numbers of excluded objects, of their reasons, and of rules that are explained.
const EXCLUDED: usize = 200;
const REASONS: usize = 20;
const RULES: usize = 200;

/// The options of [`write_html`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct HtmlOptions {
    /// The maximum number of findings in the table.
    pub max_rows: usize,
}

impl Default for HtmlOptions {
    /// 5,000 findings: a page of some megabytes, which a phone still scrolls and filters.
    fn default() -> Self {
        Self { max_rows: 5_000 }
    }
}

impl HtmlOptions {
    /// Sets the maximum number of findings in the table.
    #[must_use]
    pub fn with_max_rows(mut self, count: usize) -> Self {
        self.max_rows = count;
        self
    }
}

/// Writes a page for people: charts, each in the table of its numbers, and a table of findings that can be filtered.
///
/// The page is one file that loads nothing, and its content security policy lets nothing else in. It is complete without its
/// script and on paper. The table has the most severe findings, at most [`HtmlOptions::max_rows`]; the charts count all.
/// Control characters and invisible ones of the directory's text are shown as `\u{…}`.
///
/// ```
/// use onramp_readiness::report::{HtmlOptions, Report, write_html};
/// let mut page = Vec::new();
/// write_html(&Report::new(&[], time::OffsetDateTime::UNIX_EPOCH), &HtmlOptions::default(), &mut page)?;
/// assert!(page.starts_with(b"<!doctype html>"));
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
/// An error of the writer.
pub fn write_html(report: &Report<'_>, options: &HtmlOptions, out: impl Write) -> io::Result<()> {
    let page = Page::of(report, options).render().map_err(io::Error::other)?;
    let mut out = BufWriter::new(out);
    for line in page.lines() {
        // The template escapes HTML; this escapes invisible characters of every place.
        out.write_all(visible(line).as_bytes())?;
        out.write_all(b"\n")?;
    }
    out.flush()
}

#[derive(Template)]
#[template(path = "readiness.html")]
struct Page<'a> {
    format_version: u32,
    style_hash: &'static str,
    script_hash: &'static str,
    profile: &'a str,
    verdict: String,
    verdict_class: &'static str,
    facts: Vec<(&'static str, String)>,
    numbers: Vec<Number>,
    charts: Vec<Chart<'a>>,
    shown_all: usize,
    filters: Vec<Filter>,
    grouped_rows: String,
    grouped_all: String,
    rows: Vec<Row<'a>>,
    rules: Vec<Rule<'a>>,
    rules_more: usize,
    reasons: Vec<(&'a str, String)>,
    excluded: Vec<(Cow<'a, str>, &'a str)>,
    excluded_more: String,
}

struct Number {
    class: &'static str,
    count: String,
    name: &'static str,
}

struct Rule<'a> {
    id: &'a str,
    title: &'a str,
    source: &'a str,
    url: Option<&'a str>,
}

impl<'a> Page<'a> {
    fn of(report: &Report<'a>, options: &HtmlOptions) -> Self {
        let counts = Counts::of(report);
        let (filters, rows) = table(report, options.max_rows);
        let (verdict, verdict_class) = verdict(&counts);
        let with_findings = counts.rules.len();
        Self {
            format_version: FORMAT_VERSION,
            style_hash: STYLE_HASH,
            script_hash: SCRIPT_HASH,
            profile: report.profile,
            verdict,
            verdict_class,
            facts: facts(report),
            numbers: numbers(report, &counts),
            charts: charts(report, &counts),
            shown_all: report.findings.len(),
            filters,
            grouped_rows: grouped(rows.len() as u64),
            grouped_all: grouped(counts.all.total()),
            rows,
            rules: rules(report, &counts),
            rules_more: with_findings.saturating_sub(RULES),
            reasons: counts
                .excluded
                .into_iter()
                .take(REASONS)
                .map(|(reason, count)| (reason, grouped(count)))
                .collect(),
            excluded: report
                .excluded
                .iter()
                .take(EXCLUDED)
                .map(|(object, reason)| (visible(&object.dn), reason.reason.as_str()))
                .collect(),
            excluded_more: report
                .excluded
                .len()
                .checked_sub(EXCLUDED)
                .filter(|more| *more > 0)
                .map(|more| grouped(more as u64))
                .unwrap_or_default(),
        }
    }
}

fn verdict(counts: &Counts<'_>) -> (String, &'static str) {
    let [errors, warnings, _] = counts.all.severities;
    let objects = if counts.objects == 1 {
        "1 object".to_owned()
    } else {
        format!("{} objects", grouped(counts.objects))
    };
    match () {
        () if errors > 0 => {
            (format!("✗ Findings on {objects}, and synchronization rejects some values"), "bad")
        }
        () if warnings > 0 => {
            (format!("! Findings on {objects}, none of which synchronization rejects"), "warn")
        }
        () if counts.objects > 0 => (format!("✓ Only notes, on {objects}"), "good"),
        () => ("✓ No finding".to_owned(), "good"),
    }
}

fn facts(report: &Report<'_>) -> Vec<(&'static str, String)> {
    let names: Vec<_> = report.sources.iter().map(|source| visible(&source.name)).collect();
    let at = report.scanned_at.to_offset(time::UtcOffset::UTC);
    let (hour, minute, _) = at.time().as_hms();
    let facts = [
        ("Profile", visible(report.profile).into_owned()),
        (if names.len() == 1 { "Source" } else { "Sources" }, names.join(", ")),
        ("Scanned", format!("{} {hour:02}:{minute:02} UTC", at.date())),
    ];
    facts.into_iter().filter(|(_, text)| !text.is_empty()).collect()
}

fn numbers(report: &Report<'_>, counts: &Counts<'_>) -> Vec<Number> {
    let by_severity = SEVERITIES.iter().zip(counts.all.severities).map(|(severity, count)| Number {
        class: if count > 0 { class(*severity) } else { "" },
        count: grouped(count),
        name: match severity {
            Severity::Error => "errors",
            Severity::Warning => "warnings",
            Severity::Note => "notes",
        },
    });
    let mut numbers: Vec<Number> = by_severity.collect();
    numbers.extend([
        Number { class: "", count: grouped(counts.objects), name: "objects with findings" },
        Number { class: "", count: grouped(report.objects_checked), name: "objects checked" },
        Number { class: "", count: grouped(report.excluded.len() as u64), name: "objects excluded" },
    ]);
    numbers
}

fn rules<'a>(report: &Report<'a>, counts: &Counts<'a>) -> Vec<Rule<'a>> {
    let with_findings: std::collections::HashSet<&str> =
        counts.rules.iter().map(|count| count.name).collect();
    let rules = rules_of(report).into_iter().filter(|(id, _)| with_findings.contains(id));
    let rules = rules.map(|(id, rule)| Rule {
        id,
        title: rule.map_or(id, |rule| &rule.title),
        source: rule.map_or("", |rule| &rule.source),
        url: rule.and_then(source_url),
    });
    rules.take(RULES).collect()
}
