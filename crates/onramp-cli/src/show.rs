//! The program `show`: a plan, and what its run made of it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use onramp::preflight::Preflight;
use onramp::{AuditAction, AuditTrail, Change, FileJournal, Outcome, Plan, PlannedChange};
use onramp_core::{DistinguishedName, Result, visible};

use crate::config::Config;
use crate::job::exit;
use crate::output::{JOURNAL, Output};
use crate::terminal::{Detail, Terminal};

/// The number of OUs that are shown without `--detail`.
const OUS: usize = 20;
/// The number of exceptions of a kind that are shown without `--detail`.
const EXCEPTIONS: usize = 20;

/// Show a plan, and what its run made of it: totals by kind and by OU, then the exceptions, then each change with --detail.
#[derive(Debug, Parser)]
pub struct Arguments {
    /// The run: the name of its folder, at least 6 digits of the digest of its plan, or `latest`.
    run: String,
    /// The configuration file (TOML), which names the output folder.
    #[arg(long, default_value = "onboard.toml")]
    config: PathBuf,
    /// Show every change, every OU and every exception.
    #[arg(long)]
    detail: bool,
}

/// Runs the program.
pub fn run(arguments: &Arguments) -> ExitCode {
    exit(show(arguments).map(|()| ExitCode::SUCCESS))
}

/// The latest outcome of each change, by its number in the plan.
type Outcomes = BTreeMap<u64, (Outcome, String)>;

fn show(arguments: &Arguments) -> Result<()> {
    let output = Output::view(&Config::read(&arguments.config)?.output.folder);
    let (stored, terminal) = (output.find_to_view(&arguments.run)?, Terminal::new());
    let plan = stored.run.plan();
    let mut outcomes = Outcomes::new();
    let mut trail = AuditTrail::new(plan);
    let mut note = |action: AuditAction| {
        if let AuditAction::Change { number, outcome, detail, .. } = action {
            outcomes.insert(number, (outcome, detail));
        }
    };
    if stored.has_journal {
        for record in FileJournal::records(output.folder_of(&stored).join(JOURNAL))? {
            trail.add(&record?).into_iter().for_each(|record| note(record.action));
        }
    }
    trail.end().into_iter().for_each(|record| note(record.action));
    let header = plan.header();
    terminal.heading(format!("Plan {}", plan.digest().get(..12).unwrap_or_default()));
    terminal.line(format!("  {} for {} ({})", header.domain, visible(&header.tenant_name), header.tenant));
    if let Some(canary) = &header.canary {
        terminal.line(format!("  {canary}"));
    }
    terminal.line(match stored.started {
        None => format!("  {}", stored.end_text()),
        Some(at) => format!("  started at {at}: {}", stored.end_text()),
    });
    let approvers = (!stored.approvers.is_empty()).then(|| stored.approvers.join(", "));
    let people = [("run by", stored.operator), ("made by", stored.author), ("approved by", approvers)];
    for (part, name) in people {
        if let Some(name) = name {
            terminal.line(format!("  {part} {name}"));
        }
    }
    if !plan.preflight().is_empty() {
        terminal.heading("Preflight");
        let mut preflight = Preflight::new(header.surveyed_at);
        preflight.items = plan.preflight().to_vec();
        terminal.preflight(&preflight, if arguments.detail { Detail::All } else { Detail::Attention });
    }
    terminal.heading("Totals");
    let kinds = counted(plan, &outcomes, |planned| Some(kind(&planned.change).to_owned()));
    rows(&terminal, kinds, usize::MAX, stored.started.is_some());
    let by_ou = counted(plan, &outcomes, |planned| ou(&planned.change));
    if !by_ou.is_empty() {
        terminal.heading("Users by OU");
        rows(&terminal, by_ou, if arguments.detail { usize::MAX } else { OUS }, stored.started.is_some());
    }
    exceptions(&terminal, plan, &outcomes, if arguments.detail { usize::MAX } else { EXCEPTIONS });
    if arguments.detail {
        terminal.heading("Changes");
        for planned in plan.changes() {
            let outcome = outcomes
                .get(&planned.number)
                .map_or("not attempted".to_owned(), |(outcome, _)| outcome.to_string());
            terminal.line(format!("  {:>7} {}: {outcome}", planned.number, planned.change));
        }
    }
    Ok(())
}

/// The number of changes of a group, and of those with each kind of outcome.
#[derive(Default)]
struct Count {
    planned: u64,
    good: u64,
    bad: u64,
}

fn counted(
    plan: &Plan,
    outcomes: &Outcomes,
    group: impl Fn(&PlannedChange) -> Option<String>,
) -> Vec<(String, Count)> {
    let mut groups: Vec<(String, Count)> = Vec::new();
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    for planned in plan.changes() {
        let Some(name) = group(planned) else { continue };
        let place = *places.entry(name.clone()).or_insert_with(|| {
            groups.push((name, Count::default()));
            groups.len() - 1
        });
        let Some((_, count)) = groups.get_mut(place) else { continue };
        count.planned += 1;
        match outcomes.get(&planned.number) {
            Some((outcome, _)) if outcome.is_good() => count.good += 1,
            Some((Outcome::Cancelled, _)) | None => {}
            Some(_) => count.bad += 1,
        }
    }
    groups
}

fn rows(terminal: &Terminal, mut groups: Vec<(String, Count)>, most: usize, is_started: bool) {
    groups.sort_by_key(|(_, count)| std::cmp::Reverse(count.planned));
    for (name, Count { planned, good, bad }) in groups.iter().take(most) {
        let made = match is_started {
            true => format!("; {good} are so, {bad} are not, {} not attempted", planned - good - bad),
            false => String::new(),
        };
        terminal.line(format!("  {planned:>7} {}{made}", visible(name)));
    }
    if groups.len() > most {
        terminal.line(format!("          and {} more: --detail shows all", groups.len() - most));
    }
}

fn exceptions(terminal: &Terminal, plan: &Plan, outcomes: &Outcomes, most: usize) {
    let failed = plan.changes().iter().filter_map(|planned| {
        let (outcome, detail) = outcomes.get(&planned.number)?;
        (!outcome.is_good()).then(|| format!("{}: {outcome}. {detail}", planned.change))
    });
    let lists: [(&str, Vec<String>); 4] = [
        ("Changes that are not so", failed.collect()),
        ("Blocked", plan.blockers().iter().map(ToString::to_string).collect()),
        ("Warnings", plan.warnings().to_vec()),
        ("Consequences", plan.consequences().iter().map(ToString::to_string).collect()),
    ];
    for (title, list) in lists.iter().filter(|(_, list)| !list.is_empty()) {
        terminal.heading(format!("{title} ({})", list.len()));
        list.iter().take(most).for_each(|one| terminal.line(format!("  {one}")));
        if list.len() > most {
            terminal.line(format!("  and {} more: --detail shows all", list.len() - most));
        }
    }
    if !plan.header().users_skipped.is_empty() {
        terminal.heading("Users that are left out");
        for (reason, count) in &plan.header().users_skipped {
            terminal.line(format!("  {count:>7} {reason}"));
        }
    }
}

/// Returns the kind of a change in words; those of users and of waits are one each.
fn kind(change: &Change) -> &'static str {
    match change {
        Change::ChangeUpn { .. } => "UPNs changed",
        Change::RestoreUpn { .. } => "UPNs restored",
        Change::ChangeUser { .. } => "UPNs and addresses changed",
        Change::ChangeAttributes { .. } => "objects with other attributes",
        Change::AwaitReplication { .. } => "waits for replication",
        Change::AddDomain { .. } | Change::VerifyDomain { .. } | Change::RemoveDomain { .. } => {
            "changes of the domain"
        }
        Change::AddSuffix { .. } | Change::RemoveSuffix { .. } => "changes of the UPN suffix",
        Change::EnableSync | Change::DisableSync => "changes of directory synchronization",
        _ => "changes of the service account",
    }
}

/// Returns the place of the user that a change is about.
fn ou(change: &Change) -> Option<String> {
    let dn = match change {
        Change::ChangeUpn { upn } => &upn.dn,
        Change::RestoreUpn { upn } => &upn.dn,
        Change::ChangeUser { object } | Change::ChangeAttributes { object } => &object.dn,
        _ => return None,
    };
    dn.parent().as_ref().map(DistinguishedName::to_string)
}
