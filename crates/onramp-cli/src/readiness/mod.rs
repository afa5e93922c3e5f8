//! The program `readiness`: finds the objects that synchronization would reject, rename, merge or overwrite, and suggests
//! fixes.
//!
//! Exit codes: 0 nothing found; 2 findings; 1 an error, also if a part of the input could not be read: what was found is
//! written all the same.

mod after_sync;
mod idfix;
mod input;
mod judge;
mod output;
mod scan;
mod tenant;
mod text;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use onramp_core::{Result, visible};
use onramp_readiness::report::Diff;

use after_sync::AfterSyncArguments;
use idfix::IdfixArguments;
use input::{InputArguments, read_findings};
use judge::{ProfileArguments, Rules};
use output::{OutputArguments, Scanned, io_error, out};
use scan::ScanArguments;
use tenant::TenantArguments;

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
    /// List the rules of a profile, each with its source.
    Rules {
        #[command(flatten)]
        profile: ProfileArguments,
        /// JSON instead of a table.
        #[arg(long)]
        json: bool,
    },
    /// Compare two reports in JSON: what is new, what is fixed, what is still there. Exit code 2 if something is new.
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
        Command::Rules { profile, json } => rules(&profile, json),
        Command::Diff { before, after, json } => diff(&before, &after, json),
        Command::AfterSync(arguments) => after_sync::run(&arguments),
        Command::Idfix(arguments) => idfix::run(&arguments),
    };
    done.unwrap_or_else(|error| {
        eprintln!("{}", visible(&error.to_string()));
        ExitCode::FAILURE
    })
}

fn check(
    input: &InputArguments,
    profile: &ProfileArguments,
    tenant: &TenantArguments,
    output: &OutputArguments,
) -> Result<ExitCode> {
    let mut rules = Rules::new(profile.profile()?, profile, None)?.with_forecaster(tenant.forecaster()?)?;
    let mut unreadable = 0_u64;
    for file in input.files() {
        for object in input.open(file)? {
            match object {
                Ok(object) => rules.add(object),
                Err(error) => {
                    unreadable += 1;
                    if unreadable <= output::MAX_TOLD {
                        eprintln!(
                            "{}: {}",
                            visible(&file.display().to_string()),
                            visible(&error.to_string())
                        );
                    }
                }
            }
        }
    }
    output.write(Scanned {
        result: rules.finish(),
        unreadable,
        sources: input.sources(),
        profile: profile.name(),
    })
}

fn rules(profile: &ProfileArguments, json: bool) -> Result<ExitCode> {
    let rules = Rules::new(profile.profile()?, profile, None)?;
    let catalog = rules.catalog();
    let mut out = out(None)?;
    let written = if json {
        serde_json::to_writer_pretty(&mut out, &catalog)
            .map_err(std::io::Error::from)
            .and_then(|()| writeln!(out))
    } else {
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
    };
    written.and_then(|()| out.flush()).map_err(|error| io_error("print the rules", &error))?;
    Ok(ExitCode::SUCCESS)
}

fn diff(before: &std::path::Path, after: &std::path::Path, json: bool) -> Result<ExitCode> {
    let (before, after) = (read_findings(before)?, read_findings(after)?);
    let diff = Diff::between(&before, &after);
    let mut out = out(None)?;
    let written = if json { diff.write_json(&mut out) } else { diff.write_markdown(&mut out) };
    written.and_then(|()| out.flush()).map_err(|error| io_error("print the comparison", &error))?;
    Ok(if diff.new.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(2) })
}
