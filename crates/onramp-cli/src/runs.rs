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
    // Later runs come first.
    let place = all.iter().position(|other| std::ptr::eq(other, stored)).unwrap_or_default();
    let canary = plan.header().canary.as_ref().map(|canary| format!(", {canary}")).unwrap_or_default();
    let kind = match &plan.header().undoes {
        Some(undone) => match undone_by(place, all) {
            Some(run) => format!("undo of {}", run.name),
            None => format!("undo of a run with the digest {}", short(undone)),
        },
        None => format!("{} for {}{canary}", plan.header().domain, visible(&plan.header().tenant_name)),
    };
    let ending = stored.end_text();
    let undos = (0..place).rev().filter_map(|later| {
        let undo = all.get(later).filter(|undo| undo.run.changes_made() > 0)?;
        undone_by(later, all).is_some_and(|run| std::ptr::eq(run, stored)).then_some(undo.name.as_str())
    });
    let undos: Vec<&str> = undos.filter(|_| stored.run.changes_made() > 0).collect();
    let undone = match undos.as_slice() {
        [] => String::new(),
        undos => format!("; undone, all or in part, by {}", undos.join(", ")),
    };
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

/// Returns the run that the undo at a place undoes: the latest one before it of that plan, if possible one that made changes. A
/// plan that was reviewed first and then applied is in two folders.
fn undone_by(place: usize, all: &[StoredRun]) -> Option<&StoredRun> {
    let undone = all.get(place)?.run.plan().header().undoes.as_ref()?;
    let before = || all.iter().skip(place + 1).filter(|other| other.run.plan().digest() == *undone);
    before().find(|other| other.run.changes_made() > 0).or_else(|| before().next())
}

fn short(digest: &str) -> &str {
    digest.get(..12).unwrap_or(digest)
}
