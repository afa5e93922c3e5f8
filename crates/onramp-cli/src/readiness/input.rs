//! The files that objects come from.

use std::fs::File;
use std::io::{BufRead, BufReader, IsTerminal, Read};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use onramp_core::{Error, ErrorKind, Result};
use onramp_readiness::report::{ReportSource, read_json};
use onramp_readiness::source::{SourceError, csv, graph_json};
use onramp_readiness::{DirectoryObject, Finding, ldif};

use super::output::io_error;

/// The format of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// LDIF, of ldapsearch, ldifde and others.
    Ldif,
    /// CSV, of Export-Csv, csvde and spreadsheets.
    Csv,
    /// JSON: of Microsoft Graph, or objects of attributes; an array, pages, or one object on a line.
    Json,
}

#[derive(Debug, Args)]
pub(super) struct InputArguments {
    /// A file of objects; `-` is standard input. Can be given several times: values must be unique over all files.
    #[arg(long, required = true, value_name = "FILE")]
    input: Vec<PathBuf>,
    /// The format of the files. Without it, the end of each file's name tells.
    #[arg(long)]
    format: Option<Format>,
}

/// Objects, or the reason why one could not be read.
type Objects = Box<dyn Iterator<Item = std::result::Result<DirectoryObject, SourceError>>>;

impl InputArguments {
    pub(super) fn files(&self) -> &[PathBuf] {
        &self.input
    }

    /// The files as sources of a report.
    pub(super) fn sources(&self) -> Vec<ReportSource> {
        self.input.iter().map(|file| ReportSource::file(file.display().to_string())).collect()
    }

    /// Opens a file. Objects carry its name if there are several.
    pub(super) fn open(&self, file: &Path) -> Result<Objects> {
        let format = self.format_of(file)?;
        let input: Box<dyn Read> = if file == Path::new("-") {
            if std::io::stdin().is_terminal() {
                return Err(Error::new(ErrorKind::Invalid, "read standard input")
                    .with_detail("it is a terminal")
                    .with_hint("name a file, or send one: readiness check --input - --format ldif < FILE"));
            }
            Box::new(std::io::stdin())
        } else {
            Box::new(File::open(file).map_err(|error| io_error(&format!("read {}", file.display()), &error))?)
        };
        let input = BufReader::with_capacity(1 << 16, input);
        let name = (self.input.len() > 1).then(|| file.display().to_string());
        Ok(match format {
            Format::Ldif => {
                let reader = ldif::Reader::new(input);
                Box::new(
                    match name {
                        Some(name) => reader.with_source(name),
                        None => reader,
                    }
                    .objects(),
                )
            }
            Format::Csv => {
                let reader = csv::Reader::new(input);
                Box::new(match name {
                    Some(name) => reader.with_source(name),
                    None => reader,
                })
            }
            Format::Json => {
                let reader = graph_json::Reader::new(input);
                Box::new(match name {
                    Some(name) => reader.with_source(name),
                    None => reader,
                })
            }
        })
    }

    fn format_of(&self, file: &Path) -> Result<Format> {
        if let Some(format) = self.format {
            return Ok(format);
        }
        let ending =
            file.extension().and_then(|ending| ending.to_str()).unwrap_or_default().to_ascii_lowercase();
        match ending.as_str() {
            "ldif" | "ldf" => Ok(Format::Ldif),
            "csv" | "tsv" => Ok(Format::Csv),
            "json" | "jsonl" | "ndjson" => Ok(Format::Json),
            _ => Err(Error::new(ErrorKind::Invalid, format!("read {}", file.display()))
                .with_detail("its name does not tell the format")
                .with_hint("say --format ldif, csv or json")),
        }
    }
}

/// Reads the findings of a report in JSON.
pub(super) fn read_findings(file: &Path) -> Result<Vec<Finding>> {
    let what = format!("read {}", file.display());
    read_json(open(file)?).map_err(|error| {
        io_error(&what, &error).with_hint("it must be a report that was written with --output json")
    })
}

/// Opens a file for reading.
pub(super) fn open(file: &Path) -> Result<impl BufRead> {
    let file_of = File::open(file).map_err(|error| io_error(&format!("read {}", file.display()), &error))?;
    Ok(BufReader::new(file_of))
}
