//! The program `audit`: prints the audit trail of a run.

use std::io::{BufWriter, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use onramp::{AuditRecord, AuditTrail, FileJournal};
use onramp_core::{Error, ErrorKind, Result, visible};

use crate::config::Config;
use crate::job::exit;
use crate::output::{JOURNAL, Output};

/// Print the audit trail of a run as JSON Lines: each change by name and ID, with operator, tenant and outcome.
#[derive(Debug, Parser)]
pub struct Arguments {
    /// The run: the name of its folder, at least 6 digits of the digest of its plan, or `latest`.
    run: String,
    /// The configuration file (TOML), which names the output folder.
    #[arg(long, default_value = "onboard.toml")]
    config: PathBuf,
}

/// Runs the program.
pub fn run(arguments: &Arguments) -> ExitCode {
    exit(print(arguments).map(|()| ExitCode::SUCCESS))
}

fn print(arguments: &Arguments) -> Result<()> {
    let output = Output::view(&Config::read(&arguments.config)?.output.folder);
    let stored = output.find_to_view(&arguments.run)?;
    if stored.started.is_none() {
        eprintln!("{}: {}", stored.name, stored.end_text());
        return Ok(());
    }
    let journal = output.folder_of(&stored).join(JOURNAL);
    let mut trail = AuditTrail::new(stored.run.plan());
    let mut out = BufWriter::new(std::io::stdout().lock());
    let mut records = FileJournal::records(&journal)?;
    let written = loop {
        let Some(record) = records.next() else {
            break write_all(&mut out, trail.end()).and_then(|()| out.flush());
        };
        if let Err(error) = write_all(&mut out, trail.add(&record?)) {
            break Err(error);
        }
    };
    match written {
        // The reader has what it wants: `onramp audit RUN | head`.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        written => written.map_err(|error| {
            Error::new(ErrorKind::Unavailable, "print the audit trail").with_detail(error.to_string())
        }),
    }
}

fn write_all(out: &mut impl Write, records: Vec<AuditRecord>) -> std::io::Result<()> {
    for record in records {
        writeln!(out, "{}", escaped(&serde_json::to_string(&record)?))?;
    }
    Ok(())
}

/// Returns JSON with every character that a terminal does not show as it is in the form `\u202e`: names come from outside.
fn escaped(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for c in json.chars() {
        let mut bytes = [0; 4];
        let plain: &str = c.encode_utf8(&mut bytes);
        if visible(plain) == plain {
            text.push(c);
        } else {
            c.encode_utf16(&mut [0; 2]).iter().for_each(|unit| text.push_str(&format!("\\u{unit:04x}")));
        }
    }
    text
}
