//! Making the changes of an approved plan, one after the other, each by compare-and-swap.

mod domain;
mod feed;
mod outcome;
mod replication;
mod service_account;
mod users;

use std::time::Duration;

use onramp_core::forest::ReplicationMark;
use onramp_core::tenant::{SyncState, TenantUser};
use onramp_core::{Error, ErrorKind, ObjectId, Password, Result, Upn};

pub use outcome::{ApplyOutcome, Ending, StepOutcome};

use crate::event::Event;
use crate::journal::{Journal, JournalEntry, JournalRecord, Outcome};
use crate::plan::{ApprovedPlan, Change, Plan, PlannedChange, forest_of};
use crate::run::Onramp;
use crate::secret::SecretSink;

/// How long a tenant may take to show what was written to it.
const VISIBLE_WITHIN: Duration = Duration::from_secs(120);

/// How a single change ended, and what there is to say about it.
type Step = Result<(Outcome, String)>;

fn done() -> Step {
    Ok((Outcome::Done, String::new()))
}

fn already() -> Step {
    Ok((Outcome::AlreadySo, String::new()))
}

/// What a run remembers from one change to the next.
pub(crate) struct Run<'a> {
    pub(crate) onramp: &'a Onramp,
    pub(crate) plan: &'a ApprovedPlan,
    pub(crate) journal: &'a mut dyn Journal,
    pub(crate) secrets: &'a dyn SecretSink,
    pub(crate) outcome: ApplyOutcome,
    /// The service account, once found or made.
    pub(crate) account: Option<TenantUser>,
    /// Its new password, once set.
    pub(crate) password: Option<Password>,
    /// Where replication of each domain stood before its users were changed.
    pub(crate) marks: Vec<ReplicationMark>,
}

impl Onramp {
    /// Makes the changes of an approved plan in order.
    ///
    /// Every write is compare-and-swap, so applying the same plan again, after a crash or a stop, goes on where it
    /// ended, and applying it to the end twice changes nothing. A change that fails stops the run, but single users
    /// do not: they are all tried, and the run stops after them. Cancelling stops between changes, and while waiting
    /// for others.
    ///
    /// # Errors
    /// `Invalid` if the plan is for another tenant or forest; those of the journal. How the changes ended is in the outcome;
    /// [`ApplyOutcome::require_complete`] makes an error of an incomplete one.
    pub async fn apply(
        &self,
        plan: &ApprovedPlan,
        journal: &mut dyn Journal,
        secrets: &dyn SecretSink,
    ) -> Result<ApplyOutcome> {
        self.check_target(plan.plan()).await?;
        let total = plan.plan().changes().len() as u64;
        let outcome = ApplyOutcome::new(total);
        let (account, password, marks) = (None, None, Vec::new());
        let mut run = Run { onramp: self, plan, journal, secrets, outcome, account, password, marks };
        let (digest, accepted) = (plan.plan().digest(), plan.accepted().to_vec());
        let started = run.record(JournalEntry::RunStarted { plan: digest, accepted });
        started.map_err(|error| unrecorded(&error, "nothing was changed"))?;
        run.changes().await?;
        let ending = run.outcome.ending.to_string();
        let ended = run.record(JournalEntry::RunEnded { ending });
        ended.map_err(|error| {
            let (ending, counts) = (&run.outcome.ending, run.outcome.counts());
            let what =
                format!("every change is recorded, and only the end of the run is not: {ending}; {counts}");
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

impl Run<'_> {
    async fn changes(&mut self) -> Result<()> {
        let plan = self.plan.shared();
        let mut rest = plan.changes();
        while let [planned, after @ ..] = rest {
            if self.onramp.cancellation.is_cancelled() {
                self.outcome.ending = Ending::Cancelled { next: planned.number };
                return Ok(());
            }
            if let Change::ChangeUpn { .. } = planned.change {
                let is_user = |planned: &&PlannedChange| matches!(planned.change, Change::ChangeUpn { .. });
                let count = rest.iter().take_while(is_user).count();
                let first = plan.changes().len() - rest.len();
                if !self.users(first..first + count).await? {
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

    /// Makes one change; says whether the run goes on.
    async fn single(&mut self, planned: &PlannedChange) -> Result<bool> {
        let (number, total, title) = (planned.number, self.outcome.total, planned.change.to_string());
        self.tell(Event::ChangeStarted { number, total, title: title.clone() });
        let object = planned.change.account_id().map(|id| id.to_string());
        let (before, after) = values(&planned.change);
        let started = JournalEntry::ChangeStarted { number, title: title.clone(), object, before, after };
        self.record(started)
            .map_err(|error| unrecorded(&error, &format!("the change {number} ({title}) was not made")))?;
        let step = self.step(&planned.change).await;
        let (outcome, detail) = match &step {
            Ok((outcome, detail)) => (*outcome, detail.clone()),
            Err(error) => (Outcome::of(error), error.to_string()),
        };
        self.outcome.count(outcome);
        self.outcome.steps.push(StepOutcome { number, outcome, detail: detail.clone() });
        let is_account = planned.change.is_of_account();
        let entry = JournalEntry::ChangeEnded {
            number,
            outcome,
            object: self.account.as_ref().filter(|_| is_account).map(|account| account.id.to_string()),
            before: None,
            after: None,
            detail: detail.clone(),
        };
        self.record(entry).map_err(|error| {
            let told = if detail.is_empty() { outcome.to_string() } else { format!("{outcome}, {detail}") };
            unrecorded(&error, &format!("the change {number} ({title}) was tried, with this outcome: {told}"))
        })?;
        self.tell(Event::ChangeEnded { number, total, outcome, detail: detail.clone() });
        match step {
            Err(error) if error.is_cancelled() || self.is_cut_short(&error) => {
                self.outcome.ending = Ending::Cancelled { next: number };
            }
            _ if outcome.is_good() => return Ok(true),
            _ => {
                let title = planned.change.to_string();
                self.outcome.failures.push((title.clone(), detail.clone()));
                self.outcome.ending = Ending::Stopped { number, title, problem: detail };
            }
        }
        Ok(false)
    }

    /// Returns true if a change was sent, and its end not awaited because the caller wants to stop.
    fn is_cut_short(&self, error: &Error) -> bool {
        error.kind() == ErrorKind::OutcomeUnknown && self.onramp.cancellation.is_cancelled()
    }

    async fn step(&mut self, change: &Change) -> Step {
        match change {
            Change::AddDomain { domain } => self.add_domain(domain).await,
            Change::VerifyDomain { domain } => self.verify_domain(domain).await,
            Change::AddSuffix { suffix } => match self.onramp.forest.suffixes.add(suffix).await {
                Ok(()) => done(),
                Err(error) if error.is_already_exists() => already(),
                Err(error) => Err(error),
            },
            Change::AwaitReplication { values, without } => self.await_replication(values, without).await,
            Change::EnableSync => self.enable_sync().await,
            Change::CreateServiceAccount { upn, display_name, other_mails } => {
                self.create_account(upn, display_name, other_mails).await
            }
            Change::SetAlternateEmail { upn, id, before, after } => {
                self.set_alternate_email(upn, *id, before, after).await
            }
            Change::EnableServiceAccount { upn, id } => self.enable_account(upn, *id).await,
            Change::SetServiceAccountPassword { upn, id, replace } => {
                self.set_password(upn, *id, *replace).await
            }
            Change::SetMfaState { upn, id, before, after } => {
                self.set_mfa_state(upn, *id, *before, *after).await
            }
            Change::AssignRole { upn, id, role, .. } => self.assign_role(upn, *id, role).await,
            Change::AssignSubscriptionRole { upn, id, subscription, role, .. } => {
                self.assign_subscription_role(upn, *id, subscription, role).await
            }
            Change::ProveSignIn { upn, id } => self.prove_sign_in(upn, *id).await,
            // Handled as a group; a lone one cannot get here.
            Change::ChangeUpn { upn } => match self.onramp.forest.users.change_upn(upn).await? {
                onramp_core::forest::UpnChanged::AlreadySo => already(),
                _ => done(),
            },
        }
    }

    async fn enable_sync(&mut self) -> Step {
        let port = &self.onramp.tenant.sync;
        if port.status().await?.state == SyncState::Enabled {
            return already();
        }
        port.set_enabled(true).await?;
        self.visible("directory synchronization on", || async {
            Ok(self.onramp.tenant.sync.status().await?.state == SyncState::Enabled)
        })
        .await?;
        done()
    }

    /// Reads until a write can be seen: a tenant shows old values for a while. Whatever keeps it from being seen, the
    /// write was sent, and so the error is `OutcomeUnknown`.
    pub(crate) async fn visible(&self, what: &str, look: impl AsyncFn() -> Result<bool>) -> Result<()> {
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
                what: format!("the tenant to show {what}"),
                waited_s: waited.as_secs(),
                timeout_s: VISIBLE_WITHIN.as_secs(),
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

    /// The service account, by the object ID that was surveyed or created: a UPN may be another account's by now.
    pub(crate) async fn account(&mut self, upn: &Upn, id: Option<ObjectId>) -> Result<TenantUser> {
        if let Some(account) = self.account.as_ref().filter(|account| account.upn == *upn) {
            return Ok(account.clone());
        }
        let Some(id) = id else {
            return Err(Error::new(ErrorKind::NotFound, "find the service account")
                .with_object(upn)
                .with_detail("this run has not created it")
                .with_hint("Run again to survey and plan anew."));
        };
        let gone = |what: String| {
            Error::new(ErrorKind::Stale, "find the service account")
                .with_object(upn)
                .with_detail(what)
                .with_hint("Nothing was written. Run again to survey and plan anew.")
        };
        let found = match self.onramp.tenant.users.get(&id).await {
            Ok(found) if found.upn == *upn => found,
            Ok(found) => return Err(gone(format!("the account {id} is {} now", found.upn))),
            Err(error) if error.is_not_found() => {
                return Err(gone(format!(
                    "the account {id}, which the plan was made from, no longer exists"
                )));
            }
            Err(error) => return Err(error),
        };
        self.account = Some(found.clone());
        Ok(found)
    }

    /// Writes an entry of the journal and makes it durable.
    fn record(&mut self, entry: JournalEntry) -> Result<()> {
        self.write(entry)?;
        self.journal.flush()
    }

    pub(crate) fn write(&mut self, entry: JournalEntry) -> Result<()> {
        self.journal.append(&JournalRecord { at: self.onramp.clock.now(), entry })
    }

    pub(crate) fn tell(&self, event: Event) {
        self.onramp.observer.tell(&event);
    }
}

/// The value that a change of the service account replaces, and the one it puts in its place.
fn values(change: &Change) -> (Option<String>, Option<String>) {
    let listed = |values: &[String]| (!values.is_empty()).then(|| values.join(", "));
    match change {
        Change::SetAlternateEmail { before, after, .. } => (listed(before), listed(after)),
        Change::SetMfaState { before, after, .. } => (Some(before.to_string()), Some(after.to_string())),
        Change::EnableServiceAccount { .. } => (Some("disabled".into()), Some("enabled".into())),
        _ => (None, None),
    }
}

/// Says what a failure to write the journal leaves unrecorded.
fn unrecorded(error: &Error, what: &str) -> Error {
    let detail = format!("{}; {what}", error.to_string().trim_end_matches('.'));
    Error::new(error.kind(), "record what was done")
        .with_detail(detail)
        .with_hint("Free space or choose another place, then run the same command again to continue.")
}
