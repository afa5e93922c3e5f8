//! Prepares a forest and a tenant for directory synchronisation, from a configuration file, on any servers.
//!
//! Exit codes: 0 everything is so (or `--plan-only`), 1 something is not, 2 a consequence was not accepted and nothing
//! was changed, 130 stopped on request.

use std::io::{BufRead, IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use onramp::{ApprovedPlan, Change, Plan};
use onramp_core::{Clock, Error, ErrorKind, Result, SystemClock};
use onramp_entra::WireRecorder;
use onramp_examples::config::Config;
use onramp_examples::job::{Ended, Job, exit_code, stop_on_ctrl_c};
use onramp_examples::terminal::Terminal;
use tokio_util::sync::CancellationToken;

/// Prepare a forest and a tenant for directory synchronisation.
#[derive(Parser)]
struct Arguments {
    /// The configuration file (TOML).
    #[arg(long, default_value = "onboard.toml")]
    config: PathBuf,
    /// Accept a consequence, by the name that the plan gives it. Repeat for each.
    #[arg(long, value_name = "NAME")]
    accept: Vec<String>,
    /// Survey and plan, change nothing.
    #[arg(long)]
    plan_only: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Arguments::parse()).await {
        Ok(ended) => ended.into(),
        Err(error) => {
            eprintln!("\n{error}");
            exit_code(&error)
        }
    }
}

async fn run(arguments: Arguments) -> Result<Ended> {
    let config = Config::read(&arguments.config)?;
    let terminal = Terminal::new();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let cancellation = CancellationToken::new();
    stop_on_ctrl_c(cancellation.clone(), terminal.clone());
    let recorder = if config.output.record_wire {
        let folder = &config.output.folder;
        std::fs::create_dir_all(folder).map_err(|error| {
            Error::new(ErrorKind::Unavailable, "make the folder")
                .object(folder.display())
                .detail(error.to_string())
        })?;
        Some(WireRecorder::to_file(folder.join("wire.har"))?)
    } else {
        None
    };
    let tenant = config.entra(Arc::clone(&clock), recorder)?.tenant();
    let forest = cancellation.run_until_cancelled(config.forest(Arc::clone(&clock))).await;
    let forest = forest.ok_or_else(|| Error::new(ErrorKind::Cancelled, "connect to the forest"))??.forest();
    let (folder, bind) = (config.output.folder.clone(), config.forest.bind.clone());
    let job =
        Job { tenant, forest, spec: config.spec, folder, clock, terminal: terminal.clone(), cancellation };
    let mut refused = false;
    let ended = job
        .run(
            |plan| {
                if arguments.plan_only {
                    return Ok(None);
                }
                keeps_sign_in(&plan, &bind)?;
                let approved = approve(plan, &arguments.accept, &terminal);
                refused = approved.is_none();
                Ok(approved)
            },
            |_| (),
        )
        .await?;
    Ok(if refused { Ended::NotApproved } else { ended })
}

/// Refuses a plan that changes the UPN with which this very run signs in: its next connection would be refused.
fn keeps_sign_in(plan: &Plan, bind: &str) -> Result<()> {
    let is_ours = |change: &Change| match change {
        Change::ChangeUpn { upn } => {
            upn.before.as_ref().is_some_and(|before| before.eq_ignore_ascii_case(bind))
        }
        _ => false,
    };
    if !plan.changes().iter().any(|planned| is_ours(&planned.change)) {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Invalid, "approve the plan")
        .detail(format!("it changes {bind}, the UPN that this run signs in with"))
        .hint("Nothing was changed. Sign in as DOMAIN\\user, or exclude this user in [spec.users]."))
}

/// Approves with what the command line accepts, and asks for the rest where somebody can answer.
fn approve(plan: Plan, accepted: &[String], terminal: &Terminal) -> Option<ApprovedPlan> {
    // The same command goes on after a stop, when some of what it accepts has been done. Nothing is let through by
    // this: what the plan does have must be accepted as it is.
    let ids: Vec<String> = plan.consequences().iter().map(|consequence| consequence.id()).collect();
    let (mut accepted, past): (Vec<String>, Vec<String>) =
        accepted.iter().cloned().partition(|name| ids.contains(name));
    for name in past {
        terminal.line(format!("  accepted, but not a consequence of this plan: {name}"));
    }
    if std::io::stdin().is_terminal() {
        for consequence in plan.consequences() {
            let id = consequence.id();
            if !accepted.contains(&id) && ask(&format!("Accept “{consequence}”? Type yes: ")) {
                accepted.push(id);
            }
        }
    }
    match plan.approve(accepted) {
        Ok(approved) => Some(approved),
        Err(refusal) => {
            terminal.line(format!("\n{refusal}"));
            let flags: Vec<String> = refusal.missing.iter().map(|(id, _)| format!("--accept {id}")).collect();
            if refusal.blockers.is_empty() && !flags.is_empty() {
                terminal.line(format!("\nNothing was changed. To accept: {}", flags.join(" ")));
            }
            None
        }
    }
}

fn ask(question: &str) -> bool {
    eprint!("{question}");
    std::io::stderr().flush().ok();
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer).is_ok() && answer.trim().eq_ignore_ascii_case("yes")
}
