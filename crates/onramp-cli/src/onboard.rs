//! The program `onboard`: prepares a forest and a tenant for directory synchronization, from a configuration file, on any servers.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use crate::config::Config;
use crate::job::{Answer, Ended, Job, exit_code, stop_on_ctrl_c};
use crate::runs::{Output, RECORDING};
use crate::terminal::Terminal;
use clap::Parser;
use onramp::{Change, Plan};
use onramp_core::{Clock, Error, ErrorKind, Result, SystemClock, visible};
use onramp_entra::HarRecorder;
use tokio_util::sync::CancellationToken;

/// Prepare a forest and a tenant for directory synchronization.
///
/// Each run has a folder of its own, named for its time, below the output folder: plan.jsonl, journal.jsonl, report.html
/// and, if asked for, wire.har. Results go to standard output, progress and questions to standard error.
#[derive(Debug, Parser)]
#[command(after_help = "Exit codes:
  0    everything is so and verified, or --plan-only made a plan that can be applied
  1    something is not as it should be, or an error
  2    a consequence was not accepted, or the plan cannot be applied; nothing was changed
  130  stopped on request

Run the same command again after a stop: what was done is recognized, and what --accept named stays accepted.")]
pub struct Arguments {
    /// The configuration file (TOML).
    #[arg(long, default_value = "onboard.toml")]
    config: PathBuf,
    /// Accept a consequence, by the name that the plan gives it. Repeat for each.
    #[arg(long, value_name = "NAME")]
    accept: Vec<String>,
    /// Accept every consequence of the plan, unseen.
    #[arg(long)]
    yes: bool,
    /// Give the service account a new password in place of the one it has.
    #[arg(long)]
    new_password: bool,
    /// Survey and plan, change nothing.
    #[arg(long)]
    plan_only: bool,
    /// Apply exactly this plan, which an earlier run saved, instead of a new one.
    #[arg(long, value_name = "FILE")]
    plan: Option<PathBuf>,
    /// Refuse every plan but the one with this digest; its first 12 digits will do.
    #[arg(long, value_name = "HEX")]
    digest: Option<String>,
}

/// The number of earlier plans whose accepted consequences are considered.
const EARLIER: usize = 5;

/// Runs the program.
pub async fn run(arguments: Arguments) -> ExitCode {
    match Box::pin(job(arguments)).await {
        Ok(ended) => ended.into(),
        Err(error) => {
            eprintln!("\n{}", visible(&error.to_string()));
            exit_code(&error)
        }
    }
}

async fn job(arguments: Arguments) -> Result<Ended> {
    let mut config = Config::read(&arguments.config)?;
    if let (true, Some(account)) = (arguments.new_password, &mut config.spec.service_account) {
        account.new_password = true;
    }
    let saved = arguments.plan.as_deref().map(|path| read_plan(path, &config)).transpose()?;
    let terminal = Terminal::new();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let cancellation = CancellationToken::new();
    stop_on_ctrl_c(cancellation.clone(), terminal.clone());
    let output = Output::open(&config.output.folder, "onboard")?;
    let history = output.history(|problem| terminal.note(problem));
    let earlier: Vec<Plan> =
        if arguments.accept.is_empty() { Vec::new() } else { output.plans().take(EARLIER).collect() };
    let folder = output.new_run(clock.now())?;
    let recorder = match config.output.record_wire {
        true => Some(HarRecorder::to_file(folder.join(RECORDING))?),
        false => None,
    };
    let tenant = config.entra(Arc::clone(&clock), recorder)?.tenant();
    let forest = cancellation.run_until_cancelled(config.forest(Arc::clone(&clock))).await;
    let forest = forest.ok_or_else(|| Error::new(ErrorKind::Cancelled, "connect to the forest"))??.forest();
    let bind = config.forest.bind.clone();
    let job = Job {
        tenant,
        forest,
        spec: config.spec,
        plan: saved,
        history,
        folder: folder.clone(),
        secrets: output.secrets(),
        clock,
        terminal: terminal.clone(),
        cancellation,
    };
    let ended = Box::pin(job.run(
        |plan| {
            check_digest(&plan, arguments.digest.as_deref())?;
            if arguments.plan_only {
                let ids: Vec<String> = plan.consequences().iter().map(|one| one.id()).collect();
                if !ids.is_empty() && !plan.is_blocked() {
                    terminal.line("");
                    terminal.line(format!("Nothing was changed. To accept: {}", flags(&ids)));
                }
                return Ok(Answer::PlanOnly);
            }
            keeps_sign_in(&plan, &bind)?;
            Ok(approve(plan, &arguments, &earlier, &terminal))
        },
        |_| (),
    ))
    .await;
    terminal.note(format!("\u{2192} {}", folder.display()));
    ended
}

/// Reads a plan that an earlier run saved; it must be for the domain of the configuration.
fn read_plan(path: &Path, config: &Config) -> Result<Plan> {
    let failed = |detail: String| {
        Error::new(ErrorKind::Invalid, "read the plan").with_object(path.display()).with_detail(detail)
    };
    let text = onramp_files::read_text(path).map_err(|error| failed(error.to_string()))?;
    let plan = Plan::read(text.as_bytes()).map_err(|error| failed(error.to_string()))?;
    let (planned, wanted) = (&plan.header().domain, &config.spec.domain);
    if planned != wanted {
        return Err(failed(format!("it is for the domain {planned}, and the configuration wants {wanted}")));
    }
    Ok(plan)
}

/// Refuses a plan whose digest differs from that of the reviewed plan.
fn check_digest(plan: &Plan, wanted: Option<&str>) -> Result<()> {
    let Some(wanted) = wanted.map(|wanted| wanted.trim().to_lowercase()) else { return Ok(()) };
    let digest = plan.digest();
    if wanted.len() >= 12 && digest.starts_with(&wanted) {
        return Ok(());
    }
    let (detail, hint) = match wanted.len() {
        0..12 => ("the digest has fewer than 12 digits".to_owned(), "Nothing was changed."),
        _ => (
            format!("its digest is {digest}, not {wanted}"),
            "Nothing was changed. Either the digest is mistyped, or the directories or the configuration changed since the \
             review: review this plan.",
        ),
    };
    Err(Error::new(ErrorKind::Invalid, "approve the plan").with_detail(detail).with_hint(hint))
}

/// Refuses a plan that changes the UPN with which this run signs in, because its next connection would fail.
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
        .with_detail(format!("it changes {bind}, the UPN that this run signs in with"))
        .with_hint("Nothing was changed. Sign in as DOMAIN\\user, or exclude this user in [spec.users]."))
}

/// Approves with the consequences that the command line accepts, and asks about the others if standard input is a
/// terminal.
fn approve(plan: Plan, arguments: &Arguments, earlier: &[Plan], terminal: &Terminal) -> Answer {
    let ids: Vec<String> = plan.consequences().iter().map(|consequence| consequence.id()).collect();
    let mut accepted: Vec<String> =
        arguments.accept.iter().filter(|name| ids.contains(name)).cloned().collect();
    // The same command continues after a stop: the rest of an earlier plan was accepted with that plan.
    let mut known: Vec<String> = Vec::new();
    for before in earlier {
        known.extend(before.consequences().iter().map(|consequence| consequence.id()));
        for id in plan.covered_by(before, &arguments.accept) {
            if !accepted.contains(&id) {
                terminal.line(format!("  {id} is the rest of what was accepted"));
                accepted.push(id);
            }
        }
    }
    for name in arguments.accept.iter().filter(|name| !ids.contains(name)) {
        match known.contains(name) {
            true => terminal.line(format!(
                "  {name} was accepted with an earlier plan; this one has no such consequence"
            )),
            false => {
                terminal.line(format!("  --accept {name} is ignored: this plan has no such consequence"))
            }
        }
    }
    if arguments.yes && !plan.is_blocked() {
        for id in ids.iter().filter(|id| !accepted.contains(id)) {
            terminal.line(format!("  accepted by --yes: {id}"));
        }
        accepted.clone_from(&ids);
    } else if std::io::stdin().is_terminal() && !plan.is_blocked() {
        for consequence in plan.consequences() {
            let id = consequence.id();
            if !accepted.contains(&id)
                && terminal
                    .ask(&format!("Accept “{consequence}”? Type yes: "))
                    .trim()
                    .eq_ignore_ascii_case("yes")
            {
                accepted.push(id);
            }
        }
    }
    let refusal = match plan.approve(accepted) {
        Ok(approved) => return Answer::Apply(approved),
        Err(refusal) => refusal,
    };
    if !refusal.blockers.is_empty() {
        terminal.line("");
        terminal.line("This plan cannot be applied. Nothing was changed.");
        refusal.blockers.iter().for_each(|blocker| terminal.line(format!("  blocked: {blocker}")));
        return Answer::Refused;
    }
    terminal.line("");
    terminal.line("The plan is not approved:");
    for onramp::NotAccepted { id, description, .. } in &refusal.missing {
        terminal.line(format!("  not accepted: {id} ({description})"));
    }
    let missing: Vec<String> = refusal.missing.into_iter().map(|missing| missing.id).collect();
    terminal.line(format!("Nothing was changed. To accept: {}", flags(&missing)));
    Answer::Refused
}

/// Returns the arguments that accept consequences, quoted for a shell where needed.
fn flags(ids: &[String]) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || ":@._-".contains(c);
    let flag = |id: &String| match id.chars().all(is_plain) {
        true => format!("--accept {id}"),
        false => format!("--accept \"{id}\""),
    };
    ids.iter().map(flag).collect::<Vec<_>>().join(" ")
}
