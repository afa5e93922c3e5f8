//! The plan in the making: the steps add their changes to a draft.

use std::collections::BTreeMap;

use onramp_core::ObjectGuid;
use onramp_core::forest::ReplicatedValue;

use super::{Blocker, BlockerKind, Change, Consequence, ObjectEdit, PlannedChange, short_digest};
use crate::user_ref::UserRef;

/// Returns references in the order of a key: a directory returns objects in no defined order.
pub(crate) fn sorted<'a, T, K: Ord>(all: &'a [T], key: impl Fn(&'a T) -> K) -> Vec<&'a T> {
    let mut all: Vec<&T> = all.iter().collect();
    all.sort_by_key(|one| key(one));
    all
}

/// Returns the sort key of a user: its place in the tree.
pub(crate) fn by_place(user: &UserRef) -> (&str, ObjectGuid) {
    (user.dn.as_str(), user.guid)
}

/// A plan to which the steps add their changes.
#[derive(Default)]
pub(crate) struct Draft {
    pub(crate) changes: Vec<PlannedChange>,
    pub(crate) consequences: Vec<Consequence>,
    pub(crate) blockers: Vec<Blocker>,
    pub(crate) warnings: Vec<String>,
}

impl Draft {
    /// Adds a change.
    pub(crate) fn change(&mut self, change: Change, reason: impl Into<String>) {
        let number = self.changes.len() as u64 + 1;
        self.changes.push(PlannedChange { number, reason: reason.into(), change });
    }

    /// Blocks the whole plan.
    pub(crate) fn block_all(&mut self, problem: BlockerKind) {
        if self.blockers.iter().any(|known| known.is_fatal() && known.problem == problem) {
            return;
        }
        self.blockers.push(Blocker { user: None, present_upn: None, problem, suggestion: None });
    }

    /// Adds a wait for the replication of values, without the domain controllers that do not answer.
    pub(crate) fn await_replication(
        &mut self,
        values: Vec<ReplicatedValue>,
        without: Vec<String>,
        reason: impl Into<String>,
    ) {
        self.change(Change::AwaitReplication { values, without }, reason);
    }
}

/// Returns the number of changed objects, the numbers by attribute, and the digest of the values; `None` if there is none.
pub(crate) fn attribute_summary(changes: &[PlannedChange]) -> Option<(u64, BTreeMap<String, u64>, String)> {
    let edits: Vec<&ObjectEdit> =
        changes.iter().filter_map(|planned| planned.change.of_attributes()).collect();
    let mut attributes: BTreeMap<String, u64> = BTreeMap::new();
    for edit in edits.iter().flat_map(|edit| &edit.attributes) {
        *attributes.entry(edit.attribute.to_string()).or_default() += 1;
    }
    let digest = short_digest(edits.iter().map(|edit| edit.key()));
    (!edits.is_empty()).then_some((edits.len() as u64, attributes, digest))
}
