//! The files that objects come from.

use std::fs::File;
use std::io::{self, BufRead, IsTerminal, Read};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use onramp_core::{Error, ErrorKind, Result, visible};
use onramp_readiness::report::{ReportSource, read_json, read_json_lines};
use onramp_readiness::source::{SourceError, TextReader, csv, graph_json};
use onramp_readiness::{DirectoryObject, Finding, attributes, ldif};

use super::messages::io_error;

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
    /// Not for files, which is said better than “unexpected argument”.
    #[arg(long, value_name = "FILE", hide = true)]
    state: Option<PathBuf>,
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

    /// Checks what can be checked before anything is read.
    pub(super) fn check(&self) -> Result<()> {
        if self.state.is_some() {
            return Err(Error::new(ErrorKind::Invalid, "use --state")
                .with_detail("a file is read as a whole: nothing tells what changed in it")
                .with_hint("`readiness scan` follows a forest."));
        }
        for (number, file) in self.input.iter().enumerate() {
            self.format_of(file)?;
            let same = |other: &PathBuf| {
                other == file
                    || (file
                        .canonicalize()
                        .is_ok_and(|file| other.canonicalize().is_ok_and(|other| other == file)))
            };
            if self.input.iter().skip(number + 1).any(same) {
                return Err(Error::new(ErrorKind::Invalid, visible(&format!("read {}", name_of(file))))
                    .with_detail("it is named twice, so that each of its objects would be a duplicate"));
            }
        }
        Ok(())
    }

    /// Opens a file. Objects carry its name if there are several.
    pub(super) fn open(&self, file: &Path) -> Result<Objects> {
        let format = self.format_of(file)?;
        let input = octets(file)?;
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
                let mut reader = csv::Reader::new(input);
                if let Some(name) = name {
                    reader = reader.with_source(name);
                }
                match reader.header() {
                    Ok(header) => note_columns(file, header),
                    Err(error) => return Ok(Box::new(std::iter::once(Err(error)))),
                }
                Box::new(reader)
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
            _ => Err(Error::new(ErrorKind::Invalid, visible(&format!("read {}", name_of(file))))
                .with_detail("the name does not tell the format")
                .with_hint("Say --format ldif, csv or json.")),
        }
    }
}

/// Tells what a file lacks that makes findings of its own, and the columns that are not read.
fn note_columns(file: &Path, header: &csv::Header) {
    let note = |text: String| eprintln!("{}", visible(&format!("{}: {text}", name_of(file))));
    for (attribute, what) in [
        (attributes::USER_PRINCIPAL_NAME, "every user is judged as one without it"),
        (attributes::OBJECT_CLASS, "every row is judged as a user"),
    ] {
        if !header.attributes.contains(&attribute) {
            note(format!("there is no column {attribute}, so {what}"));
        }
    }
    if !header.ignored.is_empty() {
        note(format!("columns that are no attributes are not read: {}", header.ignored.join(", ")));
    }
}

/// Reads the findings of a report in JSON, or in JSON Lines.
pub(super) fn read_findings(file: &Path) -> Result<Vec<Finding>> {
    let what = format!("read {}", name_of(file));
    let read = |mut input: Box<dyn BufRead>| {
        let first = loop {
            let octets = input.fill_buf()?;
            let blank = octets.iter().take_while(|octet| octet.is_ascii_whitespace()).count();
            match octets.get(blank) {
                Some(first) => break Some(*first),
                None if octets.is_empty() => break None,
                None => input.consume(blank),
            }
        };
        match first {
            Some(b'{') => read_json_lines(input).collect(),
            Some(_) => read_json(input),
            None => Err(io::Error::new(io::ErrorKind::InvalidData, "it is empty")),
        }
    };
    read(open(file)?).map_err(|error| {
        io_error(&what, &error)
            .with_hint("It must be a report that was written with --output json or json-lines.")
    })
}

/// Opens a file of text for reading, in any encoding that programs of Windows save; `-` is standard input.
pub(super) fn open(file: &Path) -> Result<Box<dyn BufRead>> {
    Ok(Box::new(TextReader::new(octets(file)?)))
}

/// The name of a file, for messages.
pub(super) fn name_of(file: &Path) -> String {
    if file == Path::new("-") { "standard input".to_owned() } else { file.display().to_string() }
}

fn octets(file: &Path) -> Result<Box<dyn Read>> {
    if file == Path::new("-") {
        if io::stdin().is_terminal() {
            return Err(Error::new(ErrorKind::Invalid, "read standard input")
                .with_detail("it is a terminal")
                .with_hint(
                    "Name a file, or send one, as in `readiness check --input - --format ldif < FILE`.",
                ));
        }
        return Ok(Box::new(io::stdin()));
    }
    let what = format!("read {}", name_of(file));
    let input = File::open(file).map_err(|error| io_error(&what, &error))?;
    if input.metadata().is_ok_and(|metadata| metadata.is_dir()) {
        return Err(Error::new(ErrorKind::Invalid, visible(&what)).with_detail("it is a folder"));
    }
    Ok(Box::new(input))
}
