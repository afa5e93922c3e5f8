//! CSV for people with a spreadsheet.

use std::borrow::Cow;
use std::io::{self, Write};

use super::Report;
use crate::{Finding, Fix};

/// The header of the file.
const COLUMNS: [&str; 17] = [
    "dn",
    "object_guid",
    "source",
    "class",
    "rule",
    "severity",
    "attribute",
    "value",
    "suggested_value",
    "suggested_changes",
    "confidence",
    "loses",
    "explanation",
    "holders",
    "idfix_error",
    "idfix_update",
    "fingerprint",
];

/// The options of [`write_csv`].
///
/// ```
/// use onramp_readiness::report::CsvOptions;
/// let options = CsvOptions::default().with_bom().with_delimiter(b';');
/// assert!(options.bom && options.guard);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct CsvOptions {
    /// True if the file begins with a byte order mark, without which Excel reads UTF-8 as another encoding.
    pub bom: bool,
    /// True if cells that a spreadsheet would calculate are guarded: see [`guard_cell`].
    pub guard: bool,
    /// The octet between two cells.
    pub delimiter: u8,
}

impl Default for CsvOptions {
    /// No byte order mark, guarded cells, commas.
    fn default() -> Self {
        Self { bom: false, guard: true, delimiter: b',' }
    }
}

impl CsvOptions {
    /// Begins the file with a byte order mark.
    #[must_use]
    pub fn with_bom(mut self) -> Self {
        self.bom = true;
        self
    }

    /// Leaves cells as they are, for programs that read the file. A spreadsheet calculates some of them then.
    #[must_use]
    pub fn without_guard(mut self) -> Self {
        self.guard = false;
        self
    }

    /// Sets the octet between two cells; Excel of many countries takes a semicolon.
    #[must_use]
    pub fn with_delimiter(mut self, delimiter: u8) -> Self {
        self.delimiter = delimiter;
        self
    }
}

/// Writes a row for each finding (RFC 4180: lines end with CR and LF, quotes are doubled), after a header.
///
/// Values stand as they are, with control characters and all. Where a cell lists several things (`suggested_value`,
/// `suggested_changes`, `holders`), each is on a line of its own. `suggested_value` is what the best fix puts in the place of
/// the value, empty where the fix removes it or changes other attributes only; `suggested_changes` is all that the fix does.
///
/// ```
/// use onramp_readiness::report::{CsvOptions, Report, write_csv};
/// let mut csv = Vec::new();
/// write_csv(&Report::new(&[], time::OffsetDateTime::UNIX_EPOCH), &CsvOptions::default(), &mut csv)?;
/// assert!(csv.starts_with(b"dn,object_guid,source,class,rule,severity,attribute,value,suggested_value,"));
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
/// An error of the writer.
pub fn write_csv(report: &Report<'_>, options: &CsvOptions, mut out: impl Write) -> io::Result<()> {
    if options.bom {
        out.write_all("\u{feff}".as_bytes())?;
    }
    let mut writer = ::csv::WriterBuilder::new()
        .terminator(::csv::Terminator::CRLF)
        .delimiter(options.delimiter)
        .from_writer(out);
    writer.write_record(COLUMNS).map_err(io_error)?;
    for finding in report.findings {
        for cell in cells(finding) {
            let cell = if options.guard { guard_cell(&cell) } else { cell };
            writer.write_field(cell.as_bytes()).map_err(io_error)?;
        }
        writer.write_record(None::<&[u8]>).map_err(io_error)?;
    }
    writer.flush()
}

/// The error of the writer itself, which tells a closed pipe from a full disk.
fn io_error(error: ::csv::Error) -> io::Error {
    match error.into_kind() {
        ::csv::ErrorKind::Io(error) => error,
        kind => io::Error::other(format!("{kind:?}")),
    }
}

fn cells(finding: &Finding) -> [Cow<'_, str>; COLUMNS.len()] {
    let best = finding.fixes.first();
    let text = |text: Option<&'_ str>| Cow::Owned(text.unwrap_or_default().to_owned());
    let idfix = finding.idfix.as_ref();
    let errors: Vec<String> =
        idfix.iter().flat_map(|row| &row.errors).map(|error| format!("{error:?}")).collect();
    [
        Cow::Borrowed(&finding.object.dn),
        Cow::Owned(finding.object.guid.map(|guid| guid.to_string()).unwrap_or_default()),
        text(finding.object.source.as_deref()),
        text(finding.class.as_deref()),
        Cow::Borrowed(finding.rule.as_str()),
        Cow::Owned(finding.severity.to_string()),
        Cow::Borrowed(finding.attribute.as_str()),
        Cow::Borrowed(finding.value.as_deref().unwrap_or_default()),
        Cow::Owned(best.map(|fix| suggested(finding, fix)).unwrap_or_default()),
        Cow::Owned(best.map(changes).unwrap_or_default()),
        text(best.map(|fix| super::confidence_word(fix.confidence))),
        text(best.and_then(|fix| fix.loses.as_deref())),
        Cow::Borrowed(&finding.explanation),
        Cow::Owned(holders(finding)),
        Cow::Owned(errors.join(", ")),
        text(idfix.and_then(|row| row.update.as_deref())),
        Cow::Owned(super::Fingerprint::of(finding).to_string()),
    ]
}

/// Returns the values that a fix adds to the attribute of its finding, one a line.
fn suggested(finding: &Finding, fix: &Fix) -> String {
    let own = fix.changes.iter().filter(|change| change.attribute == finding.attribute);
    own.flat_map(|change| &change.add).map(String::as_str).collect::<Vec<_>>().join("\n")
}

fn changes(fix: &Fix) -> String {
    let lines = fix.changes.iter().flat_map(|change| {
        let name = change.attribute.as_str();
        let remove = change.remove.iter().map(move |value| format!("{name} -{value}"));
        remove.chain(change.add.iter().map(move |value| format!("{name} +{value}")))
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn holders(finding: &Finding) -> String {
    let lines = finding.holders.iter().map(|holder| {
        let keeps = if holder.keeps { " (keeps it)" } else { "" };
        format!("{} {}: {}{keeps}", holder.object.dn, holder.attribute, holder.value)
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Returns a cell that no spreadsheet calculates: an apostrophe stands before a cell that begins with `=`, `+`, `-`, `@`, a
/// tab, a line break or a full-width form of a sign, so that `=1+2` becomes `'=1+2`.
///
/// A cell that begins with apostrophes and one of these gets one more, so that [`unguard_cell`] always gives back the cell:
/// `'=1` becomes `''=1`. All others, such as `'tis`, stay.
///
/// ```
/// use onramp_readiness::report::{guard_cell, unguard_cell};
/// assert_eq!(guard_cell("=HYPERLINK(1)"), "'=HYPERLINK(1)");
/// assert_eq!(guard_cell("'tis"), "'tis");
/// assert_eq!(unguard_cell(&guard_cell("'@x")), "'@x");
/// ```
pub fn guard_cell(cell: &str) -> Cow<'_, str> {
    if is_formula(cell.trim_start_matches('\'')) {
        Cow::Owned(format!("'{cell}"))
    } else {
        Cow::Borrowed(cell)
    }
}

/// Returns the cell that [`guard_cell`] was given. A cell without guard stays.
pub fn unguard_cell(cell: &str) -> &str {
    match cell.strip_prefix('\'') {
        Some(rest) if is_formula(rest.trim_start_matches('\'')) => rest,
        _ => cell,
    }
}

fn is_formula(cell: &str) -> bool {
    cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'])
}
