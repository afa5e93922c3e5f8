//! The program `undo`: restores what an earlier run changed.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use onramp::{Step, UndoSelection};
use onramp_core::{Clock, DistinguishedName, Error, ErrorKind, Result, SystemClock};
use tokio_util::sync::CancellationToken;

use crate::approval::{ApprovalArguments, Earlier, decide};
use crate::config::Config;
use crate::job::{Ended, Job, PlanSource, end, stop_on_ctrl_c};
use crate::operator::operator;
use crate::output::Output;
use crate::terminal::Terminal;

/// Undo an earlier run: restore what it changed, and nothing else.
///
/// Makes a plan that is shown, approved, applied and verified like any other, and that can be undone in turn. Values that
/// somebody changed again since the run, or that another run wrote, are left alone. `onramp runs` lists the runs.
#[derive(Debug, Parser)]
#[command(after_help = "Exit codes:
  0    everything is restored and verified, except for what the plan named; or --plan-only made a plan that can be applied
  1    something is not restored, or an error
  2    a consequence was not accepted, the digest is another one, the policy does not allow the plan or another person has to
       approve it, or it cannot be applied; nothing was changed
  3    a DNS record is to be published, or a change window to open (--no-wait)
  130  stopped on request")]
pub struct Arguments {
    /// The run: the name of its folder, at least 6 digits of the digest of its plan, or `latest`.
    run: String,
    /// The configuration file (TOML) that the run was made with.
    #[arg(long, default_value = "onboard.toml")]
    config: PathBuf,
    /// Undo only this step: domain, suffix, users, attributes, sync, service-account, application. Repeat for each.
    #[arg(long, value_name = "STEP")]
    step: Vec<Step>,
    /// Restore only this user: account name, DOMAIN\name, UPN before or after the run, DN, GUID or SID. Repeat for each.
    #[arg(long, value_name = "USER")]
    user: Vec<String>,
    /// Restore only the users at and below this OU. Repeat for each.
    #[arg(long, value_name = "DN")]
    ou: Vec<String>,
    /// End instead of waiting for a DNS record, where a domain that was removed is verified again. The record is shown and left
    /// in a file; undo the same run again when it is published.
    #[arg(long)]
    no_wait: bool,
    #[command(flatten)]
    approval: ApprovalArguments,
}

/// Runs the program.
pub async fn run(arguments: Arguments) -> ExitCode {
    end(Box::pin(job(arguments))).await
}

async fn job(arguments: Arguments) -> Result<Ended> {
    let config = Config::read(&arguments.config)?;
    let mut ous = Vec::new();
    for ou in &arguments.ou {
        ous.push(DistinguishedName::parse(ou)?);
    }
    let selection = UndoSelection::default()
        .with_steps(arguments.step.iter().copied())
        .with_users(arguments.user.iter().cloned())
        .with_ous(ous);
    let terminal = Terminal::new();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let cancellation = CancellationToken::new();
    stop_on_ctrl_c(cancellation.clone(), terminal.clone());
    let output = Output::open(&config.output.folder, "undo")?;
    let stored = output.find(&arguments.run)?;
    if stored.started.is_none() {
        return Err(Error::new(ErrorKind::Invalid, "undo the run")
            .with_object(&stored.name)
            .with_detail("its folder has no journal, or an empty one: it was only planned, or what it changed is not known"));
    }
    let unknown = match stored.run.changes_unknown() {
        0 => String::new(),
        count => format!(", {count} of them with an unknown outcome"),
    };
    terminal.line(format!(
        "Undo the run {}: {} changes were made{unknown}",
        stored.name,
        stored.run.changes_made()
    ));
    if stored.status.is_none() {
        terminal.line("  its journal has no end: it was interrupted, or the file was cut");
    }
    for other in output.others_to_undo(&stored) {
        let unknown = match other.run.changes_unknown() {
            0 => String::new(),
            count => format!(" ({count} of them with an unknown outcome)"),
        };
        terminal.line(format!(
            "  the run {} did not complete, made {} changes{unknown}, and is not undone: undo it, too",
            other.name,
            other.run.changes_made()
        ));
    }
    let others = output.other_runs(&stored);
    let run = stored.run.with_others(others);
    let earlier = Earlier::read(&output);
    let folder = output.new_run(clock.now())?;
    let tenant = config.entra(Arc::clone(&clock), None)?.tenant();
    let forest = cancellation.run_until_cancelled(config.forest(Arc::clone(&clock))).await;
    let forest = forest.ok_or_else(|| Error::new(ErrorKind::Cancelled, "connect to the forest"))??.forest();
    let bind = config.forest.bind.clone();
    let job = Job {
        tenant,
        forest,
        source: PlanSource::Undo(Box::new(run), selection),
        history: output.history(|problem| terminal.note(problem)),
        folder: folder.clone(),
        secrets: Arc::new(output.secrets()),
        policy: config.policy,
        plans: Arc::new(config.output.plan_store()),
        operator: operator(),
        clock,
        terminal: terminal.clone(),
        cancellation,
        ends_before_waits: arguments.no_wait,
        dns: None,
    };
    let ended = Box::pin(job.run(
        |plan, approved| decide(plan, approved, &arguments.approval, &earlier, &bind, &terminal),
        |_| (),
    ))
    .await;
    terminal.note(format!("\u{2192} {}", folder.display()));
    ended
}
