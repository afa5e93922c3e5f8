//! The program `attributes`: gives objects values of attributes by a file, as a plan.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use onramp::fixes::map_problems;
use onramp::readiness::source::attribute_map::{AttributeMap, MapFormat};
use onramp_core::{Clock, Error, ErrorKind, Result, SystemClock, visible};
use tokio_util::sync::CancellationToken;

use crate::approval::{ApprovalArguments, Earlier, decide};
use crate::config::Config;
use crate::job::{Ended, Job, PlanSource, end, stop_on_ctrl_c};
use crate::operator::operator;
use crate::output::Output;
use crate::terminal::Terminal;

/// Give objects values of attributes by a CSV or TOML file, as a plan.
///
/// In CSV, the first column (`object`) names an object by objectGUID, DN or UPN; each other column is an attribute: `title` sets
/// its value, `+proxyAddresses` adds one, `-info` removes one, and `*` there removes all. An empty cell changes nothing. In
/// TOML, each `[[object]]` has `name` and any of `set`, `add`, `remove` and `clear`.
///
/// The plan is shown, approved, applied and verified like any other. Attributes that give rights, hold secrets or are the
/// identity of an object are refused.
#[derive(Debug, Parser)]
#[command(after_help = "Exit codes:
  0    every object has its values and is verified, except for what the plan left out; or --plan-only made a plan that can be
       applied
  1    something is not as it should be, the file has an error, or an error
  2    a consequence was not accepted, the digest is another one, the policy does not allow the plan or another person has to
       approve it, or it cannot be applied; nothing was changed
  3    --no-wait: a change window has to open; the same command continues then
  4    the objects of the canary are changed and verified; the same command continues with the others
  130  stopped on request

`onramp undo RUN` restores the values before.")]
pub struct Arguments {
    /// The file: CSV, or TOML if its name ends with `.toml`.
    file: PathBuf,
    /// The configuration file (TOML), as for `onboard`.
    #[arg(long, default_value = "onboard.toml")]
    config: PathBuf,
    /// End instead of waiting for a change window of the policy.
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
    // A mistake in the file is told before a password is asked for.
    let map = read(&arguments.file)?;
    let config = Config::read(&arguments.config)?;
    let terminal = Terminal::new();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let cancellation = CancellationToken::new();
    stop_on_ctrl_c(cancellation.clone(), terminal.clone());
    let output = Output::open(&config.output.folder, "attributes")?;
    let earlier = Earlier::read(&output);
    let folder = output.new_run(clock.now())?;
    let tenant = config.entra(Arc::clone(&clock), None)?.tenant();
    let forest = cancellation.run_until_cancelled(config.forest(Arc::clone(&clock))).await;
    let forest = forest.ok_or_else(|| Error::new(ErrorKind::Cancelled, "connect to the forest"))??.forest();
    let bind = config.forest.bind.clone();
    let job = Job {
        tenant,
        forest,
        source: PlanSource::Map(Box::new(map), Box::new(config.spec.clone())),
        history: output.history(|problem| terminal.note(problem)),
        folder: folder.clone(),
        secrets: Arc::new(output.secrets()),
        policy: config.policy.clone(),
        plans: Arc::new(config.output.plan_store()),
        operator: operator(),
        clock,
        dns: None,
        terminal: terminal.clone(),
        cancellation,
        ends_before_waits: arguments.no_wait,
    };
    let ended = Box::pin(job.run(
        |plan, approved| decide(plan, approved, &arguments.approval, &earlier, &bind, &terminal),
        |_| (),
    ))
    .await;
    terminal.note(format!("\u{2192} {}", folder.display()));
    ended
}

/// Reads a map, and tells every mistake in it by file and line.
fn read(file: &Path) -> Result<AttributeMap> {
    let name = visible(&file.display().to_string()).into_owned();
    let failed = |kind| Error::new(kind, "read the map of attributes").with_object(&name);
    let input = std::fs::File::open(file)
        .map_err(|error| failed(ErrorKind::Invalid).with_detail(error.to_string()))?;
    let is_toml =
        file.extension().and_then(OsStr::to_str).is_some_and(|end| end.eq_ignore_ascii_case("toml"));
    let format = if is_toml { MapFormat::Toml } else { MapFormat::Csv };
    let mistakes = |mistakes: Vec<String>| {
        mistakes.iter().for_each(|mistake| eprintln!("{name}: {mistake}"));
        let detail = match mistakes.len() {
            1 => "1 error".to_owned(),
            count => format!("{count} errors"),
        };
        failed(ErrorKind::Invalid)
            .with_detail(detail)
            .with_hint("Nothing was changed. Correct these lines or remove them.")
    };
    let map = AttributeMap::read(input, format)
        .map_err(|errors| mistakes(errors.iter().map(ToString::to_string).collect()))?;
    let problems = map_problems(&map);
    match problems.is_empty() {
        true => Ok(map),
        false => Err(mistakes(problems.iter().map(ToString::to_string).collect())),
    }
}
