//! The program `onboard`: prepares a forest and a tenant for directory synchronization, from a configuration file, on any servers.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use crate::approval::{ApprovalArguments, Earlier, decide};
use crate::config::Config;
use crate::job::{Ended, Job, PlanSource, end, stop_on_ctrl_c};
use crate::operator::operator;
use crate::output::{Output, RECORDING};
use crate::shown_secrets::shown_secrets;
use crate::terminal::Terminal;
use clap::Parser;
use onramp::{Plan, SecretStore};
use onramp_core::{Clock, Error, ErrorKind, Result, SystemClock};
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
  2    a consequence was not accepted, the digest is another one, the policy does not allow the plan or another person has to
       approve it, or it cannot be applied; nothing was changed
  3    --no-wait: a DNS record is to be published, or a change window to open; the same command continues then
  4    the users of the canary are changed and verified; the same command continues with the others, and first with a canary that
       was stopped or not verified
  130  stopped on request

Run the same command again after a stop: what was done is recognized, and what --accept named stays accepted.")]
pub struct Arguments {
    /// The configuration file (TOML).
    #[arg(long, default_value = "onboard.toml")]
    config: PathBuf,
    #[command(flatten)]
    approval: ApprovalArguments,
    /// Give the service account a new password in place of the one it has.
    #[arg(long)]
    new_password: bool,
    /// Show the new password of the service account once at the terminal, and keep it in no file.
    #[arg(long)]
    show_password: bool,
    /// End with exit code 3 instead of waiting for the DNS record of the domain: it is printed with type, name and value, and
    /// written to dns-records.txt in the folder of the run. The same command continues once it is published. So for a change
    /// window of the policy.
    #[arg(long)]
    no_wait: bool,
    /// Apply exactly this plan, which an earlier run saved, instead of a new one.
    #[arg(long, value_name = "FILE")]
    plan: Option<PathBuf>,
}

/// Runs the program.
pub async fn run(arguments: Arguments) -> ExitCode {
    end(Box::pin(job(arguments))).await
}

async fn job(arguments: Arguments) -> Result<Ended> {
    let mut config = Config::read(&arguments.config)?;
    if let (true, Some(account)) = (arguments.new_password, &mut config.spec.service_account) {
        account.new_password = true;
    }
    let saved = arguments.plan.as_deref().map(|path| read_plan(path, &config)).transpose()?;
    let shown = arguments.show_password;
    Box::pin(prepare(config, saved, &arguments.approval, shown, arguments.no_wait, "onboard")).await
}

/// Makes the spec of a configuration true, or applies a plan that was saved.
pub(crate) async fn prepare(
    config: Config,
    saved: Option<Plan>,
    approval: &ApprovalArguments,
    shows_secrets: bool,
    ends_before_waits: bool,
    program: &'static str,
) -> Result<Ended> {
    let terminal = Terminal::new();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let cancellation = CancellationToken::new();
    stop_on_ctrl_c(cancellation.clone(), terminal.clone());
    let output = Output::open(&config.output.folder, program)?;
    let secrets: Arc<dyn SecretStore> = match shows_secrets {
        true => Arc::new(shown_secrets(&terminal)?),
        false => Arc::new(output.secrets()),
    };
    let history = output.history(|problem| terminal.note(problem));
    let earlier = Earlier::read(&output);
    let folder = output.new_run(clock.now())?;
    let recorder = match config.output.record_wire {
        true => Some(HarRecorder::to_file(folder.join(RECORDING))?),
        false => None,
    };
    let tenant = config.entra(Arc::clone(&clock), recorder)?.tenant();
    let forest = cancellation.run_until_cancelled(config.forest(Arc::clone(&clock))).await;
    let forest = forest.ok_or_else(|| Error::new(ErrorKind::Cancelled, "connect to the forest"))??.forest();
    let dns = Some(config.resolver()?);
    let bind = config.forest.bind.clone();
    let job = Job {
        tenant,
        forest,
        source: match saved {
            Some(plan) => PlanSource::Saved(Box::new(plan), Box::new(config.spec)),
            None => PlanSource::Survey(Box::new(config.spec)),
        },
        history,
        folder: folder.clone(),
        secrets,
        policy: config.policy,
        plans: Arc::new(config.output.plan_store()),
        operator: operator(),
        clock,
        terminal: terminal.clone(),
        cancellation,
        ends_before_waits,
        dns,
    };
    let ended = Box::pin(
        job.run(|plan, approved| decide(plan, approved, approval, &earlier, &bind, &terminal), |_| ()),
    )
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
