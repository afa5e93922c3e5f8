//! The whole job: survey, plan, approve, apply, verify, report.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use onramp::fixes::{self, ChosenFix, FixSurvey};
use onramp::readiness::source::attribute_map::AttributeMap;
use onramp::{
    ApplyOutcome, ApplyStatus, ApprovalsEnded, ApprovedPlan, Event, EventLog, FileJournal, History, Limits,
    ObservedRun, Onramp, Plan, PlanStore, PolicyRules, RecordedRun, Report, SecretStore, Spec, UndoSelection,
    WaitReason, plan,
};
use onramp_core::dns::Dns;
use onramp_core::{Clock, Error, ErrorKind, Forest, Result, Tenant, visible};
use time::OffsetDateTime;
use tokio_util::sync::CancellationToken;

use crate::dns;
use crate::output::{DNS_RECORDS, EVENTS, JOURNAL, PLAN, REPORT, not_written};
use crate::terminal::{Detail, Terminal};

/// The rule of a policy that a plan store answers.
const SEPARATE_APPROVER: &str = "separate_approver";

/// The result of a job, for the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// Everything is as wanted, and verified. Exit code 0.
    Green,
    /// Something is not as wanted. Exit code 1.
    Red,
    /// A consequence was not accepted, the plan is not the reviewed one, or it cannot be applied; nothing was changed. Exit
    /// code 2.
    NotApproved,
    /// Only the plan was requested, and it can be applied; nothing was changed. Exit code 0.
    Planned,
    /// A DNS record is to be published, or a change window to open; the same command continues then. Exit code 3.
    Waits,
    /// The users of the canary are changed and verified; the same command continues with the others. Exit code 4.
    CanaryDone,
}

impl From<Ended> for ExitCode {
    fn from(ended: Ended) -> Self {
        match ended {
            Ended::Green | Ended::Planned => ExitCode::SUCCESS,
            Ended::Red => ExitCode::FAILURE,
            Ended::NotApproved => ExitCode::from(2),
            Ended::Waits => ExitCode::from(3),
            Ended::CanaryDone => ExitCode::from(4),
        }
    }
}

/// Returns the exit code of an error: 130 if the run was stopped on request, else 1.
pub fn exit_code(error: &Error) -> ExitCode {
    if error.is_cancelled() { ExitCode::from(130) } else { ExitCode::FAILURE }
}

/// Runs a job to its end, and tells its error.
pub(crate) async fn end(job: impl Future<Output = Result<Ended>>) -> ExitCode {
    exit(job.await)
}

/// Returns the exit code of a program, and tells its error.
pub(crate) fn exit<T: Into<ExitCode>>(result: Result<T>) -> ExitCode {
    result.map_or_else(
        |error| {
            eprintln!("\n{}", visible(&error.to_string()));
            exit_code(&error)
        },
        Into::into,
    )
}

/// The answer to a plan.
#[derive(Debug)]
pub enum Answer {
    /// The plan is approved and will be applied.
    Apply(ApprovedPlan),
    /// Only the plan was requested.
    PlanOnly,
    /// The plan was not approved.
    Refused,
}

/// The origin of the plan of a job.
#[derive(Debug)]
#[non_exhaustive]
pub enum PlanSource {
    /// A new plan that makes a spec true.
    Survey(Box<Spec>),
    /// An existing plan, applied as it is, and then verified against the spec if it is not one that undoes a run.
    Saved(Box<Plan>, Box<Spec>),
    /// A new plan that makes fixes of objects; the spec gives domain and timeouts.
    Fixes {
        /// The fixes.
        chosen: Vec<ChosenFix>,
        /// Their origin: a canary counts for the same one alone.
        origin: String,
        /// The spec.
        spec: Box<Spec>,
    },
    /// A new plan that gives objects the values of a map; the spec gives domain and timeouts.
    Map(Box<AttributeMap>, Box<Spec>),
    /// A new plan that undoes a run.
    Undo(Box<RecordedRun>, UndoSelection),
}

/// Both sides and the files of a job.
#[derive(Debug)]
pub struct Job {
    /// The tenant.
    pub tenant: Tenant,
    /// The forest.
    pub forest: Forest,
    /// The origin of the plan.
    pub source: PlanSource,
    /// The history of earlier runs.
    pub history: History,
    /// The folder of this run, for plan, journal and report.
    pub folder: PathBuf,
    /// The store of the new password.
    pub secrets: Arc<dyn SecretStore>,
    /// The rules under which the plan may be applied.
    pub policy: PolicyRules,
    /// The store in which another person approves the plan, if the policy requires that.
    pub plans: Arc<dyn PlanStore>,
    /// The name of the person who runs the job.
    pub operator: String,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// The terminal that shows progress.
    pub terminal: Terminal,
    /// The token that stops the run between two changes.
    pub cancellation: CancellationToken,
    /// True if the run ends instead of waiting for a DNS record or a change window.
    pub ends_before_waits: bool,
    /// The resolver of the preflight; without it, what stands in DNS cannot be told.
    pub dns: Option<Arc<dyn Dns>>,
}

impl Job {
    /// Runs the job. `approve` decides on the plan, which another person may have approved already; `on_event` receives every
    /// event that the terminal shows.
    ///
    /// # Errors
    /// The errors of each step; the journal lists the changes made before the error.
    pub async fn run(
        self,
        approve: impl FnOnce(Plan, Option<ApprovedPlan>) -> Result<Answer>,
        on_event: impl Fn(&Event) + Send + Sync + 'static,
    ) -> Result<Ended> {
        let terminal = self.terminal.clone();
        let file = |name: &str| self.folder.join(name);
        let nothing = |error: Error| error.with_hint("Nothing was changed.");
        let (watching, dns_file) = (terminal.clone(), file(DNS_RECORDS));
        let (log, clock) = (EventLog::create(file(EVENTS)).map_err(nothing)?, Arc::clone(&self.clock));
        let observed: Arc<Mutex<ObservedRun>> = Arc::default();
        let (observing, is_told) = (Arc::clone(&observed), AtomicBool::new(false));
        let (tenant, forest) = (self.tenant.clone(), self.forest.clone());
        let onramp = Onramp::new(self.tenant, self.forest)
            .with_clock(Arc::clone(&self.clock))
            .with_cancellation(self.cancellation.clone())
            .with_history(self.history.clone())
            .with_policy(Arc::new(self.policy.clone()))
            .with_operator(&self.operator)
            .with_observer(move |event| {
                watching.event(event);
                on_event(event);
                let now = clock.now();
                observing.lock().unwrap_or_else(PoisonError::into_inner).observe(now, event);
                if let Err(error) = log.record(now, event)
                    && !is_told.swap(true, Ordering::Relaxed)
                {
                    watching.note(error);
                }
                if let Event::DnsRecordNeeded { domain, records } = event {
                    let text = dns::record_lines(domain, records).join("\n") + "\n";
                    if let Err(error) = onramp_files::write_private(&dns_file, text.as_bytes()) {
                        watching.note(not_written(&dns_file, &error));
                    }
                }
            });

        let onramp = match self.dns {
            Some(dns) => onramp.with_dns(dns),
            None => onramp,
        };
        let is_surveyed = !matches!(self.source, PlanSource::Saved(..));
        let (plan, spec) = match self.source {
            PlanSource::Saved(plan, spec) => {
                onramp.check_target(&plan).await?;
                let spec = spec_of(&plan, *spec)?;
                (*plan, Some(Box::new(spec)))
            }
            PlanSource::Survey(spec) => {
                terminal.heading("Preflight");
                let preflight = onramp.preflight(&*spec).await?;
                terminal.preflight(&preflight, Detail::Brief);
                terminal.heading("Survey");
                let survey = onramp.survey(&spec).await?.with_preflight(preflight.clone());
                terminal.rest();
                let whole = plan(&spec, &survey);
                match self.policy.next_canary(&spec, &whole, &self.history) {
                    Some(spec) => {
                        let is_begun = self.history.unfinished_canary(&whole).is_some();
                        let canary = spec.users.as_ref().and_then(|users| users.canary.as_ref());
                        let canary = canary.map(ToString::to_string).unwrap_or_default();
                        terminal.heading(match is_begun {
                            true => format!("Survey of the {canary} that an earlier run began"),
                            false => format!("Survey of a {canary}"),
                        });
                        let survey = onramp.survey(&spec).await?.with_preflight(preflight);
                        terminal.rest();
                        (plan(&spec, &survey), Some(Box::new(spec)))
                    }
                    None => (whole, Some(spec)),
                }
            }
            PlanSource::Fixes { chosen, origin, spec } => {
                terminal.heading("Survey of the objects to fix");
                let survey = onramp.survey_fixes(&spec, chosen).await?.with_source(origin);
                terminal.rest();
                (fixes_or_canary(&self.policy, &self.history, survey, &terminal), None)
            }
            PlanSource::Map(map, spec) => {
                terminal.heading("Survey of the objects of the map");
                let survey = onramp.survey_map(&spec, &map).await?;
                terminal.rest();
                (fixes_or_canary(&self.policy, &self.history, survey, &terminal), None)
            }
            PlanSource::Undo(run, selection) => {
                terminal.heading("Survey of what the run changed");
                let plan = onramp.undo(&run, &selection).await?;
                terminal.rest();
                (plan, None)
            }
        };
        plan.save(file(PLAN)).map_err(|error| not_written(&file(PLAN), &error))?;
        terminal.heading(format!("Plan {}", plan.digest().get(..12).unwrap_or_default()));
        terminal.plan(&plan);
        if !plan.consequences().is_empty() {
            terminal.heading("Consequences");
            terminal.consequences(&plan);
        }
        let write_report = |report: Report<'_>| -> Result<()> {
            let run = observed.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let report = report.with_run(&run).with_operator(&self.operator);
            let html = report.written_at(self.clock.now()).to_html()?;
            onramp_files::write_private(file(REPORT), html.as_bytes())
                .map_err(|error| not_written(&file(REPORT), &error))
        };
        for window in &self.policy.windows {
            terminal.line(format!("  changes are made: {window}"));
        }
        for name in self.policy.unknown_accounts(&tenant, &forest, &self.history).await? {
            terminal.line(format!(
                "  the protected account \"{}\" is neither in the forest nor in the tenant",
                visible(&name)
            ));
        }
        let stored = match self.policy.separate_approver {
            true => {
                let (store, now) = (&*self.plans, self.clock.now());
                approved_in(&self.policy, store, &plan, is_surveyed, &self.history, now).await
            }
            false => StoredApproval::default(),
        };
        let violations = match &stored.approved {
            Some(approved) => onramp.review_approved(approved).await?,
            None => onramp.review(&plan).await?,
        };
        write_report(Report::new(&plan).with_violations(&violations)).map_err(nothing)?;
        if !violations.is_empty() {
            terminal.violations(&violations);
            stored.problems.iter().for_each(|problem| terminal.line(format!("  {problem}")));
        }
        let is_applicable = !plan.is_blocked() && violations.is_empty();
        let needs_approver = violations.iter().all(|violation| violation.rule == SEPARATE_APPROVER);
        if !violations.is_empty() && needs_approver && !plan.is_blocked() && !plan.is_empty() {
            self.plans.save(&plan, &self.operator, self.clock.now()).await.map_err(nothing)?;
            terminal.line("");
            terminal.line(format!(
                "  Nothing was changed. Another person approves it with: onramp approve {}",
                plan.digest()
            ));
            terminal.line("  Then run the same command again.");
            return Ok(Ended::NotApproved);
        }
        let approved = match approve(plan, stored.approved)? {
            Answer::PlanOnly if is_applicable => return Ok(Ended::Planned),
            Answer::PlanOnly | Answer::Refused => return Ok(Ended::NotApproved),
            Answer::Apply(_) if !is_applicable => {
                terminal.line("");
                terminal.line("The policy does not allow this plan. Nothing was changed.");
                return Ok(Ended::NotApproved);
            }
            Answer::Apply(approved) => approved,
        };
        // The answer may have taken its time.
        let violations = onramp.review_approved(&approved).await?;
        if !violations.is_empty() {
            write_report(Report::new(approved.plan()).with_violations(&violations)).map_err(nothing)?;
            terminal.violations(&violations);
            terminal.line("");
            terminal.line("The policy no longer allows this plan. Nothing was changed.");
            return Ok(Ended::NotApproved);
        }

        terminal.heading("Apply");
        let mut journal = FileJournal::create(file(JOURNAL)).map_err(nothing)?;
        let secrets = &*self.secrets;
        let reviewed = || Report::new(approved.plan()).with_review(approved.review());
        // The report that remains if the run is interrupted. The report on the plan says that nothing was changed.
        write_report(reviewed().started()).map_err(nothing)?;
        let applied = match self.ends_before_waits {
            true => apply_until_wait(&onramp, &approved, &mut journal, secrets, &*self.clock).await,
            false => {
                onramp.apply_to_end(&approved, &mut journal, secrets).await.map(|outcome| (outcome, None))
            }
        };
        let (outcome, waits_for) = match applied {
            Ok(applied) => applied,
            Err(error) => {
                // Without a record nothing was changed, and the run is none.
                if std::fs::metadata(file(JOURNAL)).is_ok_and(|journal| journal.len() == 0) {
                    drop(journal);
                    let _ = std::fs::remove_file(file(JOURNAL));
                    write_report(Report::new(approved.plan()))?;
                }
                if error.kind() == ErrorKind::Forbidden && !file(JOURNAL).exists() {
                    terminal.line("");
                    terminal.line(error);
                    return Ok(Ended::NotApproved);
                }
                return Err(error);
            }
        };
        terminal.outcome(&outcome);
        if self.policy.separate_approver {
            end_approvals(
                &*self.plans,
                approved.plan(),
                &outcome,
                &self.operator,
                self.clock.now(),
                &terminal,
            )
            .await;
        }
        // What was done is told and verified also without a report.
        if let Err(error) = write_report(reviewed().with_outcome(&outcome)) {
            terminal.note(error);
        }
        // Before its first change, the run waited for a window.
        if !outcome.violations.is_empty() && outcome.done + outcome.unknown == 0 {
            terminal.line("");
            terminal
                .line("The policy does not allow this plan any more. Nothing was changed. Make a new plan.");
            return Ok(Ended::NotApproved);
        }
        if let Some(reason) = waits_for {
            terminal.line("");
            terminal.line(match reason {
                WaitReason::DnsRecord { .. } => {
                    "  Publish one of the DNS records above, then run the same command again.".to_owned()
                }
                reason => format!("  The run waits for {reason}. Run the same command again then."),
            });
            return Ok(Ended::Waits);
        }
        outcome.require_complete()?;

        terminal.heading("Verify");
        let verification = match &spec {
            _ if approved.plan().header().undoes.is_some() => onramp.verify_undo(&approved).await?,
            Some(spec) if !approved.plan().header().scope.attributes => {
                onramp.verify(spec, Some(&approved), Some(secrets)).await?
            }
            _ => onramp.verify_fixes(&approved).await?,
        };
        terminal.verification(&verification);
        if let Err(error) = onramp.record_verification(&verification, &mut journal).await {
            terminal.note(error);
        }
        write_report(reviewed().with_outcome(&outcome).with_verification(&verification)).map_err(
            |error| {
                error.with_hint("The run and its verification are as told above; only the report is missing.")
            },
        )?;
        if !verification.is_green() {
            return Ok(Ended::Red);
        }
        let Some(canary) = &approved.plan().header().canary else { return Ok(Ended::Green) };
        terminal.line("");
        terminal.line(format!("  The {canary} is changed and verified. Let them work with it, then run the"));
        terminal.line(format!(
            "  same command again for the other {}: it makes a plan of its own.",
            canary.rest()
        ));
        Ok(Ended::CanaryDone)
    }
}

/// Returns the plan of fixes, or of the canary that has to precede it.
fn fixes_or_canary(policy: &PolicyRules, history: &History, survey: FixSurvey, terminal: &Terminal) -> Plan {
    let whole = fixes::plan(&survey);
    let Some(canary) = policy.next_canary_of_fixes(&whole, history) else { return whole };
    terminal.line(match history.unfinished_canary(&whole).is_some() {
        true => format!("  the {canary} that an earlier run began comes first"),
        false => format!("  a {canary} comes first"),
    });
    fixes::plan(&survey.with_canary(canary))
}

/// Returns the spec that a saved plan was made from: that of its canary, if it is one.
fn spec_of(plan: &Plan, spec: Spec) -> Result<Spec> {
    let header = plan.header();
    let Some(canary) = header.canary.as_ref().filter(|_| !header.scope.attributes) else { return Ok(spec) };
    if header.users_digest != spec.users_digest() {
        return Err(Error::new(ErrorKind::Invalid, "apply the plan")
            .with_detail(format!("it is a {canary} of another spec: its domain or its users section differs"))
            .with_hint(
                "Nothing was changed. Use the configuration that the plan was made with, or make a new plan.",
            ));
    }
    Ok(spec.with_canary(canary.clone()))
}

/// The approval of a plan in the store.
#[derive(Debug, Default)]
struct StoredApproval {
    approved: Option<ApprovedPlan>,
    /// The reasons why an approval in the store does not hold.
    problems: Vec<String>,
}

/// Returns a plan with the approval that others left in the store.
///
/// A plan that was made of what both directories hold now is as old as its survey, however long ago it was stored. Its approvals
/// are as old as they are.
async fn approved_in(
    policy: &PolicyRules,
    plans: &dyn PlanStore,
    plan: &Plan,
    is_surveyed: bool,
    history: &History,
    now: OffsetDateTime,
) -> StoredApproval {
    let mut stored = match plans.load(&plan.digest()).await {
        Ok(stored) => stored,
        Err(error) if error.is_not_found() => return StoredApproval::default(),
        Err(error) => return StoredApproval { approved: None, problems: vec![error.to_string()] },
    };
    if is_surveyed {
        (stored.plan, stored.saved_at) = (plan.clone(), now);
    }
    let ended = policy.remove_ended_approvals(&mut stored, history, now);
    let mut problems: Vec<String> = ended.iter().map(ToString::to_string).collect();
    if stored.approvals.is_empty() {
        return StoredApproval { approved: None, problems };
    }
    match stored.approved_by_others() {
        Ok(approved) => StoredApproval { approved: Some(approved), problems },
        Err(error) => {
            problems.push(error.to_string());
            StoredApproval { approved: None, problems }
        }
    }
}

/// Ends the approvals of a plan that was applied, and those of a plan whose run was undone.
async fn end_approvals(
    plans: &dyn PlanStore,
    plan: &Plan,
    outcome: &ApplyOutcome,
    operator: &str,
    now: OffsetDateTime,
    terminal: &Terminal,
) {
    let applied = outcome.is_complete().then(|| (plan.digest(), "the plan was applied"));
    let undone = plan.header().undoes.clone().filter(|_| outcome.is_complete() || outcome.done > 0);
    for (digest, reason) in applied.into_iter().chain(undone.map(|digest| (digest, "its run was undone"))) {
        match plans.end_approvals(&digest, &ApprovalsEnded::new(operator, now, reason)).await {
            Err(error) if !error.is_not_found() => terminal.note(error),
            _ => {}
        }
    }
}

/// Applies a plan to its end, or to the first wait for something that can take days, which it returns.
async fn apply_until_wait(
    onramp: &Onramp,
    plan: &ApprovedPlan,
    journal: &mut FileJournal,
    secrets: &dyn SecretStore,
    clock: &dyn Clock,
) -> Result<(ApplyOutcome, Option<WaitReason>)> {
    let mut run = onramp.start(plan, journal, secrets);
    loop {
        let outcome = run.apply(&Limits::default()).await?;
        match &outcome.status {
            ApplyStatus::More => {}
            ApplyStatus::Waiting {
                reason: reason @ (WaitReason::DnsRecord { .. } | WaitReason::Policy { .. }),
                ..
            } => {
                // The journal gets its end.
                return Ok((run.end().await?, Some(reason.clone())));
            }
            ApplyStatus::Waiting { retry_after, .. } => clock.sleep(*retry_after).await,
            _ => return Ok((outcome, None)),
        }
    }
}

/// Cancels the token at the first Ctrl-C; the second ends the program at once.
pub fn stop_on_ctrl_c(token: CancellationToken, terminal: Terminal) {
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            if terminal.is_asking() {
                // The wait for an answer cannot be interrupted, so the program ends here. Nothing was changed before
                // the question.
                terminal.note("\nstopped on request; nothing was changed");
                std::process::exit(130);
            }
            terminal.note("stopping after the change that is under way; press Ctrl-C again to end at once");
            token.cancel();
        }
        if tokio::signal::ctrl_c().await.is_ok() {
            std::process::exit(130);
        }
    });
}
