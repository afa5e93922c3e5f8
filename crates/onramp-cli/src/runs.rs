//! The program `runs`: lists the runs in the output folder, the latest first.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use onramp_core::{Result, visible};

use crate::config::Config;
use crate::job::exit;
use crate::output::{Output, StoredRun};
use crate::terminal::Terminal;

/// List the runs in the output folder, the latest first, with what each did and how it ended.
#[derive(Debug, Parser)]
pub struct Arguments {
    /// The configuration file (TOML), which names the output folder.
    #[arg(long, default_value = "onboard.toml")]
    config: PathBuf,
}

/// Runs the program.
pub fn run(arguments: &Arguments) -> ExitCode {
    exit(list(arguments).map(|()| ExitCode::SUCCESS))
}

fn list(arguments: &Arguments) -> Result<()> {
    let folder = Config::read(&arguments.config)?.output.folder;
    let terminal = Terminal::new();
    let output = Output::view(&folder);
    let mut stored = Vec::new();
    for path in output.runs() {
        match StoredRun::read(&path) {
            Ok(run) => stored.push(run),
            Err(error) => terminal.line(error),
        }
    }
    if stored.is_empty() {
        terminal.line(format!("no run in {}", folder.display()));
    }
    for run in &stored {
        terminal.line(describe(run, &stored));
    }
    Ok(())
}

/// Describes a run in one line: name, digest, kind, number of changes, and its end.
fn describe(stored: &StoredRun, all: &[StoredRun]) -> String {
    let plan = stored.run.plan();
    let digest = plan.digest();
    let name_of = |digest: &str| {
        let mut same = all.iter().filter(|other| other.run.plan().digest() == digest).peekable();
        let first = same.peek().copied();
        // A plan that was reviewed first and then applied is in two folders.
        let found = same.find(|other| other.run.changes_made() > 0).or(first);
        found.map_or_else(|| format!("a run with the digest {}", short(digest)), |other| other.name.clone())
    };
    let kind = match &plan.header().undoes {
        Some(undone) => format!("undo of {}", name_of(undone)),
        None => format!("{} for {}", plan.header().domain, visible(&plan.header().tenant_name)),
    };
    let ending = match (&stored.started, &stored.status) {
        (None, _) if stored.has_journal => "its journal is empty: what it changed is not known".to_owned(),
        (None, _) => "only planned, or its journal is missing".to_owned(),
        (Some(_), None) => "no end was recorded".to_owned(),
        (Some(_), Some(status)) => match stored.verified {
            Some(true) => format!("{status}, and verified"),
            Some(false) => {
                format!("{status}, but its verification found something else: its report says what")
            }
            None => status.to_string(),
        },
    };
    // Later runs come first.
    let place = all.iter().position(|other| std::ptr::eq(other, stored)).unwrap_or_default();
    let is_undo = |other: &&StoredRun| {
        other.run.plan().header().undoes.as_deref() == Some(digest.as_str()) && other.run.changes_made() > 0
    };
    let undone = all.iter().take(place).filter(|_| stored.run.changes_made() > 0).find(is_undo);
    let undone =
        undone.map(|other| format!("; undone, all or in part, by {}", other.name)).unwrap_or_default();
    let unknown = stored.run.changes_unknown();
    let made = stored.run.changes_made() - unknown;
    let unknown = if unknown > 0 { format!(", {unknown} with an unknown outcome") } else { String::new() };
    format!(
        "{}  {}  {kind}: {made} of {} changes made{unknown}; {ending}{undone}",
        stored.name,
        short(&digest),
        stored.run.changes_planned(),
    )
}

fn short(digest: &str) -> &str {
    digest.get(..12).unwrap_or(digest)
}
