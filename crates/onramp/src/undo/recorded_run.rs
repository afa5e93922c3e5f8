//! A run as its plan and its journal record it.

use std::collections::HashMap;

use futures_util::TryStreamExt;
use onramp_core::Result;

use crate::journal::{Journal, JournalEntry, JournalRecord};
use crate::outcome::Outcome;
use crate::plan::{Plan, PlannedChange};

/// The record of one change in the journal.
#[derive(Debug, Clone, Copy, Default)]
struct Trace {
    /// True between the start of the change and its end.
    is_open: bool,
    /// True if it may have been made: it was sent, and its outcome was not recorded or is unknown.
    is_possible: bool,
    /// True if it was made.
    is_made: bool,
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
    /// The object IDs of the service account, by the number of the change.
    accounts: HashMap<u64, String>,
}

impl RecordedRun {
    /// Creates a run without a record: nothing was changed.
    pub fn new(plan: Plan) -> Self {
        let (digest, traces) = (plan.digest(), vec![Trace::default(); plan.changes().len()]);
        Self { plan, digest, is_current: false, is_started: false, traces, accounts: HashMap::new() }
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
                    // An earlier start has no end: the program was stopped in between.
                    trace.is_possible |= trace.is_open;
                    trace.is_open = true;
                }
            }
            JournalEntry::ChangeEnded { number, outcome, object, .. } => {
                if let Some(trace) = self.trace(*number) {
                    trace.is_open = false;
                    trace.is_possible |= *outcome == Outcome::Unknown;
                    trace.is_made |=
                        *outcome == Outcome::Done || (*outcome == Outcome::Unchanged && trace.is_possible);
                }
                let is_of_account =
                    self.change(*number).is_some_and(|planned| planned.change.is_of_account());
                if let (true, Some(object)) = (is_of_account, object) {
                    self.accounts.insert(*number, object.clone());
                }
            }
            JournalEntry::RunEnded { .. } | JournalEntry::RunVerified { .. } => {}
        }
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
            planned.change.writes() && !trace.is_made && (trace.is_possible || trace.is_open)
        };
        traced.filter(is_unknown).count() as u64
    }

    /// Returns the number of users that the run changed or may have changed.
    pub fn users_changed(&self) -> u64 {
        self.made().filter(|planned| planned.change.is_of_user()).count() as u64
    }

    /// Returns the changes that the run made or may have made, in their order.
    pub(crate) fn made(&self) -> impl DoubleEndedIterator<Item = &PlannedChange> {
        self.plan.changes().iter().zip(&self.traces).filter_map(|(planned, trace)| {
            (trace.is_made || trace.is_possible || trace.is_open).then_some(planned)
        })
    }

    /// Returns the recorded object ID of the service account of a change.
    pub(crate) fn account(&self, number: u64) -> Option<&str> {
        self.accounts.get(&number).map(String::as_str)
    }
}
