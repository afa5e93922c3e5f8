//! Fixes, made as a plan: scanned, shown, approved, applied, verified, and scanned again.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use onramp::fixes::ChosenFix;
use onramp_core::{Clock, Error, ErrorKind, Result, SystemClock};
use onramp_readiness::report::Diff;
use onramp_readiness::{Finding, FixSkip, ScanResult, combine_fixes};
use tokio_util::sync::CancellationToken;

use super::idfix::Prepared;
use super::messages::counted;
use super::output::MinConfidence;
use super::scan::ForestArguments;
use crate::approval::{ApprovalArguments, Earlier, decide};
use crate::config::Config;
use crate::job::{Ended, Job, PlanSource, stop_on_ctrl_c};
use crate::operator::operator;
use crate::output::Output;
use crate::terminal::Terminal;

#[derive(Debug, Args)]
#[command(after_help = "Exit codes:
  0    every fix of the plan is made and verified, except for what the plan left out; or --plan-only made a plan that can be
       applied
  1    something is not as it should be, an object could not be read and was not judged, or an error
  2    a consequence was not accepted, the digest is another one, the policy does not allow the plan or another person has to
       approve it, or it cannot be applied; nothing was changed
  3    --no-wait: a change window has to open; the same command continues then
  4    the objects of the canary are changed and verified; the same command continues with the others
  130  stopped on request

`onramp undo RUN` restores the values before.")]
pub(super) struct FixArguments {
    #[command(flatten)]
    forest: ForestArguments,
    /// Only fixes of this confidence and above: `high` loses nothing and has one right value.
    #[arg(long, value_enum, default_value = "high")]
    min_confidence: MinConfidence,
    /// Only fixes of findings of this rule. Repeat for each.
    #[arg(long, value_name = "ID")]
    rule: Vec<String>,
    /// Instead of what a scan suggests: the edits of a CSV export of IdFix, or of its undo file (`Update*.ldf`).
    #[arg(long, value_name = "FILE", visible_aliases = ["idfix-csv", "idfix-update"], conflicts_with = "rule")]
    idfix_file: Option<PathBuf>,
    /// Take back what the file of IdFix says, instead of making it.
    #[arg(long)]
    undo: bool,
    /// End instead of waiting for a change window of the policy.
    #[arg(long)]
    no_wait: bool,
    #[command(flatten)]
    approval: ApprovalArguments,
}

impl FixArguments {
    /// Returns the origin of the fixes: the rules and the confidence, or the content of the file.
    fn origin(&self) -> String {
        match &self.idfix_file {
            Some(file) => {
                let text = std::fs::read(file).unwrap_or_default();
                format!("idfix {} {}", self.undo, String::from_utf8_lossy(&text))
            }
            None => {
                let mut rules = self.rule.clone();
                rules.sort_unstable();
                format!("scan {:?} {rules:?} {:?}", self.min_confidence, self.forest.profile)
            }
        }
    }
}

pub(super) async fn run(arguments: &FixArguments) -> Result<ExitCode> {
    if arguments.undo && arguments.idfix_file.is_none() {
        return Err(Error::new(ErrorKind::Invalid, "use --undo")
            .with_detail("it is for a file of IdFix")
            .with_hint("To undo a run of this program: onramp undo RUN."));
    }
    let config = Config::read(&arguments.forest.config)?;
    let prepared = prepared(arguments)?;
    let terminal = Terminal::new();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let cancellation = CancellationToken::new();
    stop_on_ctrl_c(cancellation.clone(), terminal.clone());
    let output = Output::open(&config.output.folder, "fix")?;
    let tenant = config.entra(Arc::clone(&clock), None)?.tenant();
    let cancelled = |what: &str| Error::new(ErrorKind::Cancelled, what);
    let forest = cancellation.run_until_cancelled(config.forest(Arc::clone(&clock))).await;
    let forest = forest.ok_or_else(|| cancelled("connect to the forest"))??.forest();
    let scan = async || -> Result<(ScanResult, bool)> {
        let chosen = arguments.forest.profile.profile()?;
        let (rules, _) = arguments.forest.rules(chosen, &config, Some(&tenant), &terminal).await?;
        let (result, errors) = arguments.forest.scan(rules, &forest, &terminal).await?;
        if errors.count() > 0 {
            terminal.note(format!(
                "{} in what was scanned: not every object was judged",
                counted(errors.count(), "error")
            ));
        }
        Ok((result, errors.count() == 0))
    };
    let mut is_complete = true;
    let (chosen, found) = match prepared {
        Some(chosen) => (chosen, None),
        None => {
            let found = cancellation.run_until_cancelled(scan()).await;
            let (found, is_whole) = found.ok_or_else(|| cancelled("scan the forest"))??;
            is_complete = is_whole;
            (choose(arguments, &found, &terminal)?, Some(found.findings))
        }
    };
    let earlier = Earlier::read(&output);
    let folder = output.new_run(clock.now())?;
    let bind = config.forest.bind.clone();
    let job = Job {
        tenant: tenant.clone(),
        forest: forest.clone(),
        source: PlanSource::Fixes { chosen, origin: arguments.origin(), spec: Box::new(config.spec.clone()) },
        history: output.history(|problem| terminal.note(problem)),
        folder: folder.clone(),
        secrets: Arc::new(output.secrets()),
        policy: config.policy.clone(),
        plans: Arc::new(config.output.plan_store()),
        operator: operator(),
        clock,
        terminal: terminal.clone(),
        cancellation: cancellation.clone(),
        ends_before_waits: arguments.no_wait,
        dns: None,
    };
    let ended = Box::pin(job.run(
        |plan, approved| decide(plan, approved, &arguments.approval, &earlier, &bind, &terminal),
        |_| (),
    ))
    .await;
    if let (Ok(Ended::Green | Ended::Red), Some(before)) = (&ended, &found) {
        let after = cancellation.run_until_cancelled(scan()).await;
        let (after, is_whole) = after.ok_or_else(|| cancelled("scan the forest again"))??;
        is_complete &= is_whole;
        compare(before, &after.findings, &terminal);
    }
    terminal.note(format!("\u{2192} {}", folder.display()));
    // The fixes are made, but nobody knows whether all that has to be fixed was found.
    let ended = ended.map(|ended| if ended == Ended::Green && !is_complete { Ended::Red } else { ended });
    ended.map(ExitCode::from)
}

/// Returns the fixes that a file of IdFix has, if there is one.
fn prepared(arguments: &FixArguments) -> Result<Option<Vec<ChosenFix>>> {
    let Some(file) = &arguments.idfix_file else { return Ok(None) };
    let Prepared { objects, unchanged, errors } = Prepared::read(file, arguments.undo)?;
    if errors.count() > 0 {
        // What looks like a row may be a part of the value before it.
        return Err(Error::new(ErrorKind::Invalid, "read the file of IdFix")
            .with_object(file.display())
            .with_detail(counted(errors.count(), "error"))
            .with_hint("Nothing was changed. Correct these rows or remove them."));
    }
    let (count, rows) = (objects.len() as u64, counted(unchanged, "row"));
    eprintln!("{} to change, {rows} without a change", counted(count, "object"));
    let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let fixes = objects.into_iter().map(|(dn, changes)| ChosenFix::new(dn, changes).with_reason(&name));
    Ok(Some(fixes.collect()))
}

/// Returns the fixes that the findings suggest and the arguments choose.
fn choose(arguments: &FixArguments, found: &ScanResult, terminal: &Terminal) -> Result<Vec<ChosenFix>> {
    for rule in &arguments.rule {
        let is_known = found.catalog.iter().any(|known| known.id.as_str() == rule)
            || found.findings.iter().any(|finding| finding.rule.as_str() == rule);
        if !is_known {
            return Err(Error::new(ErrorKind::Invalid, "choose fixes by --rule")
                .with_object(rule)
                .with_detail("the profile has no such rule")
                .with_hint("`onramp readiness rules` lists them."));
        }
    }
    let is_chosen = |finding: &&Finding| {
        arguments.rule.is_empty() || arguments.rule.iter().any(|rule| rule == finding.rule.as_str())
    };
    let findings: Vec<Finding> = found.findings.iter().filter(is_chosen).cloned().collect();
    let fixes = combine_fixes(&findings, arguments.min_confidence.into());
    let skipped =
        |why: FixSkip| fixes.iter().flat_map(|fix| &fix.skipped).filter(|(_, each)| *each == why).count();
    let without = findings.iter().filter(|finding| finding.fixes.is_empty()).count();
    terminal.line(format!(
        "{} findings; {without} have no safe fix, {} fixes have a lower confidence, {} do not go with another one",
        findings.len(),
        skipped(FixSkip::LowConfidence),
        skipped(FixSkip::Conflict)
    ));
    Ok(fixes.iter().filter(|fix| !fix.changes.is_empty()).map(ChosenFix::from).collect())
}

/// Tells what a second scan found.
fn compare(before: &[Finding], after: &[Finding], terminal: &Terminal) {
    let diff = Diff::between(before, after);
    terminal.heading("Scan after the fixes");
    terminal.line(format!(
        "  {} findings fixed, {} still there, {} new",
        diff.fixed.len(),
        diff.remaining.len(),
        diff.new.len()
    ));
    for finding in diff.new.iter().take(5) {
        terminal.line(format!("      new: {} of {}: {}", finding.rule, finding.object, finding.explanation));
    }
}
