//! The whole job: survey, plan, approve, apply, verify, report.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use onramp::{
    ApplyOutcome, ApplyStatus, ApprovedPlan, Event, FileJournal, FileSecretStore, History, Limits, Onramp,
    Plan, RecordedRun, Report, Spec, UndoSelection, WaitReason, plan,
};
use onramp_core::{Clock, Error, Forest, Result, Tenant, visible};
use tokio_util::sync::CancellationToken;

use crate::dns;
use crate::output::{DNS_RECORDS, JOURNAL, PLAN, REPORT, not_written};
use crate::terminal::Terminal;

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
    /// A DNS record is to be published; the same command continues then. Exit code 3.
    WaitsForDns,
}

impl From<Ended> for ExitCode {
    fn from(ended: Ended) -> Self {
        match ended {
            Ended::Green | Ended::Planned => ExitCode::SUCCESS,
            Ended::Red => ExitCode::FAILURE,
            Ended::NotApproved => ExitCode::from(2),
            Ended::WaitsForDns => ExitCode::from(3),
        }
    }
}

/// Returns the exit code of an error: 130 if the run was stopped on request, else 1.
pub fn exit_code(error: &Error) -> ExitCode {
    if error.is_cancelled() { ExitCode::from(130) } else { ExitCode::FAILURE }
}

/// Runs a job to its end, and tells its error.
pub(crate) async fn end(job: impl Future<Output = Result<Ended>>) -> ExitCode {
    match job.await {
        Ok(ended) => ended.into(),
        Err(error) => {
            eprintln!("\n{}", visible(&error.to_string()));
            exit_code(&error)
        }
    }
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
    /// The folder of secrets.
    pub secrets: PathBuf,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// The terminal that shows progress.
    pub terminal: Terminal,
    /// The token that stops the run between two changes.
    pub cancellation: CancellationToken,
    /// True if the run ends instead of waiting for a DNS record.
    pub ends_before_dns: bool,
}

impl Job {
    /// Runs the job. `approve` decides on the plan; `on_event` receives every event that the terminal shows.
    ///
    /// # Errors
    /// The errors of each step; the journal lists the changes made before the error.
    pub async fn run(
        self,
        approve: impl FnOnce(Plan) -> Result<Answer>,
        on_event: impl Fn(&Event) + Send + Sync + 'static,
    ) -> Result<Ended> {
        let terminal = self.terminal.clone();
        let file = |name: &str| self.folder.join(name);
        let (watching, dns_file) = (terminal.clone(), file(DNS_RECORDS));
        let onramp = Onramp::new(self.tenant, self.forest)
            .with_clock(Arc::clone(&self.clock))
            .with_cancellation(self.cancellation.clone())
            .with_history(self.history)
            .with_observer(move |event| {
                watching.event(event);
                on_event(event);
                if let Event::DnsRecordNeeded { domain, records } = event {
                    let text = dns::record_lines(domain, records).join("\n") + "\n";
                    if let Err(error) = onramp_files::write_private(&dns_file, text.as_bytes()) {
                        watching.note(not_written(&dns_file, &error));
                    }
                }
            });

        let (plan, spec) = match self.source {
            PlanSource::Saved(plan, spec) => {
                onramp.check_target(&plan).await?;
                (*plan, Some(spec))
            }
            PlanSource::Survey(spec) => {
                terminal.heading("Survey");
                let survey = onramp.survey(&spec).await?;
                terminal.rest();
                (plan(&spec, &survey), Some(spec))
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
            let html = report.written_at(self.clock.now()).to_html()?;
            onramp_files::write_private(file(REPORT), html.as_bytes())
                .map_err(|error| not_written(&file(REPORT), &error))
        };
        let nothing = |error: Error| error.with_hint("Nothing was changed.");
        write_report(Report::new(&plan)).map_err(nothing)?;
        let is_blocked = plan.is_blocked();
        let approved = match approve(plan)? {
            Answer::Apply(approved) => approved,
            Answer::PlanOnly if is_blocked => return Ok(Ended::NotApproved),
            Answer::PlanOnly => return Ok(Ended::Planned),
            Answer::Refused => return Ok(Ended::NotApproved),
        };

        terminal.heading("Apply");
        let mut journal = FileJournal::create(file(JOURNAL)).map_err(nothing)?;
        let secrets = FileSecretStore::new(self.secrets);
        // The report that remains if the run is interrupted. The report on the plan says that nothing was changed.
        write_report(Report::new(approved.plan()).started()).map_err(nothing)?;
        let (outcome, waits_for_dns) = match self.ends_before_dns {
            true => apply_until_dns(&onramp, &approved, &mut journal, &secrets, &*self.clock).await?,
            false => (onramp.apply_to_end(&approved, &mut journal, &secrets).await?, false),
        };
        terminal.outcome(&outcome);
        // What was done is told and verified also without a report.
        if let Err(error) = write_report(Report::new(approved.plan()).with_outcome(&outcome)) {
            terminal.note(error);
        }
        if waits_for_dns {
            terminal.line("");
            terminal.line("  Publish one of the DNS records above, then run the same command again.");
            return Ok(Ended::WaitsForDns);
        }
        outcome.require_complete()?;

        terminal.heading("Verify");
        let verification = match &spec {
            Some(spec) if approved.plan().header().undoes.is_none() => {
                onramp.verify(spec, Some(&approved), Some(&secrets)).await?
            }
            _ => onramp.verify_undo(&approved).await?,
        };
        terminal.verification(&verification);
        write_report(Report::new(approved.plan()).with_outcome(&outcome).with_verification(&verification))
            .map_err(|error| {
                error.with_hint("The run and its verification are as told above; only the report is missing.")
            })?;
        Ok(if verification.is_green() { Ended::Green } else { Ended::Red })
    }
}

/// Applies a plan to its end or to the wait for a DNS record. Returns true in the second case.
async fn apply_until_dns(
    onramp: &Onramp,
    plan: &ApprovedPlan,
    journal: &mut FileJournal,
    secrets: &FileSecretStore,
    clock: &dyn Clock,
) -> Result<(ApplyOutcome, bool)> {
    let mut run = onramp.start(plan, journal, secrets);
    loop {
        let limits = Limits::default();
        let outcome = run.apply(&limits).await?;
        match &outcome.status {
            ApplyStatus::More => {}
            ApplyStatus::Waiting { reason: WaitReason::DnsRecord { .. }, .. } => {
                // The journal gets its end.
                limits.stop.cancel();
                return Ok((run.apply(&limits).await?, true));
            }
            ApplyStatus::Waiting { retry_after, .. } => clock.sleep(*retry_after).await,
            _ => return Ok((outcome, false)),
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
