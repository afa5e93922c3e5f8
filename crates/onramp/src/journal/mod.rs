//! The journal: the durable record of the changes of a run, with the values before and after each.

mod file;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use futures_util::{StreamExt, stream};
use onramp_core::{BoxStream, Error, ErrorKind, ObjectId, Result};
use serde::{Deserialize, Deserializer, Serialize};
use time::OffsetDateTime;

pub use file::FileJournal;

use crate::canary::Canary;
use crate::outcome::{ApplyStatus, Outcome};
use crate::plan::{Plan, PlanHeader};

/// The version of the format of journal records that this version writes. It reads this one and older ones.
pub const JOURNAL_FORMAT_VERSION: u32 = 3;

/// A record of the journal: one line of a journal file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct JournalRecord {
    /// The time.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// The entry.
    #[serde(flatten)]
    pub entry: JournalEntry,
}

/// The content of a record. Contains no secret.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "entry")]
#[non_exhaustive]
pub enum JournalEntry {
    /// The start of a run.
    RunStarted {
        /// The version of the format of the records that follow; 1 if there is none.
        #[serde(default = "first_version")]
        format_version: u32,
        /// The epoch of the journal in which the run writes.
        #[serde(default)]
        epoch: u64,
        /// The digest of the plan.
        plan: String,
        /// The consequences that were accepted.
        accepted: Vec<String>,
        /// The digest of the plan whose run it undoes, if it undoes one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        undoes: Option<String>,
        /// The name of the person or program that runs it, if known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        operator: Option<String>,
        /// The name of the author of the plan, if it was approved in a plan store.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        author: Option<String>,
        /// The names of the people who approved the plan in a plan store.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        approvers: Vec<String>,
        /// The times of these approvals, as the plan store has them: an approval is for one run.
        #[serde(default, skip_serializing_if = "Vec::is_empty", with = "times")]
        approved_at: Vec<OffsetDateTime>,
        /// The part of the job that a later plan has to agree with for a canary to count.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        job: Option<JobKey>,
        /// The canary that the plan is, if it is one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        canary: Option<Canary>,
    },
    /// The start of a change. Durable before anything is sent, so that the former value is never lost.
    ChangeStarted {
        /// The number in the plan.
        number: u64,
        /// The title; empty for a change of a UPN, which the values describe.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        title: String,
        /// The ID of the object.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        object: Option<String>,
        /// The current value, if one is replaced.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        before: Option<String>,
        /// The new value, if one is replaced.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after: Option<String>,
    },
    /// The end of a change. One that was not sent, because the run paused or ended before, has the outcome
    /// [`Outcome::Cancelled`].
    ChangeEnded {
        /// The number in the plan.
        number: u64,
        /// The outcome.
        outcome: Outcome,
        /// The ID of the object.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        object: Option<String>,
        /// The former value, if one was replaced.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        before: Option<String>,
        /// The new value, if one was replaced.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after: Option<String>,
        /// Details in words.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        detail: String,
    },
    /// The end of a run.
    RunEnded {
        /// The status of the run at its end.
        #[serde(flatten, deserialize_with = "status_or_text")]
        status: ApplyStatus,
    },
    /// The verification of the run before it.
    RunVerified {
        /// True if every check was true.
        is_green: bool,
    },
}

/// The tenant, the forest and the users section of a job: a canary counts for the same ones alone.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct JobKey {
    /// The object ID of the tenant.
    pub tenant: ObjectId,
    /// The forest: the distinguished name of its root domain, in lower case.
    pub forest: String,
    /// The digest of the domain and the users section of the spec, or of the domain and the origin of fixes.
    pub users_digest: String,
}

impl JobKey {
    /// Returns the key of a plan; `None` if it changes no user, undoes a run, or was made by an older version.
    pub fn of(plan: &Plan) -> Option<Self> {
        let PlanHeader { tenant, forest, users_digest, undoes: None, .. } = plan.header() else {
            return None;
        };
        let users_digest = users_digest.clone()?;
        Some(Self { tenant: *tenant, forest: forest.clone(), users_digest })
    }
}

/// Lists of times as RFC 3339.
mod times {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};
    use time::OffsetDateTime;

    #[derive(Serialize, Deserialize)]
    #[serde(transparent)]
    struct Time(#[serde(with = "time::serde::rfc3339")] OffsetDateTime);

    pub(super) fn serialize<S: Serializer>(times: &[OffsetDateTime], to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(times.iter().copied().map(Time))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<OffsetDateTime>, D::Error> {
        Ok(Vec::<Time>::deserialize(from)?.into_iter().map(|time| time.0).collect())
    }
}

fn first_version() -> u32 {
    1
}

/// Reads a status, or the sentence that format version 1 has in its place.
fn status_or_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<ApplyStatus, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Either {
        Status(ApplyStatus),
        Text { ending: String },
    }
    Ok(match Either::deserialize(deserializer)? {
        Either::Status(status) => status,
        Either::Text { ending } => ApplyStatus::from_text(&ending),
    })
}

/// The state of a journal when it was opened.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct JournalState {
    /// The number of this opening. Every record is appended with it, so that a writer that was replaced is refused.
    pub epoch: u64,
    /// The digest of the plan of the last run, if that has no end.
    plan: Option<String>,
    /// The single changes of that run without an end, each with the time of its first record.
    unfinished: BTreeMap<u64, OffsetDateTime>,
}

impl JournalState {
    /// Adds a record that the journal contains. An implementation of [`Journal::open`] calls this for each of them in
    /// order, and then [`JournalState::next_epoch`] or [`JournalState::with_epoch`].
    pub fn add(&mut self, record: &JournalRecord) {
        match &record.entry {
            JournalEntry::RunStarted { plan, epoch, .. } => {
                self.epoch = (self.epoch + 1).max(*epoch);
                if self.plan.as_ref() != Some(plan) {
                    self.unfinished.clear();
                }
                self.plan = Some(plan.clone());
            }
            // A change of a user has no title, and never waits.
            JournalEntry::ChangeStarted { number, title, .. } if !title.is_empty() => {
                self.unfinished.entry(*number).or_insert(record.at);
            }
            JournalEntry::ChangeEnded { number, .. } => {
                self.unfinished.remove(number);
            }
            JournalEntry::RunEnded { .. } => {
                self.plan = None;
                self.unfinished.clear();
            }
            JournalEntry::ChangeStarted { .. } | JournalEntry::RunVerified { .. } => {}
        }
    }

    /// Begins a new epoch, after every record was added.
    #[must_use]
    pub fn next_epoch(mut self) -> Self {
        self.epoch += 1;
        self
    }

    /// Sets the epoch, for a storage that counts its openings itself.
    #[must_use]
    pub fn with_epoch(mut self, epoch: u64) -> Self {
        self.epoch = epoch;
        self
    }

    /// Returns the time at which an interrupted run of a plan started a change: a wait of the change counts from it.
    pub fn started_at(&self, plan: &str, number: u64) -> Option<OffsetDateTime> {
        self.unfinished.get(&number).copied().filter(|_| self.plan.as_deref() == Some(plan))
    }
}

/// The record that a run keeps of its changes.
///
/// An implementation that returns `Ok` from [`Journal::flush`] promises that everything appended before survives a
/// crash of the machine.
///
/// Run `onramp::conformance::journal` (feature `conformance`) on your journal.
#[async_trait]
pub trait Journal: fmt::Debug + Send {
    /// Opens the journal for a run and begins a new epoch.
    ///
    /// # Errors
    /// Errors of the storage; `InUse` if another run has it open.
    async fn open(&mut self) -> Result<JournalState>;

    /// Appends records in the epoch that [`Journal::open`] returned.
    ///
    /// # Errors
    /// Errors of the storage, after which the run stops before its next change; `Stale` if the journal was opened again
    /// since.
    async fn append(&mut self, epoch: u64, records: &[JournalRecord]) -> Result<()>;

    /// Makes everything appended so far durable.
    ///
    /// # Errors
    /// Errors of the storage; `Stale` if the journal was opened again since.
    async fn flush(&mut self) -> Result<()>;

    /// Reads every durable record, in order.
    ///
    /// # Errors
    /// Errors of the storage; `Invalid` for what is not a journal record, after which the stream goes on.
    fn read_all(&self) -> BoxStream<'static, Result<JournalRecord>>;
}

/// Returns the error of a writer whose epoch is over.
fn check_epoch(current: u64, epoch: u64) -> Result<()> {
    if current == epoch {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Stale, "write the journal")
        .with_detail(format!("it was opened again by another run (epoch {current}, not {epoch})")))
}

/// A journal in memory, for tests and for programs that keep their own records. A clone is the same journal.
#[derive(Debug, Clone, Default)]
pub struct MemoryJournal(Arc<Mutex<Memory>>);

#[derive(Debug, Default)]
struct Memory {
    records: Vec<JournalRecord>,
    epoch: u64,
}

impl MemoryJournal {
    /// Returns the records that were appended.
    pub fn records(&self) -> Vec<JournalRecord> {
        self.memory().records.clone()
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Journal for MemoryJournal {
    async fn open(&mut self) -> Result<JournalState> {
        let (mut state, mut memory) = (JournalState::default(), self.memory());
        memory.records.iter().for_each(|record| state.add(record));
        state.epoch = state.epoch.max(memory.epoch);
        let state = state.next_epoch();
        memory.epoch = state.epoch;
        Ok(state)
    }

    async fn append(&mut self, epoch: u64, records: &[JournalRecord]) -> Result<()> {
        let mut memory = self.memory();
        check_epoch(memory.epoch, epoch)?;
        memory.records.extend_from_slice(records);
        Ok(())
    }

    async fn flush(&mut self) -> Result<()> {
        Ok(())
    }

    fn read_all(&self) -> BoxStream<'static, Result<JournalRecord>> {
        stream::iter(self.records()).map(Ok).boxed()
    }
}
