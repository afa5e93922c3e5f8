//! The plan in the making: the steps add their changes to a draft.

use onramp_core::ObjectGuid;
use onramp_core::forest::ReplicatedValue;

use super::lines::PLAN_FORMAT_VERSION;
use super::{Blocker, BlockerKind, Change, Consequence, Plan, PlanHeader, PlannedChange, Scope};
use crate::spec::Spec;
use crate::steps;
use crate::steps::suffix::SilentController;
use crate::steps::users::UserRef;
use crate::survey::Survey;

/// Computes the changes that make a spec true, given the state that a survey found.
///
/// The same spec and survey give the same plan. A user that cannot be changed is left as it is: it has a [`Blocker`]
/// that names the reason, and the plan has the consequence [`Consequence::UsersLeftBehind`].
pub fn plan(spec: &Spec, survey: &Survey) -> Plan {
    let mut draft = Draft::default();
    steps::plan(spec, survey, &mut draft);
    let users = &survey.users;
    Plan {
        header: PlanHeader {
            format_version: PLAN_FORMAT_VERSION,
            surveyed_at: survey.taken_at,
            tenant: survey.sync.status.tenant_id,
            tenant_name: survey.sync.status.display_name.clone(),
            forest: survey.suffix.forest(),
            domain: spec.domain.clone(),
            scope: Scope {
                users: spec.users.is_some(),
                sync: spec.sync.enable,
                service_account: spec.service_account.is_some(),
            },
            users_read: survey.counts.forest_users,
            users_skipped: (users.skipped_counts.iter())
                .map(|(reason, count)| (reason.to_string(), *count))
                .collect(),
            waits: spec.waits,
            undoes: None,
        },
        changes: draft.changes,
        consequences: draft.consequences,
        blockers: draft.blockers,
        warnings: draft.warnings,
        skipped: sorted(&users.skipped, |skipped| by_place(&skipped.user)).into_iter().cloned().collect(),
    }
}

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
        self.blockers.push(Blocker { user: None, present_upn: None, problem });
    }

    /// Adds a wait for the replication of values to the domain controllers that answer.
    pub(crate) fn await_replication(
        &mut self,
        values: Vec<ReplicatedValue>,
        silent: &[SilentController],
        reason: impl Into<String>,
    ) {
        let mut without: Vec<String> = silent.iter().map(|silent| silent.host.clone()).collect();
        without.sort_unstable();
        self.change(Change::AwaitReplication { values, without }, reason);
    }
}
