//! A run as its plan and its journal record it.

use std::collections::HashMap;

use futures_util::TryStreamExt;
use onramp_core::{ObjectId, Result};
use time::OffsetDateTime;

use super::other_runs::{OtherRuns, RecordedWrite};
use crate::journal::{Journal, JournalEntry, JournalRecord};
use crate::outcome::Outcome;
use crate::plan::{Change, Plan, PlannedChange};

/// The record of one change in the journal.
#[derive(Debug, Clone, Copy, Default)]
struct Trace {
    /// True between the start of the change and its end.
    is_open: bool,
    /// True if it may have been made: it was sent, and its outcome was not recorded or is unknown.
    is_possible: bool,
    /// True if it was made.
    is_made: bool,
    /// The time of the latest start.
    opened_at: Option<OffsetDateTime>,
    /// The time after which it was made, or may have been.
    since: Option<OffsetDateTime>,
    /// The time before which it was made, or of the latest start of one that may have been.
    until: Option<OffsetDateTime>,
}

impl Trace {
    fn start(&mut self, at: OffsetDateTime) {
        if self.is_open {
            // An earlier start has no end: the program was stopped in between.
            self.may_be_made(at);
        }
        (self.is_open, self.opened_at) = (true, Some(at));
    }

    fn end(&mut self, outcome: Outcome, at: OffsetDateTime) {
        let since = self.opened_at.unwrap_or(at);
        match outcome {
            Outcome::Done => (self.is_made, self.since, self.until) = (true, Some(since), Some(at)),
            Outcome::Unknown => self.may_be_made(at),
            Outcome::Unchanged => self.is_made |= self.is_possible,
            _ => {}
        }
        self.is_open = false;
    }

    /// Notes that it may have been made since its latest start.
    fn may_be_made(&mut self, at: OffsetDateTime) {
        self.is_possible = true;
        if !self.is_made {
            self.since = self.since.or(self.opened_at).or(Some(at));
            self.until = Some(at);
        }
    }

    /// Returns true if it was made or may have been.
    fn is_effective(&self) -> bool {
        self.is_made || self.is_possible || self.is_open
    }

    /// Returns the times between which it was made, if it was made or may have been.
    fn times(&self) -> Option<(OffsetDateTime, OffsetDateTime)> {
        let opened_at = self.opened_at.filter(|_| self.is_open && !self.is_made);
        Some((self.since.or(opened_at)?, opened_at.or(self.until)?))
    }
}

/// A run of a plan: the changes that it made, as its journal records them.
///
/// A change counts as made if the journal says so, or if it was sent and its outcome is not known; a later look at the
/// directory decides about the latter. A change of an object that was in the desired state already is none of the run.
///
/// ```no_run
/// use onramp::{FileJournal, Plan, RecordedRun};
///
/// let plan = Plan::read(std::io::BufReader::new(std::fs::File::open("plan.jsonl")?))?;
/// let mut run = RecordedRun::new(plan);
/// for record in FileJournal::records("journal.jsonl")? {
///     run.add(&record?);
/// }
/// println!("{} changes were made", run.changes_made());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct RecordedRun {
    plan: Plan,
    digest: String,
    /// True while records of this plan are added: a journal may have runs of several plans.
    is_current: bool,
    /// True if a record says that a run of this plan was started.
    is_started: bool,
    /// The traces, in the order of the changes of the plan.
    traces: Vec<Trace>,
    /// The object IDs of the service account and of the application, by the number of the change.
    accounts: HashMap<u64, String>,
    /// The writes of other runs to the same values, if they are known.
    others: Option<OtherRuns>,
}

impl RecordedRun {
    /// Creates a run without a record: nothing was changed.
    pub fn new(plan: Plan) -> Self {
        let (digest, traces) = (plan.digest(), vec![Trace::default(); plan.changes().len()]);
        let accounts = HashMap::new();
        Self { plan, digest, is_current: false, is_started: false, traces, accounts, others: None }
    }

    /// Reads a run from its journal.
    ///
    /// # Errors
    /// Errors of reading, and the first record that is not valid.
    pub async fn read(plan: Plan, journal: &dyn Journal) -> Result<Self> {
        let (mut run, mut records) = (Self::new(plan), journal.read_all());
        while let Some(record) = records.try_next().await? {
            run.add(&record);
        }
        Ok(run)
    }

    /// Adds a record of the journal. Records of runs of other plans are ignored.
    pub fn add(&mut self, record: &JournalRecord) {
        match &record.entry {
            JournalEntry::RunStarted { plan, .. } => {
                self.is_current = *plan == self.digest;
                self.is_started |= self.is_current;
            }
            _ if !self.is_current => {}
            JournalEntry::ChangeStarted { number, .. } => {
                if let Some(trace) = self.trace(*number) {
                    trace.start(record.at);
                }
            }
            JournalEntry::ChangeEnded { number, outcome, object, .. } => {
                if let Some(trace) = self.trace(*number) {
                    trace.end(*outcome, record.at);
                }
                let is_of_account = self.change(*number).is_some_and(|planned| {
                    planned.change.is_of_account() || planned.change.is_of_application()
                });
                if let (true, Some(object)) = (is_of_account, object) {
                    self.accounts.insert(*number, object.clone());
                }
            }
            JournalEntry::RunEnded { .. } | JournalEntry::RunVerified { .. } => {}
        }
    }

    /// Adds what other runs wrote to the same values: a value that another one wrote is not undone with this run.
    #[must_use]
    pub fn with_others(mut self, others: OtherRuns) -> Self {
        self.others = Some(others);
        self
    }

    /// Returns the other runs, if they are known.
    pub(crate) fn others(&self) -> Option<&OtherRuns> {
        self.others.as_ref()
    }

    /// Returns the name of the other run that wrote the value of a change of this run, if one did and was not undone.
    pub(crate) fn written_by(&self, planned: &PlannedChange) -> Option<&str> {
        self.others.as_ref()?.last_writer(&planned.change, self.account_id(planned))
    }

    fn trace(&mut self, number: u64) -> Option<&mut Trace> {
        self.traces.get_mut(usize::try_from(number).ok()?.checked_sub(1)?)
    }

    fn change(&self, number: u64) -> Option<&PlannedChange> {
        self.plan.changes().get(usize::try_from(number).ok()?.checked_sub(1)?)
    }

    /// Returns the plan.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Returns the number of changes that the run made or may have made, without waits and tests.
    pub fn changes_made(&self) -> u64 {
        self.made().filter(|planned| planned.change.writes()).count() as u64
    }

    /// Returns true if the journal has a run of this plan.
    pub fn is_started(&self) -> bool {
        self.is_started
    }

    /// Returns the number of changes that the plan asked for, without waits and tests.
    pub fn changes_planned(&self) -> u64 {
        self.plan.changes().iter().filter(|planned| planned.change.writes()).count() as u64
    }

    /// Returns the number of changes that were sent and whose outcome is not recorded: a look at the directory decides.
    pub fn changes_unknown(&self) -> u64 {
        let traced = self.plan.changes().iter().zip(&self.traces);
        let is_unknown = |(planned, trace): &(&PlannedChange, &Trace)| {
            planned.change.writes() && !trace.is_made && trace.is_effective()
        };
        traced.filter(is_unknown).count() as u64
    }

    /// Returns the number of users that the run changed or may have changed.
    pub fn users_changed(&self) -> u64 {
        self.made().filter(|planned| planned.change.is_of_user()).count() as u64
    }

    /// Returns the changes that the run made or may have made, in their order.
    pub(crate) fn made(&self) -> impl DoubleEndedIterator<Item = &PlannedChange> {
        self.traced().map(|(planned, _)| planned)
    }

    /// Returns the same changes, each with its record.
    fn traced(&self) -> impl DoubleEndedIterator<Item = (&PlannedChange, &Trace)> {
        self.plan.changes().iter().zip(&self.traces).filter(|(_, trace)| trace.is_effective())
    }

    /// Returns the object ID of the account or the application of a change, from the plan or from the journal.
    pub(crate) fn account_id(&self, planned: &PlannedChange) -> Option<ObjectId> {
        let is_of_application = planned.change.is_of_application();
        if !planned.change.is_of_account() && !is_of_application {
            return None;
        }
        let recorded = |planned: &PlannedChange| ObjectId::parse(self.accounts.get(&planned.number)?).ok();
        let created = || {
            let is_creation = |planned: &&PlannedChange| match planned.change {
                Change::CreateServiceAccount { .. } => !is_of_application,
                Change::CreateApplication { .. } => is_of_application,
                _ => false,
            };
            self.made().find(is_creation).and_then(recorded)
        };
        let known = planned.change.account_id().or_else(|| planned.change.application_id());
        known.or_else(|| recorded(planned)).or_else(created)
    }

    /// Returns the values that the run wrote or may have written.
    fn writes(&self) -> impl Iterator<Item = RecordedWrite> {
        let timed = self.traced().filter_map(|(planned, trace)| Some((planned, trace, trace.times()?)));
        timed.flat_map(|(planned, trace, times)| {
            RecordedWrite::of(&planned.change, self.account_id(planned), times, trace.is_made)
        })
    }
}

impl OtherRuns {
    /// Creates a list without a run, for a run to undo.
    pub fn of(run: &RecordedRun) -> Self {
        Self::new(run.plan(), run.writes())
    }

    /// Adds another run, by the name under which operators know it. The order does not matter: records have times.
    pub fn add(&mut self, name: impl Into<String>, other: &RecordedRun) {
        self.add_writes(name.into(), other.plan(), other.writes());
    }
}
