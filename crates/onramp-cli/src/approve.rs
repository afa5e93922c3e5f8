//! The program `approve`: the approval of a plan by a person who is not its author.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use onramp::{ApprovalsEnded, FolderPlanStore, PlanApproval, PlanStore, StoredPlan};
use onramp_core::{Clock, Error, ErrorKind, Result, SystemClock};

use crate::approval::{ApprovalArguments, Earlier, approve};
use crate::config::Config;
use crate::job::{Answer, Ended, end};
use crate::operator::operator;
use crate::terminal::Terminal;

/// The minimum number of digits of a digest that name a plan.
const MIN_DIGITS: usize = 12;

/// Approve a plan that another person made, where the policy has `separate_approver`.
///
/// Shows the plan and its consequences and changes nothing in the directories. Its author then runs the command again with which it
/// was made. An approval is for one run: it ends when the plan was applied or its run undone, when it is withdrawn, and when it is
/// older than `max_plan_age_minutes`.
#[derive(Debug, Parser)]
#[command(after_help = "Exit codes:
  0    the plan is approved, or --plan-only showed it, or --revoke withdrew its approvals
  1    an error
  2    a consequence was not accepted, or the plan cannot be applied")]
pub struct Arguments {
    /// The digest of the plan; its first 12 digits will do.
    digest: String,
    /// The configuration file (TOML), which names the output folder.
    #[arg(long, default_value = "onboard.toml")]
    config: PathBuf,
    /// Accept a consequence, by the name that the plan gives it. Repeat for each.
    #[arg(long, value_name = "NAME")]
    accept: Vec<String>,
    /// Accept every consequence of the plan.
    #[arg(long)]
    yes: bool,
    /// Show the plan and approve nothing.
    #[arg(long)]
    plan_only: bool,
    /// Withdraw every approval of the plan.
    #[arg(long, conflicts_with_all = ["accept", "yes", "plan_only"])]
    revoke: bool,
}

/// Runs the program.
pub async fn run(arguments: Arguments) -> ExitCode {
    end(Box::pin(job(arguments))).await
}

async fn job(arguments: Arguments) -> Result<Ended> {
    let store = Config::read(&arguments.config)?.output.plan_store();
    let terminal = Terminal::new();
    let stored = find(&store, &arguments.digest).await?;
    let (digest, operator) = (stored.plan.digest(), operator());
    if arguments.revoke {
        let end = ApprovalsEnded::new(operator, SystemClock::new().now(), "withdrawn");
        store.end_approvals(&digest, &end).await?;
        for approval in &stored.approvals {
            terminal.line(format!("  withdrawn: the approval by {} of {}", approval.approver, approval.at));
        }
        if stored.approvals.is_empty() {
            terminal.line("  The plan has no approval.");
        }
        return Ok(Ended::Planned);
    }
    terminal.heading(format!("Plan {}", digest.get(..MIN_DIGITS).unwrap_or_default()));
    terminal.line(format!("  made by {} at {}", stored.author, stored.saved_at));
    for approval in &stored.approvals {
        terminal.line(format!("  approved by {} at {}", approval.approver, approval.at));
    }
    for ended in &stored.ended {
        terminal.line(format!("  approvals ended by {} at {}: {}", ended.ended_by, ended.at, ended.reason));
    }
    terminal.plan(&stored.plan);
    terminal.heading("Consequences");
    terminal.consequences(&stored.plan);
    if arguments.plan_only {
        return Ok(Ended::Planned);
    }
    if let Some(compared) = stored.same_person(&operator) {
        return Err(Error::new(ErrorKind::Forbidden, "approve the plan")
            .with_object(&digest)
            .with_detail(format!("its author cannot approve it: {compared}"))
            .with_hint("Have another person approve it, with their own account. The host does not matter."));
    }
    let (accept, yes) = (arguments.accept, arguments.yes);
    let answers = ApprovalArguments { accept, yes, plan_only: false, digest: None };
    match approve(stored.plan, &answers, &Earlier::default(), &terminal) {
        Answer::Apply(approved) => {
            let approval =
                PlanApproval::new(operator, SystemClock::new().now(), approved.accepted().to_vec());
            store.approve(&digest, &approval).await?;
            terminal.line("");
            terminal.line("  Approved. The command with which the plan was made applies it.");
            Ok(Ended::Planned)
        }
        Answer::PlanOnly | Answer::Refused => Ok(Ended::NotApproved),
    }
}

async fn find(store: &FolderPlanStore, wanted: &str) -> Result<StoredPlan> {
    let wanted = wanted.trim().to_lowercase();
    let wrong = |kind, detail: &str| {
        Err(Error::new(kind, "find the stored plan").with_object(&wanted).with_detail(detail))
    };
    if wanted.len() < MIN_DIGITS {
        return wrong(ErrorKind::Invalid, "the digest has fewer than 12 digits");
    }
    let mut found = store.digests().await?;
    found.retain(|digest| digest.starts_with(&wanted));
    match found.as_slice() {
        [digest] => store.load(digest).await,
        [] => wrong(ErrorKind::NotFound, "no plan with that digest waits for an approval"),
        _ => wrong(ErrorKind::Invalid, "several plans fit"),
    }
}
