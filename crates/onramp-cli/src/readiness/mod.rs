//! The program `readiness`: finds the objects that synchronization would reject, rename, merge or overwrite, and suggests
//! fixes.
//!
//! Exit codes: 0 nothing found; 2 findings; 1 an error, also if a part of the input could not be read: what was found is
//! written all the same.

mod after_sync;
mod candidates;
mod fix;
mod follow_forest;
mod follow_tenant;
mod idfix;
mod input;
mod judge;
mod messages;
mod output;
mod scan;
mod state_file;
mod tenant;
mod text;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use onramp_core::{Error, ErrorKind, Result, visible};
use onramp_readiness::report::Diff;

use after_sync::AfterSyncArguments;
use fix::FixArguments;
use idfix::IdfixArguments;
use input::{InputArguments, read_findings};
use judge::{Chosen, ProfileArguments, Rules};
use output::{InputErrors, OutputArguments, Scanned, write_to};
use scan::ScanArguments;
use tenant::TenantArguments;

use crate::job::exit_code;

/// Find what synchronization to Microsoft Entra would reject, rename, merge or overwrite, and the safe fix.
///
/// Exit codes: 0 nothing found; 2 findings; 1 an error, also if a part of the input could not be read.
#[derive(Parser, Debug)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Judge the objects of files, without a connection to anything.
    Check {
        #[command(flatten)]
        input: InputArguments,
        #[command(flatten)]
        profile: ProfileArguments,
        #[command(flatten)]
        tenant: Box<TenantArguments>,
        #[command(flatten)]
        output: OutputArguments,
    },
    /// Judge the objects of a forest, with the domains that the tenant has verified and the objects that synchronization
    /// will overwrite there.
    Scan(Box<ScanArguments>),
    /// Fix what a scan finds, or make the edits that a file of IdFix has: makes a plan that is shown, approved, applied and
    /// verified, and that can be undone.
    Fix(Box<FixArguments>),
    /// List the rules of a profile, each with its source.
    Rules {
        #[command(flatten)]
        profile: ProfileArguments,
        /// JSON instead of a table.
        #[arg(long)]
        json: bool,
    },
    /// Compare two reports in JSON or JSON Lines: what is new, what is fixed, what is still there. Exit code 2 if something is new.
    Diff {
        /// The earlier report.
        before: PathBuf,
        /// The later report.
        after: PathBuf,
        /// JSON instead of Markdown.
        #[arg(long)]
        json: bool,
    },
    /// Compare a report with the errors that synchronization reported after it. Exit code 2 if one was not predicted.
    AfterSync(AfterSyncArguments),
    /// Turn a CSV export or an undo file (`Update*.ldf`) of IdFix into LDIF that changes a value only if it is still the one
    /// in the file.
    Idfix(IdfixArguments),
}

/// Runs the program.
pub async fn run(arguments: Arguments) -> ExitCode {
    let done = match arguments.command {
        Command::Check { input, profile, tenant, output } => check(&input, &profile, &tenant, &output),
        Command::Scan(arguments) => scan::run(&arguments).await,
        Command::Fix(arguments) => Box::pin(fix::run(&arguments)).await,
        Command::Rules { profile, json } => rules(&profile, json),
        Command::Diff { before, after, json } => diff(&before, &after, json),
        Command::AfterSync(arguments) => after_sync::run(&arguments),
        Command::Idfix(arguments) => idfix::run(&arguments),
    };
    done.unwrap_or_else(|error| {
        eprintln!("{}", visible(&error.to_string()));
        exit_code(&error)
    })
}

/// Tells an error in the arguments, or the help that was asked for. Returns 1 for an error where other programs return 2, which
/// means findings here.
pub fn usage(error: &clap::Error) -> ExitCode {
    let failed = error.use_stderr();
    // Nothing is left to do if there is no place to tell it.
    let _ = error.print();
    if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn check(
    input: &InputArguments,
    profile: &ProfileArguments,
    tenant: &TenantArguments,
    output: &OutputArguments,
) -> Result<ExitCode> {
    let mut rules = Rules::new(profile.profile()?, profile, None)?.with_forecaster(tenant.forecaster()?)?;
    input.check()?;
    output.check(input.files())?;
    let mut errors = InputErrors::default();
    for file in input.files() {
        let name = input::name_of(file);
        let mut is_empty = true;
        for object in input.open(file)? {
            is_empty = false;
            match object {
                Ok(object) => rules.add(object),
                Err(error) => errors.tell(&format!("{name}: {error}")),
            }
        }
        if is_empty {
            errors.tell(&format!("{name}: there is no object in it"));
        }
    }
    output.write(Scanned {
        result: rules.finish(),
        errors,
        sources: input.sources(),
        profile: profile.name(),
    })
}

fn rules(profile: &ProfileArguments, json: bool) -> Result<ExitCode> {
    let chosen = profile.profile()?;
    if matches!(chosen, Chosen::Idfix(_)) {
        return Err(Error::new(ErrorKind::Invalid, "list the rules of IdFix")
            .with_detail("they are one check for each attribute, and cannot be chosen one by one"));
    }
    let catalog = Rules::new(chosen, profile, None)?.catalog();
    write_to(None, |out| {
        if json {
            serde_json::to_writer_pretty(&mut *out, &catalog)?;
            return writeln!(out);
        }
        catalog.iter().try_for_each(|rule| {
            let limit = rule.limit.map(|limit| format!(", limit {limit}")).unwrap_or_default();
            writeln!(
                out,
                "{} ({}{limit})\n    {}\n    tags: {}; source: {}",
                rule.id,
                rule.severity,
                rule.title,
                rule.tags.join(" "),
                rule.source
            )
        })
    })?;
    Ok(ExitCode::SUCCESS)
}

fn diff(before: &Path, after: &Path, json: bool) -> Result<ExitCode> {
    let (before, after) = (read_findings(before)?, read_findings(after)?);
    let diff = Diff::between(&before, &after);
    write_to(None, |out| if json { diff.write_json(out) } else { diff.write_markdown(out) })?;
    Ok(if diff.new.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(2) })
}
