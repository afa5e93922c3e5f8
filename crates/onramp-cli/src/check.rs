//! The program `check`: what would stop the job, before anything is changed.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use onramp::preflight::{CheckItem, ItemStatus, Preflight, PreflightScope};
use onramp::{CancellationToken, Onramp, PolicyRules};
use onramp_core::{Clock, Error, ErrorKind, Result, SystemClock};

use crate::config::Config;
use crate::job::{exit, stop_on_ctrl_c};
use crate::terminal::{Detail, Terminal};

/// Check tenant, forest and DNS for what would stop the job. Changes nothing.
#[derive(Debug, Parser)]
#[command(after_help = "Exit codes:
  0    nothing fails
  1    an item fails, or an error
  2    the policy names an item that fails: onboard would not apply a plan
  130  stopped on request

docs/preflight.md lists every item with its source.")]
pub struct Arguments {
    /// The configuration file of onboard (TOML).
    #[arg(long, default_value = "onboard.toml")]
    config: PathBuf,
    /// Print the result as one JSON object.
    #[arg(long)]
    json: bool,
    /// Show the items that pass, too.
    #[arg(long)]
    all: bool,
}

/// The result of a check, for the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Checked {
    /// No item fails. Exit code 0.
    Sound,
    /// An item fails. Exit code 1.
    Failing,
    /// An item fails that the policy names. Exit code 2.
    Stopped,
}

impl From<Checked> for ExitCode {
    fn from(checked: Checked) -> Self {
        match checked {
            Checked::Sound => ExitCode::SUCCESS,
            Checked::Failing => ExitCode::FAILURE,
            Checked::Stopped => ExitCode::from(2),
        }
    }
}

/// Runs the program.
pub async fn run(arguments: Arguments) -> ExitCode {
    exit(Box::pin(check(arguments)).await)
}

async fn check(arguments: Arguments) -> Result<Checked> {
    let config = Config::read(&arguments.config)?;
    let terminal = Terminal::new();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let cancellation = CancellationToken::new();
    stop_on_ctrl_c(cancellation.clone(), terminal.clone());
    let tenant = config.entra(Arc::clone(&clock), None)?.tenant();
    // A forest that cannot be reached is a result, and the tenant is checked all the same.
    let forest = config.forest_client(Arc::clone(&clock))?.forest();
    let onramp = Onramp::new(tenant, forest)
        .with_clock(clock)
        .with_cancellation(cancellation)
        .with_dns(config.resolver()?);
    let preflight = onramp.preflight(PreflightScope::from(&config.spec)).await?;
    if arguments.json {
        let json = serde_json::to_string_pretty(&preflight).map_err(|error| {
            Error::new(ErrorKind::Invalid, "print the result as JSON").with_detail(error.to_string())
        })?;
        println!("{json}");
    } else {
        terminal.preflight(&preflight, if arguments.all { Detail::All } else { Detail::Attention });
    }
    Ok(result(&preflight, &config.policy))
}

/// Returns the result of a preflight under the rules of a policy.
pub fn result(preflight: &Preflight, policy: &PolicyRules) -> Checked {
    let stops = |item: &CheckItem| {
        policy.preflight.contains(&item.id)
            && match item.status {
                ItemStatus::Fail => true,
                ItemStatus::CannotTell => policy.preflight_must_be_known,
                _ => false,
            }
    };
    if preflight.items.iter().any(stops) {
        Checked::Stopped
    } else if preflight.has_failures() {
        Checked::Failing
    } else {
        Checked::Sound
    }
}
