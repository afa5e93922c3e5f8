//! Applying an approved plan: its changes are made in order, each by compare-and-swap.

mod outcome;

use std::time::Duration;

use onramp_core::{Error, ErrorKind, Result};

pub(crate) use outcome::FAILURES_KEPT;
pub use outcome::{ApplyOutcome, ApplyStatus, Failure, StepOutcome};

use crate::event::{Event, WaitReason};
use crate::journal::{JOURNAL_FORMAT_VERSION, Journal, JournalEntry, JournalRecord, Outcome};
use crate::onramp::Onramp;
use crate::plan::{ApprovedPlan, Change, Plan, PlannedChange};
use crate::secret_store::SecretStore;
use crate::steps::suffix::forest_of;
use crate::steps::{Steps, service_account, users};

/// The maximum time until a tenant returns a value that was written to it.
const VISIBLE_WITHIN: Duration = Duration::from_secs(120);

/// The data that every change needs.
pub(crate) struct Context<'a> {
    pub(crate) onramp: &'a Onramp,
    pub(crate) plan: &'a ApprovedPlan,
    pub(crate) secrets: &'a dyn SecretStore,
}

/// A run of an approved plan.
pub(crate) struct Run<'a> {
    pub(crate) context: Context<'a>,
    journal: &'a mut dyn Journal,
    epoch: u64,
    pub(crate) outcome: ApplyOutcome,
    pub(crate) steps: Steps,
}

impl Onramp {
    /// Makes the changes of an approved plan in order.
    ///
    /// Every write is compare-and-swap: applying the same plan again after a crash or a stop continues with the first
    /// change that was not made, and applying a completed plan changes nothing. A change that fails stops the run, except
    /// for single users: all of them are tried, and the run stops after them. Cancellation takes effect between two
    /// changes, and while waiting.
    ///
    /// # Errors
    /// `Invalid` if the plan is for another tenant or forest; those of the journal. How the changes ended is in the outcome;
    /// [`ApplyOutcome::require_complete`] makes an error of an incomplete one.
    pub async fn apply(
        &self,
        plan: &ApprovedPlan,
        journal: &mut dyn Journal,
        secrets: &dyn SecretStore,
    ) -> Result<ApplyOutcome> {
        self.check_target(plan.plan()).await?;
        let total = plan.plan().changes().len() as u64;
        let context = Context { onramp: self, plan, secrets };
        let outcome = ApplyOutcome::new(total);
        let opened = journal.open().await.map_err(|error| unrecorded(&error, "nothing was changed"))?;
        let epoch = opened.epoch;
        let mut run = Run { context, journal, epoch, outcome, steps: Steps::default() };
        let (digest, accepted) = (plan.plan().digest(), plan.accepted().to_vec());
        let started = run
            .record(JournalEntry::RunStarted {
                format_version: JOURNAL_FORMAT_VERSION,
                epoch,
                plan: digest,
                accepted,
            })
            .await;
        started.map_err(|error| unrecorded(&error, "nothing was changed"))?;
        run.changes().await?;
        let status = run.outcome.status.clone();
        let ended = run.record(JournalEntry::RunEnded { status }).await;
        ended.map_err(|error| {
            let (status, counts) = (&run.outcome.status, run.outcome.counts());
            let what =
                format!("every change is recorded, and only the end of the run is not: {status}; {counts}");
            unrecorded(&error, &what)
        })?;
        Ok(run.outcome)
    }
}

impl Onramp {
    /// Checks that a plan was made for this tenant and this forest.
    ///
    /// # Errors
    /// `Invalid` if it was made for others; those of reading.
    pub async fn check_target(&self, plan: &Plan) -> Result<()> {
        let header = plan.header();
        let refuse = |detail: String| {
            let hint =
                "Nothing was changed. Use the configuration that the plan was made with, or make a new plan.";
            Err(Error::new(ErrorKind::Invalid, "apply the plan").with_detail(detail).with_hint(hint))
        };
        let status = self.tenant.sync.status().await?;
        if status.tenant_id != header.tenant {
            return refuse(format!(
                "it was made for the tenant {} ({}), not for {} ({})",
                header.tenant_name, header.tenant, status.display_name, status.tenant_id
            ));
        }
        let forest = forest_of(&self.forest.replication.controllers().await?);
        if !header.forest.is_empty() && !forest.is_empty() && forest != header.forest {
            return refuse(format!("it was made for the forest {}, not for {forest}", header.forest));
        }
        Ok(())
    }
}

impl Context<'_> {
    /// Sends an event to the observer.
    pub(crate) fn tell(&self, event: Event) {
        self.onramp.observer.tell(&event);
    }

    /// Reads until a write is visible: a tenant returns old values for a while. The write was sent, so that every error
    /// is `OutcomeUnknown`.
    pub(crate) async fn visible<F: Future<Output = Result<bool>> + Send>(
        &self,
        what: &str,
        look: impl Fn() -> F,
    ) -> Result<()> {
        let unseen = |detail: String| {
            Error::new(ErrorKind::OutcomeUnknown, format!("see {what}"))
                .with_detail(detail)
                .with_hint("Run again: what was done is recognized and not done twice.")
        };
        let clock = &self.onramp.clock;
        let (started, mut pause) = (clock.elapsed(), Duration::from_millis(250));
        loop {
            let is_seen = look().await;
            if is_seen.map_err(|error| unseen(format!("it was written, and cannot be read back: {error}")))? {
                return Ok(());
            }
            let waited = clock.elapsed().saturating_sub(started);
            if waited >= VISIBLE_WITHIN {
                return Err(unseen(format!(
                    "it was written, and reading does not show it after {} s",
                    waited.as_secs()
                )));
            }
            self.tell(Event::Waiting {
                reason: WaitReason::Visible { value: what.to_owned() },
                waited,
                timeout: VISIBLE_WITHIN,
            });
            let sleep = async {
                clock.sleep(pause).await;
                Ok(())
            };
            let slept = self.onramp.unless_cancelled(&format!("see {what}"), sleep).await;
            slept.map_err(|_| {
                unseen("it was written, and the run was stopped before it could be seen".into())
            })?;
            pause = (pause * 2).min(Duration::from_secs(10));
        }
    }
}

impl Run<'_> {
    async fn changes(&mut self) -> Result<()> {
        let plan = self.context.plan.shared();
        let mut rest = plan.changes();
        while let [planned, after @ ..] = rest {
            if self.context.onramp.cancellation.is_cancelled() {
                self.outcome.status = ApplyStatus::Cancelled { next: planned.number };
                return Ok(());
            }
            if let Change::ChangeUpn { .. } = planned.change {
                let is_user = |planned: &&PlannedChange| matches!(planned.change, Change::ChangeUpn { .. });
                let count = rest.iter().take_while(is_user).count();
                let first = plan.changes().len() - rest.len();
                if !users::apply(self, first..first + count).await? {
                    return Ok(());
                }
                rest = rest.get(count..).unwrap_or_default();
                continue;
            }
            if !self.single(planned).await? {
                return Ok(());
            }
            rest = after;
        }
        Ok(())
    }

    /// Makes one change. Returns true if the run continues.
    async fn single(&mut self, planned: &PlannedChange) -> Result<bool> {
        let (number, total, title) = (planned.number, self.outcome.total, planned.change.to_string());
        self.context.tell(Event::ChangeStarted { number, total, title: title.clone() });
        let object = planned.change.account_id().map(|id| id.to_string());
        let (before, after) = service_account::values(&planned.change);
        let started = JournalEntry::ChangeStarted { number, title: title.clone(), object, before, after };
        self.record(started)
            .await
            .map_err(|error| unrecorded(&error, &format!("the change {number} ({title}) was not made")))?;
        let step = self.steps.apply(&self.context, &planned.change).await;
        let (outcome, detail) = match &step {
            Ok((outcome, detail)) => (*outcome, detail.clone()),
            Err(error) => (Outcome::of(error), error.to_string()),
        };
        self.outcome.count(outcome);
        self.outcome.steps.push(StepOutcome { number, outcome, detail: detail.clone() });
        let entry = JournalEntry::ChangeEnded {
            number,
            outcome,
            object: self.steps.object(&planned.change),
            before: None,
            after: None,
            detail: detail.clone(),
        };
        self.record(entry).await.map_err(|error| {
            let told = if detail.is_empty() { outcome.to_string() } else { format!("{outcome}, {detail}") };
            unrecorded(&error, &format!("the change {number} ({title}) was tried, with this outcome: {told}"))
        })?;
        self.context.tell(Event::ChangeEnded { number, total, outcome, detail: detail.clone() });
        match step {
            Err(error) if error.is_cancelled() || self.is_cut_short(&error) => {
                self.outcome.status = ApplyStatus::Cancelled { next: number };
            }
            _ if outcome.is_good() => return Ok(true),
            _ => {
                let title = planned.change.to_string();
                let (object, error) = (title.clone(), detail.clone());
                self.outcome.failures.push(Failure { object, error });
                self.outcome.status = ApplyStatus::Stopped { number, title, problem: detail };
            }
        }
        Ok(false)
    }

    /// Returns true if a change was sent and the run was stopped before its result.
    fn is_cut_short(&self, error: &Error) -> bool {
        error.kind() == ErrorKind::OutcomeUnknown && self.context.onramp.cancellation.is_cancelled()
    }

    /// Writes an entry of the journal and makes it durable.
    pub(crate) async fn record(&mut self, entry: JournalEntry) -> Result<()> {
        self.write(vec![entry]).await?;
        self.journal.flush().await
    }

    /// Appends entries to the journal.
    pub(crate) async fn write(&mut self, entries: Vec<JournalEntry>) -> Result<()> {
        let at = self.context.onramp.clock.now();
        let records: Vec<JournalRecord> =
            entries.into_iter().map(|entry| JournalRecord { at, entry }).collect();
        self.journal.append(self.epoch, &records).await
    }

    /// Makes everything that was appended to the journal durable.
    pub(crate) async fn flush(&mut self) -> Result<()> {
        self.journal.flush().await
    }
}

/// Adds the changes that are not recorded to an error of the journal.
fn unrecorded(error: &Error, what: &str) -> Error {
    let detail = format!("{}; {what}", error.to_string().trim_end_matches('.'));
    Error::new(error.kind(), "record what was done")
        .with_detail(detail)
        .with_hint("Free space or choose another place, then run the same command again to continue.")
}
