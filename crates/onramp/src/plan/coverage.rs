//! The consequences of a new plan that were accepted with an earlier one.

use std::collections::HashSet;

use onramp_core::ObjectGuid;

use super::{Change, Consequence, Plan};

impl Plan {
    /// Returns the IDs of the consequences of this plan that an accepted consequence of an earlier plan includes.
    ///
    /// After a run that was stopped, a new plan for the rest has other numbers and digests. A consequence of it was accepted
    /// if each of its members was a member of an accepted one.
    pub fn covered_by(&self, earlier: &Plan, accepted: &[String]) -> Vec<String> {
        let taken: Vec<&Consequence> =
            earlier.consequences.iter().filter(|consequence| accepted.contains(&consequence.id())).collect();
        let renamed = Renames::of(earlier);
        let covered = self.consequences.iter().filter(|consequence| {
            taken.iter().any(|before| self.is_included(consequence, before, earlier, &renamed))
        });
        covered.map(Consequence::id).collect()
    }

    fn is_included(
        &self,
        now: &Consequence,
        before: &Consequence,
        earlier: &Plan,
        renamed: &Renames<'_>,
    ) -> bool {
        if now.id() == before.id() {
            return true;
        }
        match (now, before) {
            (Consequence::UsersRenamed { .. }, Consequence::UsersRenamed { .. }) => {
                Renames::of(self).0.is_subset(&renamed.0)
            }
            (Consequence::UsersLeftBehind { .. }, Consequence::UsersLeftBehind { .. }) => self
                .blockers
                .iter()
                .filter(|blocker| !blocker.is_fatal())
                .all(|b| earlier.blockers.contains(b)),
            (
                Consequence::BuiltInAccountsRenamed { accounts: now },
                Consequence::BuiltInAccountsRenamed { accounts: before },
            ) => now.iter().all(|account| before.contains(account)),
            (
                Consequence::CloudUsersOverwritten { matches: now },
                Consequence::CloudUsersOverwritten { matches: before },
            ) => {
                let pairs: HashSet<_> = before.iter().map(|m| (m.user.guid, m.cloud.id, m.kind)).collect();
                now.iter().all(|m| pairs.contains(&(m.user.guid, m.cloud.id, m.kind)))
            }
            (
                Consequence::SyncConflictsExpected { conflicts: now },
                Consequence::SyncConflictsExpected { conflicts: before },
            ) => {
                let pairs: HashSet<_> = before.iter().map(|c| (c.user.guid, c.cloud.id, c.reason)).collect();
                now.iter().all(|c| pairs.contains(&(c.user.guid, c.cloud.id, c.reason)))
            }
            (
                Consequence::MapWithoutEffect { names: now },
                Consequence::MapWithoutEffect { names: before },
            ) => now.iter().all(|name| before.contains(name)),
            (
                Consequence::ObjectsUnreadable { count: now, named, .. },
                Consequence::ObjectsUnreadable { count: before, named: known, .. },
            ) => now <= before && named.len() as u64 == *now && named.iter().all(|one| known.contains(one)),
            (Consequence::DomainVerified { domain: now }, Consequence::DomainAdded { domain: before }) => {
                now == before
            }
            (
                Consequence::ServiceAccountChanged { upn: now, changes },
                Consequence::ServiceAccountCreated { upn: before }
                | Consequence::ServiceAccountChanged { upn: before, .. }
                | Consequence::AccountTakenOver { upn: before, .. },
            ) => {
                // Only changes of the earlier plan: the account may have been changed since, for example disabled.
                let planned: HashSet<String> = earlier.changes.iter().map(|p| p.change.to_string()).collect();
                now == before && changes.iter().all(|change| planned.contains(change))
            }
            _ => false,
        }
    }
}

/// The users that get a new UPN, each with the current and the new one.
struct Renames<'a>(HashSet<(ObjectGuid, Option<&'a str>, &'a str)>);

impl<'a> Renames<'a> {
    fn of(plan: &'a Plan) -> Self {
        let renames = plan.changes.iter().filter_map(|planned| match &planned.change {
            Change::ChangeUpn { upn } => Some((upn.guid, upn.before.as_deref(), upn.after.as_str())),
            _ => None,
        });
        Self(renames.collect())
    }
}
