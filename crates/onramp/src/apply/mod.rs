//! Applying an approved plan: its changes are made in order, each by compare-and-swap.

mod outcome;
mod slice;

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use futures_util::future::Either;
use onramp_core::{Error, ErrorKind, Result};
use tokio_util::sync::CancellationToken;

pub(crate) use outcome::FAILURES_KEPT;
pub use outcome::{ApplyOutcome, ApplyStatus, Failure, StepOutcome};
pub use slice::Limits;
use slice::{Pause, PausingClock, Slices};

use crate::event::{Event, WaitReason};
use crate::history::History;
use crate::journal::{JOURNAL_FORMAT_VERSION, Journal, JournalEntry, JournalRecord, JournalState, Outcome};
use crate::onramp::Onramp;
use crate::plan::{ApprovedPlan, Plan, PlannedChange};
use crate::secret_store::SecretStore;
use crate::steps::suffix::forest_of;
use crate::steps::{Steps, service_account, users};

/// The maximum time until a tenant returns a value that was written to it.
const VISIBLE_WITHIN: Duration = Duration::from_secs(120);

/// The data that every change needs.
pub(crate) struct Context<'a> {
    /// The tenant and the forest, with a clock that pauses the run, and the token that stops it.
    pub(crate) onramp: Onramp,
    pub(crate) plan: &'a ApprovedPlan,
    pub(crate) secrets: &'a dyn SecretStore,
    pub(crate) slices: Arc<Slices>,
    /// The time for which an interrupted run waited in the current change already.
    pub(crate) waited_before: Duration,
}

/// A run of an approved plan.
pub(crate) struct Run<'a> {
    pub(crate) context: Context<'a>,
    journal: &'a mut dyn Journal,
    opened: JournalState,
    /// The digest of the plan.
    digest: String,
    pub(crate) outcome: ApplyOutcome,
    pub(crate) steps: Steps,
}

/// A run that is applied in slices: see [`Onramp::start`].
///
/// Nothing in it sleeps. Dropping it is like a crash: a new run of the same plan continues.
pub struct ApplyRun<'a> {
    future: Pin<Box<dyn Future<Output = Result<ApplyOutcome>> + Send + 'a>>,
    slices: Arc<Slices>,
    cancellation: CancellationToken,
    /// The outcome, once the run has ended.
    ended: Option<ApplyOutcome>,
    total: u64,
}

impl fmt::Debug for ApplyRun<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApplyRun").field("ended", &self.ended.is_some()).finish_non_exhaustive()
    }
}

impl ApplyRun<'_> {
    /// Applies the next slice: makes changes until a limit is reached, there is a wait, or the run ends.
    ///
    /// With [`ApplyStatus::Waiting`], call it again after `retry_after`; with [`ApplyStatus::More`], at any time. After the
    /// end of the run it returns the same outcome again.
    ///
    /// # Errors
    /// `Invalid` if the plan is for another tenant or forest; errors of the journal. The results of the changes are in
    /// the outcome; [`ApplyOutcome::require_complete`] makes an error of an incomplete one.
    pub async fn apply(&mut self, limits: &Limits) -> Result<ApplyOutcome> {
        if let Some(ended) = &self.ended {
            return Ok(ended.clone());
        }
        self.slices.begin(limits);
        let mut stopped = Box::pin(limits.stop.cancelled());
        let step = poll_fn(|context| {
            if stopped.as_mut().poll(context).is_ready() {
                self.cancellation.cancel();
            }
            match self.future.as_mut().poll(context) {
                Poll::Ready(result) => Poll::Ready(Either::Left(result)),
                Poll::Pending => match self.slices.take_pause() {
                    Some(pause) => Poll::Ready(Either::Right(pause)),
                    None => Poll::Pending,
                },
            }
        });
        match step.await {
            Either::Left(result) => {
                let outcome = result?;
                self.ended = Some(outcome.clone());
                Ok(outcome)
            }
            Either::Right(pause) => {
                let (outcome, reason) = self.slices.snapshot();
                let mut outcome = outcome.unwrap_or_else(|| ApplyOutcome::new(self.total));
                outcome.status = match pause {
                    Pause::Limit => ApplyStatus::More,
                    Pause::Wait(retry_after) => ApplyStatus::Waiting { reason, retry_after },
                };
                Ok(outcome)
            }
        }
    }
}

impl Onramp {
    /// Starts a run of an approved plan, to be applied in slices.
    ///
    /// Every write is compare-and-swap: applying the same plan again after a crash or a stop continues with the first
    /// change that was not made, and applying a completed plan changes nothing. A change that fails stops the run, except
    /// for single users: all of them are tried, and the run stops after them. Cancellation takes effect between two
    /// changes, and while waiting.
    ///
    /// ```
    /// # async fn example(onramp: onramp::Onramp, plan: onramp::ApprovedPlan) -> onramp_core::Result<()> {
    /// use onramp::{ApplyStatus, Limits, MemoryJournal, MemorySecretStore};
    ///
    /// let (mut journal, secrets) = (MemoryJournal::default(), MemorySecretStore::default());
    /// let mut run = onramp.start(&plan, &mut journal, &secrets);
    /// let outcome = run.apply(&Limits::default().with_max_changes(100)).await?;
    /// match outcome.status {
    ///     ApplyStatus::More => println!("100 changes are made"),
    ///     ApplyStatus::Waiting { reason, retry_after } => println!("wait {retry_after:?} for {reason}"),
    ///     status => println!("{status}"),
    /// }
    /// # Ok(()) }
    /// ```
    pub fn start<'a>(
        &self,
        plan: &'a ApprovedPlan,
        journal: &'a mut dyn Journal,
        secrets: &'a dyn SecretStore,
    ) -> ApplyRun<'a> {
        let slices = Slices::new(Arc::clone(&self.clock));
        let cancellation = self.cancellation.child_token();
        let onramp = Self {
            clock: Arc::new(PausingClock(Arc::clone(&slices))),
            cancellation: cancellation.clone(),
            history: History::default(),
            ..self.clone()
        };
        let waited_before = Duration::ZERO;
        let context = Context { onramp, plan, secrets, slices: Arc::clone(&slices), waited_before };
        let total = plan.plan().changes().len() as u64;
        let future = Box::pin(apply_whole(context, journal));
        ApplyRun { future, slices, cancellation, ended: None, total }
    }

    /// Applies one slice of an approved plan, for programs that do not keep a run between slices.
    ///
    /// The same as [`Onramp::start`] and one [`ApplyRun::apply`]. A later call finds the changes that were made, and the
    /// journal tells since when it waits.
    ///
    /// # Errors
    /// Those of [`ApplyRun::apply`].
    pub async fn apply(
        &self,
        plan: &ApprovedPlan,
        journal: &mut dyn Journal,
        secrets: &dyn SecretStore,
        limits: &Limits,
    ) -> Result<ApplyOutcome> {
        self.start(plan, journal, secrets).apply(limits).await
    }

    /// Applies an approved plan to its end, and sleeps while it waits.
    ///
    /// # Errors
    /// Those of [`ApplyRun::apply`].
    pub async fn apply_to_end(
        &self,
        plan: &ApprovedPlan,
        journal: &mut dyn Journal,
        secrets: &dyn SecretStore,
    ) -> Result<ApplyOutcome> {
        let mut run = self.start(plan, journal, secrets);
        loop {
            let outcome = run.apply(&Limits::default()).await?;
            match outcome.status {
                ApplyStatus::More => {}
                ApplyStatus::Waiting { retry_after, .. } => {
                    // A cancellation ends the sleep; the run then ends by itself.
                    self.cancellation.run_until_cancelled(self.clock.sleep(retry_after)).await;
                }
                _ => return Ok(outcome),
            }
        }
    }
}

/// Makes all changes of a plan.
async fn apply_whole(context: Context<'_>, journal: &mut dyn Journal) -> Result<ApplyOutcome> {
    let plan = context.plan;
    context.onramp.check_target(plan.plan()).await?;
    let outcome = ApplyOutcome::new(plan.plan().changes().len() as u64);
    let opened = journal.open().await.map_err(|error| unrecorded(&error, "nothing was changed"))?;
    let digest = plan.plan().digest();
    let started = JournalEntry::RunStarted {
        format_version: JOURNAL_FORMAT_VERSION,
        epoch: opened.epoch,
        plan: digest.clone(),
        accepted: plan.accepted().to_vec(),
        undoes: plan.plan().header().undoes.clone(),
    };
    let mut run = Run { context, journal, opened, digest, outcome, steps: Steps::default() };
    run.record(started).await.map_err(|error| unrecorded(&error, "nothing was changed"))?;
    run.changes().await?;
    let status = run.outcome.status.clone();
    let ended = run.record(JournalEntry::RunEnded { status }).await;
    ended.map_err(|error| {
        let (status, counts) = (&run.outcome.status, run.outcome.counts());
        let what = format!("every change is recorded, except the end of the run: {status}; {counts}");
        unrecorded(&error, &what)
    })?;
    Ok(run.outcome)
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
    pub(crate) fn notify(&self, event: Event) {
        match &event {
            Event::Waiting { reason, .. } => self.slices.set_reason(reason.clone()),
            Event::Replication { .. } | Event::BulkReplication { .. } => {
                self.slices.set_reason(WaitReason::Replication);
            }
            _ => {}
        }
        self.onramp.observer.notify(&event);
    }

    /// Waits, unless the run is stopped first.
    pub(crate) async fn pause(&self, action: &str, time: Duration) -> Result<()> {
        let sleep = async {
            self.onramp.clock.sleep(time).await;
            Ok(())
        };
        self.onramp.unless_cancelled(action, sleep).await
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
                .with_hint("Run again: completed changes are recognized and not repeated.")
        };
        let clock = &self.onramp.clock;
        let (started, mut pause) = (clock.elapsed(), Duration::from_millis(250));
        loop {
            let is_seen = look().await;
            if is_seen.map_err(|error| unseen(format!("it was written, but cannot be read back: {error}")))? {
                return Ok(());
            }
            let waited = clock.elapsed().saturating_sub(started);
            if waited >= VISIBLE_WITHIN {
                return Err(unseen(format!(
                    "it was written, but is not visible after {} s",
                    waited.as_secs()
                )));
            }
            self.notify(Event::Waiting {
                reason: WaitReason::Visible { value: what.to_owned() },
                waited,
                timeout: VISIBLE_WITHIN,
            });
            self.pause(&format!("see {what}"), pause).await.map_err(|_| {
                unseen("it was written, but the run was stopped before it was visible".into())
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
            if planned.change.is_of_user() {
                let count = rest.iter().take_while(|planned| planned.change.is_of_user()).count();
                let first = plan.changes().len() - rest.len();
                if !users::apply(self, first..first + count).await? {
                    return Ok(());
                }
                rest = rest.get(count..).unwrap_or_default();
                continue;
            }
            self.pause_at_limit().await;
            if self.context.onramp.cancellation.is_cancelled() {
                self.outcome.status = ApplyStatus::Cancelled { next: planned.number };
                return Ok(());
            }
            if !self.single(planned).await? {
                return Ok(());
            }
            rest = after;
        }
        Ok(())
    }

    /// Hands control to the caller if a limit of the slice is reached.
    pub(crate) async fn pause_at_limit(&mut self) {
        self.context.slices.publish(&self.outcome);
        if self.context.slices.budget() == 0 {
            self.context.slices.pause_at_limit().await;
        }
    }

    /// Adds the outcome of a change to the numbers.
    pub(crate) fn count(&mut self, outcome: Outcome) {
        self.outcome.count(outcome);
        self.context.slices.count(outcome == Outcome::Done);
    }

    /// Returns the time for which an interrupted run waited in that change already.
    fn waited_before(&self, number: u64) -> Duration {
        let since = self.opened.started_at(&self.digest, number);
        let waited = since.map(|since| self.context.onramp.clock.now() - since);
        waited.and_then(|waited| waited.try_into().ok()).unwrap_or_default()
    }

    /// Makes one change. Returns true if the run continues.
    async fn single(&mut self, planned: &PlannedChange) -> Result<bool> {
        let (number, total, title) = (planned.number, self.outcome.total, planned.change.to_string());
        self.context.notify(Event::ChangeStarted { number, total, title: title.clone() });
        let object = planned.change.account_id().map(|id| id.to_string());
        let (before, after) = service_account::values(&planned.change);
        let started = JournalEntry::ChangeStarted { number, title: title.clone(), object, before, after };
        self.record(started)
            .await
            .map_err(|error| unrecorded(&error, &format!("the change {number} ({title}) was not made")))?;
        self.context.waited_before = self.waited_before(number);
        let step = self.steps.apply(&self.context, &planned.change).await;
        let (outcome, detail) = match &step {
            Ok((outcome, detail)) => (*outcome, detail.clone()),
            Err(error) => (Outcome::of(error), error.to_string()),
        };
        self.count(outcome);
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
            unrecorded(&error, &format!("the change {number} ({title}) was tried, with the outcome: {told}"))
        })?;
        self.context.notify(Event::ChangeEnded { number, total, outcome, detail: detail.clone() });
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
        self.journal.append(self.opened.epoch, &records).await
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
