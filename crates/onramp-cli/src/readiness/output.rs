//! The report of a scan, in one of its formats, and the exit code.

use std::fs::File;
use std::io::{self, BufWriter, StdoutLock, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use onramp_core::{Clock, Error, ErrorKind, Result, SystemClock, visible};
use onramp_files::NewFile;
use onramp_readiness::report::{
    Baseline, CsvOptions, HtmlOptions, Report, ReportSource, write_csv, write_html, write_json,
    write_json_lines, write_junit, write_ldif, write_markdown, write_sarif,
};
use onramp_readiness::{Confidence, ScanResult, Severity};

use super::messages::{counted, io_error};
use super::{input, text};

/// The number of errors in the input that are told one by one.
const MAX_TOLD: u64 = 20;

/// The format of the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Text to read at a terminal.
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
pub(super) enum MinConfidence {
    Low,
    Medium,
    High,
}

impl From<MinConfidence> for Confidence {
    fn from(least: MinConfidence) -> Self {
        match least {
            MinConfidence::Low => Self::Low,
            MinConfidence::Medium => Self::Medium,
            MinConfidence::High => Self::High,
        }
    }
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
    /// Write all findings to a file, to be left out from now on. Those that --baseline leaves out are written too, with their
    /// comments. The exit code is the same as without.
    #[arg(long, value_name = "FILE")]
    write_baseline: Option<PathBuf>,
    /// The least confidence of the fixes in LDIF.
    #[arg(long, default_value = "high", value_name = "CONFIDENCE")]
    min_confidence: MinConfidence,
    /// A byte order mark before CSV, for Excel.
    #[arg(long)]
    bom: bool,
}

/// The errors in the input: told one by one at first, and counted.
#[derive(Debug, Default)]
pub(super) struct InputErrors(u64);

impl InputErrors {
    /// Tells an error.
    pub(super) fn tell(&mut self, error: &str) {
        self.0 += 1;
        if self.0 <= MAX_TOLD {
            eprintln!("{}", visible(error));
        }
    }

    /// Returns the number of errors.
    pub(super) fn count(&self) -> u64 {
        self.0
    }
}

/// A scan, and what was not read.
#[derive(Debug)]
pub(super) struct Scanned {
    pub(super) result: ScanResult,
    pub(super) errors: InputErrors,
    pub(super) sources: Vec<ReportSource>,
    pub(super) profile: String,
}

impl OutputArguments {
    /// Makes sure that the files can be written, before a scan that may take long, and that none of them is one of the input.
    pub(super) fn check(&self, inputs: &[PathBuf]) -> Result<()> {
        for file in self.to.iter().chain(&self.write_baseline) {
            let is_input = file.canonicalize().is_ok_and(|file| {
                inputs.iter().any(|input| input.canonicalize().is_ok_and(|input| input == file))
            });
            if is_input {
                let what = format!("write {}", file.display());
                return Err(Error::new(ErrorKind::Invalid, visible(&what))
                    .with_detail("it is a file of the input, which would be lost"));
            }
            // A pipe that is opened and closed has ended for its reader.
            if !is_special(file) {
                Out::open(Some(file)).map_err(|error| write_error(Some(file), &error))?;
            }
        }
        Ok(())
    }

    /// Writes the report, and says how the program ends.
    pub(super) fn write(&self, mut scanned: Scanned) -> Result<ExitCode> {
        let mut all = self.write_baseline.is_some().then(|| Baseline::of(&scanned.result.findings));
        if let Some(file) = &self.baseline {
            let what = format!("read the baseline {}", file.display());
            let baseline = Baseline::read(input::open(file)?).map_err(|error| {
                io_error(&what, &error).with_hint("It must be a file that --write-baseline made.")
            })?;
            all = all.map(|all| all.with_comments_of(&baseline));
            let applied = baseline.apply(std::mem::take(&mut scanned.result.findings));
            eprintln!(
                "{} left out; {} of the baseline no longer found",
                counted(applied.suppressed.len() as u64, "known finding"),
                applied.unmatched.len()
            );
            scanned.result.findings = applied.findings;
        }
        if let (Some(file), Some(all)) = (&self.write_baseline, all) {
            write_to(Some(file), |out| all.write(out))?;
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
        write_to(self.to.as_deref(), |out| self.format(&report, out))?;
        if scanned.errors.count() > 0 {
            eprintln!(
                "{} in the input: the report is not complete",
                counted(scanned.errors.count(), "error")
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

    fn format(&self, report: &Report<'_>, out: &mut impl Write) -> io::Result<()> {
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
            Format::Ldif => write_ldif(report, self.min_confidence.into(), out),
        }
    }
}

/// The place that text is written to.
pub(super) enum Out {
    Standard(BufWriter<StdoutLock<'static>>),
    /// A file that only its owner can read, and that appears when it is complete.
    New(NewFile),
    /// A pipe or a device, which stays what it is.
    Other(BufWriter<File>),
}

impl Out {
    /// Opens a file for writing, or standard output.
    fn open(file: Option<&Path>) -> io::Result<Self> {
        let Some(file) = file else { return Ok(Self::Standard(BufWriter::new(io::stdout().lock()))) };
        if is_special(file) {
            return Ok(Self::Other(BufWriter::new(File::options().write(true).open(file)?)));
        }
        NewFile::create(file).map(Self::New)
    }

    /// Makes the text complete.
    fn finish(self) -> io::Result<()> {
        match self {
            Self::Standard(mut out) => out.flush(),
            Self::New(file) => file.commit(),
            Self::Other(mut out) => out.flush(),
        }
    }
}

impl Write for Out {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        match self {
            Self::Standard(out) => out.write(octets),
            Self::New(out) => out.write(octets),
            Self::Other(out) => out.write(octets),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Standard(out) => out.flush(),
            Self::New(out) => out.flush(),
            Self::Other(out) => out.flush(),
        }
    }
}

/// Returns true for a pipe or a device.
fn is_special(file: &Path) -> bool {
    file.metadata().is_ok_and(|metadata| !metadata.is_file() && !metadata.is_dir())
}

/// Writes text to a file, or to standard output. A reader that has seen enough, such as `head`, is no error.
pub(super) fn write_to(file: Option<&Path>, write: impl FnOnce(&mut Out) -> io::Result<()>) -> Result<()> {
    let mut out = Out::open(file).map_err(|error| write_error(file, &error))?;
    let written = write(&mut out).and_then(|()| out.finish());
    match written {
        Err(error) if file.is_none() && error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written.map_err(|error| write_error(file, &error)),
    }
}

fn write_error(file: Option<&Path>, error: &io::Error) -> Error {
    let what = file.map_or("write to standard output".to_owned(), |file| format!("write {}", file.display()));
    io_error(&what, error)
}
