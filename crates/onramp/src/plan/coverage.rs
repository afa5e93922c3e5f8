//! The rest of an earlier plan: what was accepted with it needs no second yes.

use std::collections::HashSet;

use onramp_core::ObjectGuid;

use super::{Change, Consequence, Plan};

impl Plan {
    /// The consequences of this plan, by ID, that say no more than one of an earlier plan which is among `accepted`.
    ///
    /// A run that was stopped leaves less to do, and a new plan for the rest has other counts and digests. What it
    /// renames, leaves behind or overwrites was accepted, if each member was a member of what was accepted before.
    pub fn covered_by(&self, earlier: &Plan, accepted: &[String]) -> Vec<String> {
        let taken: Vec<&Consequence> =
            earlier.consequences.iter().filter(|consequence| accepted.contains(&consequence.id())).collect();
        let renamed = Renames::of(earlier);
        let covered = self.consequences.iter().filter(|consequence| {
            taken.iter().any(|before| self.says_no_more(consequence, before, earlier, &renamed))
        });
        covered.map(Consequence::id).collect()
    }

    fn says_no_more(
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
                // Not what somebody did to the account since: to enable it again was in nobody's plan.
                let planned: HashSet<String> = earlier.changes.iter().map(|p| p.change.to_string()).collect();
                now == before && changes.iter().all(|change| planned.contains(change))
            }
            _ => false,
        }
    }
}

/// The users that a plan gives new UPNs, each with the UPN there is and the one there will be.
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
