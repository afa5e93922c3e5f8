//! The data and the plan in the making while a run is being undone.

use onramp_core::ObjectId;
use onramp_core::forest::ReplicatedValue;

use super::{RecordedRun, UndoSelection};
use crate::onramp::Onramp;
use crate::plan::{Change, Consequence, Draft, PlannedChange, Skipped};
use crate::survey::SuffixSurvey;

/// The data that every step needs to undo its changes, and the plan to which it adds them.
pub(crate) struct Undoing<'a> {
    pub(crate) onramp: &'a Onramp,
    pub(crate) run: &'a RecordedRun,
    pub(crate) selection: &'a UndoSelection,
    /// The suffixes and domain controllers of the forest.
    pub(crate) suffix: SuffixSurvey,
    pub(crate) draft: Draft,
    pub(crate) skipped: Vec<Skipped>,
    /// The number of users that were read.
    pub(crate) users_read: u64,
    /// The object ID of the account that the plan deletes.
    pub(crate) deleted: Option<ObjectId>,
    /// The object ID of the account that the plan restores.
    pub(crate) restored: Option<ObjectId>,
    /// The changes that are not undone, each with the reason.
    pub(crate) not_undone: Vec<String>,
}

/// The parts of an [`Undoing`] to which one change adds.
pub(crate) struct Progress {
    changes: usize,
    consequences: usize,
    deleted: Option<ObjectId>,
    restored: Option<ObjectId>,
}

impl Undoing<'_> {
    /// Returns true if only some of the users or other objects are undone.
    pub(crate) fn is_narrowed(&self) -> bool {
        self.selection.is_narrowed()
    }

    /// Returns the plan so far.
    pub(crate) fn progress(&self) -> Progress {
        Progress {
            changes: self.draft.changes.len(),
            consequences: self.draft.consequences.len(),
            deleted: self.deleted,
            restored: self.restored,
        }
    }

    /// Takes back what the plan got since then for a change whose value another run wrote.
    pub(crate) fn keep_what_another_run_wrote(&mut self, before: Progress, made: &PlannedChange) {
        if self.draft.changes.len() == before.changes {
            return;
        }
        let Some(other) = self.run.written_by(made) else { return };
        self.draft.changes.truncate(before.changes);
        self.draft.consequences.truncate(before.consequences);
        (self.deleted, self.restored) = (before.deleted, before.restored);
        self.leave(made, format!("written by the run {other}: undo that one first"));
    }

    /// Warns of other runs that may have written the same values and are not known.
    pub(crate) fn warn_of_unknown_runs(&mut self) {
        let would = "what it wrote again since the run to undo, to the same value, would be undone, too";
        let Some(others) = self.run.others() else {
            let warning = format!("no other run is known: if there was one, {would}");
            return self.draft.warnings.push(warning);
        };
        let unreadable = others.unreadable().map(|run| format!("the run {run} cannot be read: {would}"));
        self.draft.warnings.extend(unreadable);
    }

    /// Adds a change that undoes one of the run.
    pub(crate) fn undo(&mut self, of: &PlannedChange, change: Change) {
        self.draft.change(change, format!("undoes change {} of the run: {}", of.number, of.change));
    }

    /// Adds a wait for the replication of values.
    pub(crate) fn await_replication(&mut self, values: Vec<ReplicatedValue>, reason: &str) {
        self.draft.await_replication(values, self.suffix.silent_hosts(), reason);
    }

    /// Adds a consequence.
    pub(crate) fn accept(&mut self, consequence: Consequence) {
        self.draft.consequences.push(consequence);
    }

    /// Leaves a change of the run as it is.
    pub(crate) fn leave(&mut self, of: &PlannedChange, reason: impl std::fmt::Display) {
        self.not_undone.push(format!("{}: {reason}", of.change));
    }
}
