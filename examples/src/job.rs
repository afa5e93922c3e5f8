//! The whole job: survey, plan, approve, apply, verify, report.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use onramp::{ApprovedPlan, Event, FileJournal, FileSecretSink, Onramp, Plan, Report, Spec, plan};
use onramp_core::{Clock, Error, ErrorKind, Forest, Result, Tenant};
use tokio_util::sync::CancellationToken;

use crate::terminal::Terminal;

/// How the job ended, for the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// Everything is so; verified. Exit code 0.
    Green,
    /// Something is not as it should be. Exit code 1.
    Red,
    /// A consequence was not accepted; nothing was changed. Exit code 2.
    NotApproved,
    /// Only the plan was wanted; nothing was changed. Exit code 0.
    Planned,
}

impl From<Ended> for ExitCode {
    fn from(ended: Ended) -> Self {
        match ended {
            Ended::Green | Ended::Planned => ExitCode::SUCCESS,
            Ended::Red => ExitCode::FAILURE,
            Ended::NotApproved => ExitCode::from(2),
        }
    }
}

/// The exit code of an error: 130 if the run was stopped on request, else 1.
pub fn exit_code(error: &Error) -> ExitCode {
    if error.is_cancelled() { ExitCode::from(130) } else { ExitCode::FAILURE }
}

/// Both sides and the files of a job.
#[derive(Debug)]
pub struct Job {
    /// The tenant.
    pub tenant: Tenant,
    /// The forest.
    pub forest: Forest,
    /// What should be true.
    pub spec: Spec,
    /// Where plan, journal, report and secrets go.
    pub folder: PathBuf,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Where progress is shown.
    pub terminal: Terminal,
    /// Stops the run between two changes.
    pub cancellation: CancellationToken,
}

impl Job {
    /// Does the job. `approve` is asked with the plan; `on_event` hears everything besides the terminal.
    ///
    /// # Errors
    /// Those of each step; what was done by then is in the journal.
    pub async fn run(
        self,
        approve: impl FnOnce(Plan) -> Result<Option<ApprovedPlan>>,
        on_event: impl Fn(&Event) + Send + Sync + 'static,
    ) -> Result<Ended> {
        let terminal = self.terminal.clone();
        let file = |name: &str| self.folder.join(name);
        std::fs::create_dir_all(&self.folder).map_err(|error| not_written(&self.folder, &error))?;
        let watching = terminal.clone();
        let onramp = Onramp::new(self.tenant, self.forest, Arc::clone(&self.clock))
            .with_cancellation(self.cancellation.clone())
            .with_observer(move |event| {
                watching.event(event);
                on_event(event);
            });

        terminal.heading("Survey");
        let survey = onramp.survey(&self.spec).await?;
        terminal.rest();
        let plan = plan(&self.spec, &survey);
        plan.save(file("plan.jsonl")).map_err(|error| not_written(&file("plan.jsonl"), &error))?;
        terminal.heading(format!("Plan {}", plan.digest().get(..12).unwrap_or_default()));
        terminal.plan(&plan);
        if !plan.consequences().is_empty() {
            terminal.heading("Consequences");
            terminal.consequences(&plan);
        }
        let write_report = |report: Report<'_>| -> Result<()> {
            let html = report.written_at(self.clock.now()).to_html()?;
            std::fs::write(file("report.html"), html)
                .map_err(|error| not_written(&file("report.html"), &error))
        };
        write_report(Report::new(&plan))?;
        let Some(approved) = approve(plan)? else { return Ok(Ended::Planned) };

        terminal.heading("Apply");
        let mut journal = FileJournal::create(file("journal.jsonl"))?;
        let secrets = FileSecretSink::new(file("secrets"));
        let outcome = onramp.apply(&approved, &mut journal, &secrets).await?;
        terminal.outcome(&outcome);
        write_report(Report::new(approved.plan()).with_outcome(&outcome))?;
        outcome.require_complete()?;

        terminal.heading("Verify");
        let verification = onramp.verify(&self.spec, Some(&secrets)).await?;
        terminal.verification(&verification);
        write_report(Report::new(approved.plan()).with_outcome(&outcome).with_verification(&verification))?;
        Ok(if verification.is_green() { Ended::Green } else { Ended::Red })
    }
}

/// Cancels the token at the first Ctrl-C; the second ends the program at once.
pub fn stop_on_ctrl_c(token: CancellationToken, terminal: Terminal) {
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            terminal.line("stopping after the change that is under way; press Ctrl-C again to end at once");
            token.cancel();
        }
        if tokio::signal::ctrl_c().await.is_ok() {
            std::process::exit(130);
        }
    });
}

fn not_written(path: &Path, error: &std::io::Error) -> Error {
    Error::new(ErrorKind::Unavailable, "write").object(path.display()).detail(error.to_string())
}
