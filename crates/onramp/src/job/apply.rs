//! Applying an approved plan: its changes are made in order, each by compare-and-swap.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use futures_util::future::Either;
use onramp_core::{Error, ErrorKind, Result};
use tokio_util::sync::CancellationToken;

use super::order::Steps;
use crate::apply::{Context, Limits, Pause, PausingClock, Run, Slices, unrecorded};
use crate::event::Event;
use crate::journal::{JOURNAL_FORMAT_VERSION, JobKey, Journal, JournalEntry, JournalRecord};
use crate::onramp::Onramp;
use crate::outcome::{ApplyOutcome, ApplyStatus, Failure, Outcome, StepOutcome};
use crate::plan::{ApprovedPlan, Plan, PlannedChange};
use crate::secret_store::SecretStore;
use crate::steps::{service_account, users};
use crate::survey::forest_of;
use crate::verify::Verification;

/// A run that is applied in slices: see [`Onramp::start`].
///
/// Programs use it to do other work between slices; most programs want [`Onramp::apply_to_end`].
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
    /// `Invalid` if the plan is for another tenant or forest; `Forbidden` if the policy does not allow the plan at the start; errors
    /// of the journal. The results of the changes are in the outcome; [`ApplyOutcome::require_complete`] makes an error of an incomplete one.
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

impl ApplyRun<'_> {
    /// Ends a run that waits, because nobody wants to wait for it now: its end is in the journal, with the reason of the wait. Any
    /// other run is stopped, as by [`Limits::stop`].
    ///
    /// A new run of the same plan continues.
    ///
    /// # Errors
    /// Those of [`ApplyRun::apply`].
    pub async fn end(&mut self) -> Result<ApplyOutcome> {
        self.slices.end_wait();
        self.cancellation.cancel();
        self.apply(&Limits::default()).await
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
            ..self.clone()
        };
        let waited_before = Duration::ZERO;
        let context = Context { onramp, plan, secrets, slices: Arc::clone(&slices), waited_before };
        let total = plan.plan().changes().len() as u64;
        let future = Box::pin(apply_whole(context, journal));
        ApplyRun { future, slices, cancellation, ended: None, total }
    }

    /// Applies one slice of an approved plan, for programs that do not keep a run between slices. Most programs want
    /// [`Onramp::apply_to_end`].
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

impl Onramp {
    /// Records in the journal whether the verification of its last run is green.
    ///
    /// A policy with a canary needs the record, and the list of runs shows it.
    ///
    /// # Errors
    /// Errors of the journal.
    pub async fn record_verification(
        &self,
        verification: &Verification,
        journal: &mut dyn Journal,
    ) -> Result<()> {
        let epoch = journal.open().await?.epoch;
        let entry = JournalEntry::RunVerified { is_green: verification.is_green() };
        journal.append(epoch, &[JournalRecord { at: self.clock.now(), entry }]).await?;
        journal.flush().await
    }
}

/// Makes all changes of a plan.
async fn apply_whole(context: Context<'_>, journal: &mut dyn Journal) -> Result<ApplyOutcome> {
    let plan = context.plan;
    context.onramp.check_target(plan.plan()).await?;
    context.onramp.require_policy(plan).await?;
    context.slices.set_reviewed();
    let outcome = ApplyOutcome::new(plan.plan().changes().len() as u64);
    let opened = journal.open().await.map_err(|error| unrecorded(&error, "nothing was changed"))?;
    let digest = plan.plan().digest();
    let started = JournalEntry::RunStarted {
        format_version: JOURNAL_FORMAT_VERSION,
        epoch: opened.epoch,
        plan: digest.clone(),
        accepted: plan.accepted().to_vec(),
        undoes: plan.plan().header().undoes.clone(),
        operator: context.onramp.operator.clone(),
        author: plan.review().map(|review| review.author.clone()),
        approvers: plan.review().map(|review| review.approvers.clone()).unwrap_or_default(),
        approved_at: plan.review().map(|review| review.approved_at.clone()).unwrap_or_default(),
        job: JobKey::of(plan.plan()),
        canary: plan.plan().header().canary.clone(),
    };
    let mut run = Run { context, journal, opened, digest, outcome };
    run.record(started).await.map_err(|error| unrecorded(&error, "nothing was changed"))?;
    make_changes(&mut run, &mut Steps::default()).await?;
    if let (ApplyStatus::Cancelled { .. }, Some(reason)) =
        (&run.outcome.status, run.context.slices.ended_wait())
    {
        run.outcome.status = ApplyStatus::Waiting { reason, retry_after: Duration::ZERO };
    }
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

/// Makes the changes in their order, until one fails.
async fn make_changes(run: &mut Run<'_>, steps: &mut Steps) -> Result<()> {
    let plan = run.context.plan.shared();
    let mut rest = plan.changes();
    while let [planned, after @ ..] = rest {
        if run.context.onramp.cancellation.is_cancelled() {
            run.outcome.status = ApplyStatus::Cancelled { next: planned.number };
            return Ok(());
        }
        if planned.change.object().is_some() {
            let is_of_user = planned.change.is_of_user();
            let is_like_it = |other: &&PlannedChange| {
                other.change.object().is_some() && other.change.is_of_user() == is_of_user
            };
            let count = rest.iter().take_while(is_like_it).count();
            let first = plan.changes().len() - rest.len();
            if !users::apply(run, &mut steps.replication, first..first + count).await? {
                return Ok(());
            }
            rest = rest.get(count..).unwrap_or_default();
            continue;
        }
        run.pause_at_limit().await;
        let mut stopped = None;
        if planned.change.writes() {
            stopped = run.wait_for_policy().await;
            if stopped.is_none() {
                stopped = run.review_after_wait().await;
            }
        }
        if run.context.onramp.cancellation.is_cancelled() {
            run.outcome.status = ApplyStatus::Cancelled { next: planned.number };
            return Ok(());
        }
        if let Some(problem) = stopped {
            let (number, title) = (planned.number, planned.change.to_string());
            run.outcome.status = ApplyStatus::Stopped { number, title, problem };
            return Ok(());
        }
        if !make_single(run, steps, planned).await? {
            return Ok(());
        }
        rest = after;
    }
    Ok(())
}

/// Makes one change. Returns true if the run continues.
async fn make_single(run: &mut Run<'_>, steps: &mut Steps, planned: &PlannedChange) -> Result<bool> {
    let (number, total, title) = (planned.number, run.outcome.total, planned.change.to_string());
    run.context.notify(Event::ChangeStarted { number, total, title: title.clone() });
    let object = planned.change.account_id().or_else(|| planned.change.application_id());
    let object = object.map(|id| id.to_string());
    let (before, after) = service_account::values(&planned.change);
    let started = JournalEntry::ChangeStarted { number, title: title.clone(), object, before, after };
    run.record(started)
        .await
        .map_err(|error| unrecorded(&error, &format!("the change {number} ({title}) was not made")))?;
    run.context.waited_before = run.waited_before(number);
    let step = steps.apply(&run.context, &planned.change).await;
    let (outcome, detail) = match &step {
        Ok((outcome, detail)) => (*outcome, detail.clone()),
        Err(error) => (Outcome::of(error), error.to_string()),
    };
    run.count(outcome);
    run.outcome.waits += u64::from(outcome == Outcome::Done && !planned.change.writes());
    run.outcome.steps.push(StepOutcome { number, outcome, detail: detail.clone() });
    let entry = JournalEntry::ChangeEnded {
        number,
        outcome,
        object: steps.object(&planned.change),
        before: None,
        after: None,
        detail: detail.clone(),
    };
    run.record(entry).await.map_err(|error| {
        let told = if detail.is_empty() { outcome.to_string() } else { format!("{outcome}, {detail}") };
        unrecorded(&error, &format!("the change {number} ({title}) was tried, with the outcome: {told}"))
    })?;
    run.context.notify(Event::ChangeEnded { number, total, outcome, detail: detail.clone() });
    match step {
        Err(error) if error.is_cancelled() || run.is_cut_short(&error) => {
            run.outcome.status = ApplyStatus::Cancelled { next: number };
        }
        _ if outcome.is_good() => return Ok(true),
        _ => {
            let title = planned.change.to_string();
            let (object, error) = (title.clone(), detail.clone());
            run.outcome.failures.push(Failure { object, error });
            run.outcome.status = ApplyStatus::Stopped { number, title, problem: detail };
        }
    }
    Ok(false)
}
