//! Reports on the findings of a scan: for programs, for people, and for the tools of a build server.
//!
//! A [`Report`] borrows what a scan found. Each format is a function that writes it to any [`Write`](std::io::Write):
//!
//! | function | format | reader |
//! |---|---|---|
//! | [`write_json`], [`write_json_lines`] | JSON, JSON Lines | programs; [`read_json`] and [`read_json_lines`] read them back |
//! | [`write_csv`] | CSV (RFC 4180) | people with a spreadsheet |
//! | [`write_sarif`] | SARIF 2.1.0 | code scanning of build servers, editors |
//! | [`write_junit`] | JUnit XML | test views of build servers |
//! | [`write_markdown`] | Markdown | the summary page of a job |
//! | [`write_html`] | HTML | people with a browser, on screen and on paper |
//! | [`write_ldif`] | LDIF of the fixes | `ldapmodify`, `ldifde` |
//!
//! [`Diff`] compares two reports, a [`Baseline`] suppresses findings that are known, and [`combine_fixes`](crate::combine_fixes) makes one change of the
//! fixes of an object.
//!
//! ```
//! use onramp_core::AttributeName;
//! use onramp_readiness::report::{Report, write_json};
//! use onramp_readiness::{DirectoryObject, Finding, RuleId, Severity};
//! use time::OffsetDateTime;
//!
//! let object = DirectoryObject::new("CN=Anna,OU=Staff,DC=corp,DC=local");
//! let mail = AttributeName::from_static("mail");
//! let rule = RuleId::from_static("mail-character");
//! let finding = Finding::new(object.key(), rule, Severity::Error, mail, "A space is not allowed.")
//!     .with_value("anna @contoso.com", 0);
//! let findings = [finding];
//! let report = Report::new(&findings, OffsetDateTime::UNIX_EPOCH).with_profile("entra").with_objects_checked(1);
//!
//! let mut json = Vec::new();
//! write_json(&report, &mut json)?;
//! assert_eq!(onramp_readiness::report::read_json(json.as_slice())?, findings);
//! # Ok::<(), std::io::Error>(())
//! ```

mod baseline;
mod counts;
mod csv;
mod diff;
mod fingerprint;
mod html;
mod json;
mod junit;
mod ldif;
mod markdown;
mod place;
mod sarif;

use time::OffsetDateTime;

use crate::{Confidence, Exclusion, Finding, Fix, ObjectKey, RuleInfo, Severity};

pub use baseline::{Baseline, BaselineEntry, BaselineResult};
pub use csv::{CsvOptions, guard_cell, unguard_cell, write_csv};
pub use diff::Diff;
pub use fingerprint::Fingerprint;
pub use html::{HtmlOptions, write_html};
pub use json::{read_json, read_json_lines, write_json, write_json_lines};
pub use junit::write_junit;
pub use ldif::write_ldif;
pub use markdown::write_markdown;
pub use sarif::write_sarif;

/// The input of every format: the findings of a scan, and the facts about the scan.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Report<'a> {
    /// The findings, in the order in which they are to be shown.
    pub findings: &'a [Finding],
    /// The number of objects that rules judged.
    pub objects_checked: u64,
    /// The objects that no rule judged, each with the reason.
    pub excluded: &'a [(ObjectKey, Exclusion)],
    /// The name of the profile.
    pub profile: &'a str,
    /// The sources of the objects.
    pub sources: &'a [ReportSource],
    /// The time of the scan.
    pub scanned_at: OffsetDateTime,
    /// The rules of the profile, with and without findings.
    pub rules: &'a [RuleInfo],
    /// The numbers of objects by the outcome that synchronization will have for them, if a tenant was asked.
    pub forecast: &'a [(String, u64)],
}

impl<'a> Report<'a> {
    /// Creates a report of findings, without other facts.
    pub fn new(findings: &'a [Finding], scanned_at: OffsetDateTime) -> Self {
        Self {
            findings,
            objects_checked: 0,
            excluded: &[],
            profile: "",
            sources: &[],
            scanned_at,
            rules: &[],
            forecast: &[],
        }
    }

    /// Sets the number of objects that rules judged.
    #[must_use]
    pub fn with_objects_checked(mut self, count: u64) -> Self {
        self.objects_checked = count;
        self
    }

    /// Sets the objects that no rule judged, each with the reason.
    #[must_use]
    pub fn with_excluded(mut self, excluded: &'a [(ObjectKey, Exclusion)]) -> Self {
        self.excluded = excluded;
        self
    }

    /// Sets the name of the profile.
    #[must_use]
    pub fn with_profile(mut self, name: &'a str) -> Self {
        self.profile = name;
        self
    }

    /// Sets the sources of the objects.
    #[must_use]
    pub fn with_sources(mut self, sources: &'a [ReportSource]) -> Self {
        self.sources = sources;
        self
    }

    /// Sets the rules of the profile.
    #[must_use]
    pub fn with_rules(mut self, rules: &'a [RuleInfo]) -> Self {
        self.rules = rules;
        self
    }

    /// Sets the numbers of objects by the outcome that synchronization will have for them.
    #[must_use]
    pub fn with_forecast(mut self, forecast: &'a [(String, u64)]) -> Self {
        self.forecast = forecast;
        self
    }

    /// The source of an object: the one that its key names, or the only one.
    fn source_of(&self, object: &ObjectKey) -> Option<&'a ReportSource> {
        match &object.source {
            Some(name) => self.sources.iter().find(|source| source.name == *name),
            None => self.sources.first().filter(|_| self.sources.len() == 1),
        }
    }

    /// The findings, the most severe first; those of one severity keep their order.
    fn by_severity(&self) -> impl Iterator<Item = &'a Finding> {
        let findings = self.findings;
        let of = move |severity| findings.iter().filter(move |finding| finding.severity == severity);
        SEVERITIES.into_iter().flat_map(of)
    }
}

/// The severities, the highest first.
const SEVERITIES: [Severity; 3] = [Severity::Error, Severity::Warning, Severity::Note];

/// A source of objects, as a report names it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReportSource {
    /// Name of the source, as [`ObjectKey::source`] has it.
    pub name: String,
    /// The path of the file, if the source is one.
    pub file: Option<String>,
}

impl ReportSource {
    /// A forest, a tenant or another service.
    pub fn directory(name: impl Into<String>) -> Self {
        Self { name: name.into(), file: None }
    }

    /// A file, whose path is its name, too.
    pub fn file(path: impl Into<String>) -> Self {
        let path = path.into();
        Self { name: path.clone(), file: Some(path) }
    }

    /// Sets the name, if it differs from the path.
    #[must_use]
    pub fn with_name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }
}

/// The address of the document that a rule is from, if it is one that a browser may open.
fn source_url(rule: &RuleInfo) -> Option<&str> {
    Some(rule.source.as_ref()).filter(|source| is_url(source))
}

/// Returns true if a text is the address of a page and nothing else.
fn is_url(text: &str) -> bool {
    text.starts_with("https://") && text.chars().all(|c| c.is_ascii_graphic() && !"\"<>\\^`{|}".contains(c))
}

/// The word for a confidence, as JSON has it.
fn confidence_word(confidence: Confidence) -> &'static str {
    match confidence {
        Confidence::Low => "low",
        Confidence::Medium => "medium",
        Confidence::High => "high",
    }
}

/// Returns a fix in a few words: the new value, or what is removed or changed instead.
fn suggestion(finding: &Finding, fix: &Fix) -> String {
    let words = fix.changes.iter().flat_map(|change| {
        let own = change.attribute == finding.attribute;
        let name = if own { String::new() } else { format!("{}: ", change.attribute) };
        match change.add.as_slice() {
            [] => change.remove.iter().map(|value| format!("{name}remove {value}")).collect::<Vec<_>>(),
            added => added.iter().map(|value| format!("{name}{value}")).collect(),
        }
    });
    words.collect::<Vec<_>>().join("; ")
}

/// Returns a number with commas between its thousands, for people.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}
