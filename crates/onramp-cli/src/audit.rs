//! The program `audit`: prints the audit trail of a run.

use std::io::{BufWriter, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use onramp::{AuditRecord, AuditTrail, FileJournal};
use onramp_core::{Error, ErrorKind, Result};

use crate::config::Config;
use crate::job::exit;
use crate::output::{JOURNAL, Output};

/// Print the audit trail of a run as JSON Lines: each change by name and ID, with operator, tenant and outcome.
#[derive(Debug, Parser)]
pub struct Arguments {
    /// The run: the name of its folder, or at least 6 digits of the digest of its plan.
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
    let stored = output.find(&arguments.run)?;
    let journal = output.folder_of(&stored).join(JOURNAL);
    let mut trail = AuditTrail::new(stored.run.plan());
    let mut out = BufWriter::new(std::io::stdout().lock());
    for record in FileJournal::records(&journal)? {
        write_all(&mut out, trail.add(&record?))?;
    }
    write_all(&mut out, trail.end())?;
    out.flush().map_err(|error| unwritten(&error))
}

fn write_all(out: &mut impl Write, records: Vec<AuditRecord>) -> Result<()> {
    for record in records {
        serde_json::to_writer(&mut *out, &record).map_err(|error| unwritten(&error.into()))?;
        out.write_all(b"\n").map_err(|error| unwritten(&error))?;
    }
    Ok(())
}

fn unwritten(error: &std::io::Error) -> Error {
    Error::new(ErrorKind::Unavailable, "print the audit trail").with_detail(error.to_string())
}
