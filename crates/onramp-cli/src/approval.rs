//! The approval of a plan on the command line: arguments, questions, and earlier acceptances.

use std::io::IsTerminal;

use clap::Args;
use onramp::{ApprovedPlan, Change, Plan};
use onramp_core::{Error, ErrorKind, Result};

use crate::job::Answer;
use crate::output::{Output, StoredRun};
use crate::terminal::Terminal;

/// The arguments that approve a plan.
#[derive(Debug, Args)]
pub struct ApprovalArguments {
    /// Accept a consequence, by the name that the plan gives it. Repeat for each.
    #[arg(long, value_name = "NAME")]
    pub accept: Vec<String>,
    /// Accept every consequence of the plan, unseen.
    #[arg(long)]
    pub yes: bool,
    /// Make the plan and change nothing.
    #[arg(long)]
    pub plan_only: bool,
    /// Refuse every plan but the one with this digest; its first 12 digits will do.
    #[arg(long, value_name = "HEX")]
    pub digest: Option<String>,
}

/// The number of earlier plans whose accepted consequences are considered.
const EARLIER: usize = 5;

/// The consequences that were accepted for earlier runs in the output folder.
#[derive(Debug, Default)]
pub struct Earlier {
    plans: Vec<Plan>,
    unfinished: Option<StoredRun>,
    /// The latest run of a plan that another person approved.
    reviewed: Option<StoredRun>,
}

impl Earlier {
    /// Reads the output folder.
    pub fn read(output: &Output) -> Self {
        Self {
            plans: output.plans().take(EARLIER).collect(),
            unfinished: output.unfinished(),
            reviewed: output.last_started().filter(|stored| !stored.approvers.is_empty()),
        }
    }
}

/// Decides on a plan, which another person may have approved already: refuses one with another digest, and one that changes the UPN with which this program signs in; then
/// accepts what the arguments and the unfinished run before accept, and asks about the rest if standard input is a terminal.
///
/// # Errors
/// `Invalid` if the plan changes the UPN `bind`.
pub fn decide(
    plan: Plan,
    approved: Option<ApprovedPlan>,
    arguments: &ApprovalArguments,
    earlier: &Earlier,
    bind: &str,
    terminal: &Terminal,
) -> Result<Answer> {
    if let Err(error) = check_digest(&plan, arguments.digest.as_deref()) {
        terminal.line("");
        terminal.line(error);
        return Ok(Answer::Refused);
    }
    if arguments.plan_only {
        let ids: Vec<String> = plan.consequences().iter().map(|one| one.id()).collect();
        if let Some(approved) = &approved {
            terminal.line("");
            terminal.line(format!("Nothing was changed. {}", approved_by(approved)));
        } else if !ids.is_empty() && !plan.is_blocked() {
            terminal.line("");
            terminal.line(format!("Nothing was changed. To accept: {}", flags(&ids)));
        }
        return Ok(Answer::PlanOnly);
    }
    keeps_sign_in(&plan, bind)?;
    Ok(match approved {
        Some(approved) => {
            terminal.line("");
            terminal.line(format!("  {}", approved_by(&approved)));
            Answer::Apply(approved)
        }
        None => approve(plan, arguments, earlier, terminal),
    })
}

/// Names the people who approved a plan.
fn approved_by(approved: &ApprovedPlan) -> String {
    let names = approved.review().map(|review| review.approvers.join(", ")).unwrap_or_default();
    format!("approved by {names}")
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
    // `DOMAIN\user`, or the implied UPN.
    let account = bind.split_once('\\').map(|(_, user)| user).or_else(|| bind.split('@').next());
    let is_bind = |upn: Option<&str>| upn.is_some_and(|upn| upn.eq_ignore_ascii_case(bind));
    let is_ours = |change: &Change| match change {
        Change::ChangeUpn { upn } => is_bind(upn.before.as_deref()),
        Change::RestoreUpn { upn } => is_bind(upn.before.as_deref()),
        Change::ChangeUser { object } | Change::ChangeAttributes { object } => {
            object.attributes.iter().any(|edit| {
                edit.remove.iter().filter_map(|value| value.as_text()).any(|value| {
                    match edit.attribute.as_str().to_ascii_lowercase().as_str() {
                        "userprincipalname" => is_bind(Some(value)),
                        "samaccountname" => {
                            account.is_some_and(|account| account.eq_ignore_ascii_case(value))
                        }
                        _ => false,
                    }
                })
            })
        }
        _ => false,
    };
    if !plan.changes().iter().any(|planned| is_ours(&planned.change)) {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Invalid, "approve the plan")
        .with_detail(format!("it changes {bind}, the UPN that this run signs in with"))
        .with_hint("Nothing was changed. Sign in as DOMAIN\\user, or leave this user out."))
}

/// Approves with the consequences that the command line accepts, and asks about the others if standard input is a
/// terminal.
pub(crate) fn approve(
    plan: Plan,
    arguments: &ApprovalArguments,
    earlier: &Earlier,
    terminal: &Terminal,
) -> Answer {
    let ids: Vec<String> = plan.consequences().iter().map(|consequence| consequence.id()).collect();
    let mut accepted: Vec<String> =
        arguments.accept.iter().filter(|name| ids.contains(name)).cloned().collect();
    // The same command continues after a stop: the rest of an earlier plan was accepted with that plan.
    let mut known: Vec<String> = Vec::new();
    // `--yes` answers everything.
    if let Some(stored) = earlier.unfinished.as_ref().filter(|_| !arguments.yes) {
        accepted.extend(accepted_before(&plan, stored, &accepted, terminal));
    }
    // With nothing left to change, what the approver accepted is accepted.
    if let Some(stored) = earlier.reviewed.as_ref().filter(|_| plan.is_empty()) {
        let covered = plan.covered_by(stored.run.plan(), &stored.accepted);
        accepted.extend(covered.into_iter().filter(|id| !accepted.contains(id)).collect::<Vec<_>>());
    }
    for before in &earlier.plans {
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

/// Returns the consequences that were accepted for a run that did not complete.
///
/// They hold for the same plan. For the rest of it, which is another plan, a person at the terminal confirms them together.
fn accepted_before(plan: &Plan, stored: &StoredRun, accepted: &[String], terminal: &Terminal) -> Vec<String> {
    let mut covered = plan.covered_by(stored.run.plan(), &stored.accepted);
    covered.retain(|id| !accepted.contains(id));
    let is_same = stored.run.plan().digest() == plan.digest();
    if covered.is_empty() || plan.is_blocked() || !(is_same || std::io::stdin().is_terminal()) {
        return Vec::new();
    }
    let at =
        stored.started.map(|at| at.to_offset(time::UtcOffset::UTC).date().to_string()).unwrap_or_default();
    for id in &covered {
        terminal
            .line(format!("  {id} was accepted for the run {} of {at}, which did not complete", stored.name));
    }
    let is_confirmed = || {
        terminal.ask("Accept these for the rest of that run? Type yes: ").trim().eq_ignore_ascii_case("yes")
    };
    if is_same || is_confirmed() { covered } else { Vec::new() }
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
