//! The report of a scan, in one of its formats, and the exit code.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use onramp_core::{Clock, Error, ErrorKind, Result, SystemClock, visible};
use onramp_readiness::report::{
    Baseline, CsvOptions, HtmlOptions, Report, ReportSource, write_csv, write_html, write_json,
    write_json_lines, write_junit, write_ldif, write_markdown, write_sarif,
};
use onramp_readiness::{Confidence, ScanResult, Severity};

use super::{input, text};

/// The number of unreadable objects that are told one by one.
pub(super) const MAX_TOLD: u64 = 20;

/// The format of the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For reading at a terminal.
    Text,
    /// An array, one object for each finding.
    Json,
    /// One object for each finding, each on a line.
    JsonLines,
    /// RFC 4180, guarded against formulas.
    Csv,
    /// SARIF 2.1.0, for code scanning.
    Sarif,
    /// JUnit XML, for test views.
    Junit,
    /// A summary for the page of a job.
    Markdown,
    /// One page to look at.
    Html,
    /// The fixes, for ldapmodify and ldifde.
    Ldif,
}

/// The least severity that counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum FailOn {
    Error,
    Warning,
    Note,
}

/// The least confidence of a fix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum MinConfidence {
    Low,
    Medium,
    High,
}

#[derive(Debug, Args)]
pub(super) struct OutputArguments {
    /// The format of the report.
    #[arg(long, default_value = "text")]
    output: Format,
    /// The file of the report; without it, standard output.
    #[arg(long, value_name = "FILE")]
    to: Option<PathBuf>,
    /// The least severity with which findings make the exit code 2.
    #[arg(long, default_value = "note", value_name = "SEVERITY")]
    fail_on: FailOn,
    /// A file of findings that are known, which are left out.
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,
    /// Write the findings to a file, to be left out from now on.
    #[arg(long, value_name = "FILE")]
    write_baseline: Option<PathBuf>,
    /// The least confidence of the fixes in LDIF.
    #[arg(long, default_value = "high", value_name = "CONFIDENCE")]
    min_confidence: MinConfidence,
    /// A byte order mark before CSV, for Excel.
    #[arg(long)]
    bom: bool,
}

/// A scan, and what was not read.
#[derive(Debug)]
pub(super) struct Scanned {
    pub(super) result: ScanResult,
    pub(super) unreadable: u64,
    pub(super) sources: Vec<ReportSource>,
    pub(super) profile: String,
}

impl OutputArguments {
    /// Writes the report, and says how the program ends.
    pub(super) fn write(&self, mut scanned: Scanned) -> Result<ExitCode> {
        if let Some(file) = &self.baseline {
            let what = format!("read the baseline {}", file.display());
            let baseline = Baseline::read(input::open(file)?).map_err(|error| io_error(&what, &error))?;
            let applied = baseline.apply(std::mem::take(&mut scanned.result.findings));
            eprintln!(
                "{} known findings left out; {} of the baseline are there no more",
                applied.suppressed.len(),
                applied.unmatched.len()
            );
            scanned.result.findings = applied.findings;
        }
        if let Some(file) = &self.write_baseline {
            let what = format!("write the baseline {}", file.display());
            let baseline = Baseline::of(&scanned.result.findings);
            let mut out = out(Some(file))?;
            baseline.write(&mut out).and_then(|()| out.flush()).map_err(|error| io_error(&what, &error))?;
        }
        let result = &scanned.result;
        let judged = (result.objects - result.excluded.len()) as u64;
        let report = Report::new(&result.findings, SystemClock::new().now())
            .with_objects_checked(judged)
            .with_excluded(&result.excluded)
            .with_profile(&scanned.profile)
            .with_sources(&scanned.sources)
            .with_rules(&result.catalog)
            .with_forecast(&result.forecast);
        let mut out = out(self.to.as_deref())?;
        self.format(&report, &mut out)
            .and_then(|()| out.flush())
            .or_else(ignore_closed)
            .map_err(|error| io_error("write the report", &error))?;
        if scanned.unreadable > 0 {
            eprintln!(
                "{} objects could not be read and were not judged; the report is not complete",
                scanned.unreadable
            );
            return Ok(ExitCode::FAILURE);
        }
        let least = match self.fail_on {
            FailOn::Error => Severity::Error,
            FailOn::Warning => Severity::Warning,
            FailOn::Note => Severity::Note,
        };
        let fails = result.findings.iter().any(|finding| finding.severity >= least);
        Ok(if fails { ExitCode::from(2) } else { ExitCode::SUCCESS })
    }

    fn format(&self, report: &Report<'_>, out: &mut impl Write) -> std::io::Result<()> {
        match self.output {
            Format::Text => text::write(report, out),
            Format::Json => write_json(report, out),
            Format::JsonLines => write_json_lines(report, out),
            Format::Csv => {
                let options = CsvOptions::default();
                write_csv(report, &if self.bom { options.with_bom() } else { options }, out)
            }
            Format::Sarif => write_sarif(report, out),
            Format::Junit => write_junit(report, out),
            Format::Markdown => write_markdown(report, out),
            Format::Html => write_html(report, &HtmlOptions::default(), out),
            Format::Ldif => {
                let least = match self.min_confidence {
                    MinConfidence::Low => Confidence::Low,
                    MinConfidence::Medium => Confidence::Medium,
                    MinConfidence::High => Confidence::High,
                };
                write_ldif(report, least, out)
            }
        }
    }
}

/// Opens a file for writing, which only its owner can read, or standard output.
pub(super) fn out(file: Option<&Path>) -> Result<Box<dyn Write>> {
    Ok(match file {
        None => Box::new(BufWriter::new(std::io::stdout().lock())),
        Some(file) => {
            let what = format!("write {}", file.display());
            let file: File = onramp_files::create_private(file).map_err(|error| io_error(&what, &error))?;
            Box::new(BufWriter::new(file))
        }
    })
}

/// A reader that has seen enough, such as `head`, is no error.
fn ignore_closed(error: std::io::Error) -> std::io::Result<()> {
    if error.kind() == std::io::ErrorKind::BrokenPipe { Ok(()) } else { Err(error) }
}

/// The error of a file or of standard output.
pub(super) fn io_error(what: &str, error: &std::io::Error) -> Error {
    let kind = match error.kind() {
        std::io::ErrorKind::NotFound => ErrorKind::NotFound,
        std::io::ErrorKind::PermissionDenied => ErrorKind::Forbidden,
        std::io::ErrorKind::InvalidData => ErrorKind::Invalid,
        _ => ErrorKind::Unavailable,
    };
    Error::new(kind, visible(what)).with_detail(error.to_string())
}
