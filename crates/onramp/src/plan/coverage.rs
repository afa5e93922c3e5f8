//! The consequences of a new plan that were accepted with an earlier one.

use std::collections::HashSet;

use onramp_core::ObjectGuid;

use super::{Consequence, ObjectEdit, Plan};

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
            (Consequence::UsersRenamed { .. }, Consequence::UsersRenamed { .. })
            | (Consequence::UsersRestored { .. }, Consequence::UsersRestored { .. }) => {
                Renames::of(self).0.is_subset(&renamed.0)
            }
            (Consequence::AttributesChanged { .. }, Consequence::AttributesChanged { .. })
            // Each of these users has the same change of its attributes in the earlier plan.
            | (Consequence::PrimaryAddressesChanged { .. }, Consequence::PrimaryAddressesChanged { .. })
            | (Consequence::TargetAddressesChanged { .. }, Consequence::TargetAddressesChanged { .. })
            | (Consequence::AttributesRestored { .. }, Consequence::AttributesRestored { .. }) => {
                let edits = |plan: &'_ Self| -> Vec<String> {
                    let edits = plan.changes.iter().filter_map(|planned| planned.change.of_attributes());
                    edits.map(ObjectEdit::key).collect()
                };
                let known: HashSet<String> = edits(earlier).into_iter().collect();
                edits(self).iter().all(|edit| known.contains(edit))
            }
            (Consequence::UsersLeftBehind { .. }, Consequence::UsersLeftBehind { .. })
            | (Consequence::ObjectsLeftBehind { .. }, Consequence::ObjectsLeftBehind { .. }) => self
                .blockers
                .iter()
                .filter(|blocker| !blocker.is_fatal())
                .all(|b| earlier.blockers.contains(b)),
            (
                Consequence::BuiltInAccountsRenamed { accounts: now },
                Consequence::BuiltInAccountsRenamed { accounts: before },
            )
            | (
                Consequence::SharedMailboxesChanged { mailboxes: now },
                Consequence::SharedMailboxesChanged { mailboxes: before },
            ) => now.iter().all(|account| before.contains(account)),
            (
                Consequence::ExcludedObjectsChanged { objects: now },
                Consequence::ExcludedObjectsChanged { objects: before },
            ) => now.iter().all(|object| before.contains(object)),
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
                Consequence::ObjectsUnreadable { named: known, .. },
            ) => named.len() as u64 == *now && named.iter().all(|one| known.contains(one)),
            (Consequence::NotUndone { changes: now }, Consequence::NotUndone { changes: before }) => {
                // The reason names present users, of whom there are fewer after a part of the undo.
                let title = |change: &String| change.split(": ").next().unwrap_or_default().to_owned();
                let known: HashSet<String> = before.iter().map(title).collect();
                now.iter().all(|change| known.contains(&title(change)))
            }
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
            (
                Consequence::ApplicationChanged { unique_name: now, changes },
                Consequence::ApplicationCreated { unique_name: before, .. }
                | Consequence::ApplicationChanged { unique_name: before, .. }
                | Consequence::ApplicationTakenOver { unique_name: before, .. },
            ) => {
                let planned: HashSet<String> = earlier.changes.iter().map(|p| p.change.to_string()).collect();
                now == before && changes.iter().all(|change| planned.contains(change))
            }
            _ => false,
        }
    }
}

/// The users that get a new UPN, each with the current and the new one.
struct Renames<'a>(HashSet<(ObjectGuid, Option<&'a str>, Option<&'a str>)>);

impl<'a> Renames<'a> {
    fn of(plan: &'a Plan) -> Self {
        let users = plan.changes.iter().filter_map(|planned| planned.change.upn_values());
        let renames = users.map(|values| (values.guid, values.before, values.after));
        Self(renames.collect())
    }
}

#[cfg(test)]
mod tests {
    use onramp_core::forest::UpnChange;
    use onramp_core::tenant::{SyncState, SyncStatus, TenantUser};
    use onramp_core::{DistinguishedName, ObjectId, Upn};
    use onramp_readiness::forecast::{CloudConflict, CloudMatch, CloudUser, ConflictReason, MatchKind};
    use time::OffsetDateTime;

    use super::*;
    use crate::plan::Change;
    use crate::plan::{Blocker, BlockerKind, PlannedChange};
    use crate::user_ref::UserRef;
    use crate::{Spec, Survey, plan};

    /// A plan with one consequence, and with what it counts.
    fn of(consequence: Consequence) -> Plan {
        let spec = Spec::from_toml("domain = 'contoso.com'").unwrap();
        let tenant = SyncStatus::new(ObjectId::from_u128(1), "contoso", SyncState::Disabled);
        let empty = plan(&spec, &Survey::new(OffsetDateTime::UNIX_EPOCH, tenant));
        let (changes, blockers) = (Vec::new(), Vec::new());
        Plan { changes, blockers, consequences: vec![consequence], ..empty }
    }

    fn with(mut plan: Plan, changes: Vec<Change>) -> Plan {
        let planned = |change| PlannedChange { number: 1, reason: String::new(), change };
        plan.changes = changes.into_iter().map(planned).collect();
        plan
    }

    fn upn(text: &str) -> Upn {
        Upn::parse(text).unwrap()
    }

    fn user(number: u8) -> UserRef {
        let dn = DistinguishedName::parse(&format!("CN=user{number},DC=corp,DC=local")).unwrap();
        UserRef { guid: ObjectGuid::from_bytes([number; 16]), dn, sam_account_name: String::new() }
    }

    /// Each user by number, with its current UPN and the new one.
    fn renamed(all: &[(u8, Option<&str>, &str)]) -> Plan {
        let digest = format!("{all:?}");
        let changes = all.iter().map(|(number, before, after)| {
            let UserRef { guid, dn, .. } = user(*number);
            let before = before.map(str::to_owned);
            Change::ChangeUpn { upn: UpnChange { guid, dn, before, after: upn(after) } }
        });
        with(of(Consequence::UsersRenamed { count: all.len() as u64, digest }), changes.collect())
    }

    /// Each user by number, with its mail address elsewhere, and a blocker of the whole plan.
    fn blocked(all: &[(u8, &str)], whole: &str) -> Plan {
        let blocker = |user, mail: &str| {
            let problem = BlockerKind::MailElsewhere { mail: mail.to_owned() };
            Blocker { user, present_upn: None, problem, suggestion: None }
        };
        let (count, digest) = (all.len() as u64, format!("{all:?}"));
        let mut plan = of(Consequence::UsersLeftBehind { count, digest });
        plan.blockers.extend(all.iter().map(|(number, mail)| blocker(Some(user(*number)), mail)));
        plan.blockers.push(blocker(None, whole));
        plan
    }

    fn cloud(number: u8) -> CloudUser {
        let user = TenantUser::new(ObjectId::from_u128(u128::from(number)), upn("x@contoso.com"));
        serde_json::from_value(serde_json::json!({ "id": user.id, "upn": user.upn, "is_enabled": true }))
            .unwrap()
    }

    /// An AD user, a cloud user and the kind of match each.
    fn overwritten(all: &[(u8, u8, MatchKind)]) -> Plan {
        let one = |(ad, other, kind): &(u8, u8, MatchKind)| CloudMatch::new(user(*ad), cloud(*other), *kind);
        of(Consequence::CloudUsersOverwritten { matches: all.iter().map(one).collect() })
    }

    /// The same with the reason of a conflict.
    fn conflicts(all: &[(u8, u8, ConflictReason)]) -> Plan {
        let one = |(ad, other, reason): &(u8, u8, ConflictReason)| {
            CloudConflict::new(user(*ad), cloud(*other), *reason)
        };
        of(Consequence::SyncConflictsExpected { conflicts: all.iter().map(one).collect() })
    }

    fn built_in(all: &[u8]) -> Plan {
        of(Consequence::BuiltInAccountsRenamed { accounts: all.iter().map(|number| user(*number)).collect() })
    }

    fn without_effect(all: &[&str]) -> Plan {
        of(Consequence::MapWithoutEffect { names: all.iter().map(|name| (*name).to_owned()).collect() })
    }

    fn unreadable(count: u64, named: &[&str]) -> Plan {
        let digest = format!("{count} {named:?}");
        let named = named.iter().map(|name| (*name).to_owned()).collect();
        of(Consequence::ObjectsUnreadable { count, named, digest })
    }

    fn created(name: &str) -> Plan {
        let (display_name, other_mails) = (String::new(), Vec::new());
        let first_password = crate::FirstPassword::Final;
        let create =
            Change::CreateServiceAccount { upn: upn(name), display_name, other_mails, first_password };
        let prove = Change::ProveSignIn { upn: upn(name), id: None };
        with(of(Consequence::ServiceAccountCreated { upn: upn(name) }), vec![create, prove])
    }

    fn taken_over(name: &str) -> Plan {
        let id = ObjectId::from_u128(1);
        let taken = of(Consequence::AccountTakenOver {
            upn: upn(name),
            id,
            roles: Vec::new(),
            password_replaced: true,
            enabled: true,
        });
        let set = Change::SetServiceAccountPassword {
            upn: upn(name),
            id: Some(id),
            replace: false,
            last_changed: None,
        };
        with(taken, vec![set, Change::EnableServiceAccount { upn: upn(name), id: Some(id) }])
    }

    fn changed(name: &str, changes: &[&str]) -> Plan {
        let changes = changes.iter().map(|change| format!("{change} {name}")).collect();
        of(Consequence::ServiceAccountChanged { upn: upn(name), changes })
    }

    fn domain(consequence: fn(onramp_core::DomainName) -> Consequence, name: &str) -> Plan {
        of(consequence(name.parse().unwrap()))
    }

    #[test]
    fn what_is_left_of_an_accepted_consequence_is_accepted_and_nothing_more() {
        use ConflictReason::{AddressConflict, UpnConflict};
        use MatchKind::{PrimarySmtp, SourceAnchor};
        let added = |name| domain(|domain| Consequence::DomainAdded { domain }, name);
        let verified = |name| domain(|domain| Consequence::DomainVerified { domain }, name);
        let suffix = |name| domain(|suffix| Consequence::SuffixAdded { suffix }, name);
        let (sync, sam) = ("sync@contoso.com", "sam@contoso.com");
        let (set, enable) = ("set a strong password that does not expire for", "enable the account");
        let three = [(1, Some("a@old"), "a@new"), (2, None, "b@new"), (3, Some("c@old"), "c@new")];
        for (is_covered, before, now) in [
            (true, renamed(&three), renamed(&three[1..])),
            (false, renamed(&three[..2]), renamed(&three)),
            (false, renamed(&three), renamed(&[(1, Some("a@other"), "a@new")])),
            (false, renamed(&three), renamed(&[(1, Some("a@old"), "a@other")])),
            (false, renamed(&three), renamed(&[(4, Some("a@old"), "a@new")])),
            (true, blocked(&[(1, "a"), (2, "b")], "old"), blocked(&[(2, "b")], "new")),
            (false, blocked(&[(2, "b")], "same"), blocked(&[(1, "a"), (2, "b")], "same")),
            (false, blocked(&[(1, "a"), (2, "b")], "same"), blocked(&[(1, "b")], "same")),
            (true, built_in(&[1, 2]), built_in(&[2])),
            (false, built_in(&[1, 2]), built_in(&[2, 3])),
            (
                true,
                overwritten(&[(1, 1, SourceAnchor), (2, 2, PrimarySmtp)]),
                overwritten(&[(2, 2, PrimarySmtp)]),
            ),
            (
                false,
                overwritten(&[(2, 2, PrimarySmtp)]),
                overwritten(&[(2, 2, PrimarySmtp), (1, 1, SourceAnchor)]),
            ),
            (false, overwritten(&[(1, 1, SourceAnchor)]), overwritten(&[(1, 1, PrimarySmtp)])),
            (false, overwritten(&[(1, 1, SourceAnchor)]), overwritten(&[(1, 2, SourceAnchor)])),
            (false, overwritten(&[(1, 1, SourceAnchor)]), overwritten(&[(2, 1, SourceAnchor)])),
            (
                true,
                conflicts(&[(1, 1, UpnConflict), (2, 2, AddressConflict)]),
                conflicts(&[(2, 2, AddressConflict)]),
            ),
            (
                false,
                conflicts(&[(2, 2, UpnConflict)]),
                conflicts(&[(2, 2, UpnConflict), (1, 1, UpnConflict)]),
            ),
            (false, conflicts(&[(1, 1, UpnConflict)]), conflicts(&[(1, 1, AddressConflict)])),
            (true, without_effect(&["a", "b"]), without_effect(&["b"])),
            (false, without_effect(&["b"]), without_effect(&["a", "b"])),
            (true, unreadable(2, &["a", "b"]), unreadable(1, &["b"])),
            (false, unreadable(2, &["a", "b"]), unreadable(2, &["b", "c"])),
            // Not all of the new ones are known by name.
            (false, unreadable(3, &["a", "b"]), unreadable(2, &["b"])),
            (true, added("contoso.com"), verified("contoso.com")),
            (false, added("contoso.com"), verified("fabrikam.com")),
            (false, verified("contoso.com"), added("contoso.com")),
            (true, suffix("contoso.com"), suffix("contoso.com")),
            (false, suffix("contoso.com"), suffix("fabrikam.com")),
            (false, created(sync), changed(sync, &[enable])),
            (true, created(sync), changed(sync, &["test the sign-in of"])),
            (true, taken_over(sync), changed(sync, &[enable])),
            (true, taken_over(sync), changed(sync, &[set, enable])),
            (false, taken_over(sync), changed(sync, &[enable, "test the sign-in of"])),
            (false, taken_over(sam), changed(sync, &[enable])),
            (false, Plan { changes: taken_over(sync).changes, ..taken_over(sam) }, changed(sync, &[enable])),
            (
                true,
                Plan { changes: taken_over(sync).changes, ..changed(sync, &[set, enable]) },
                changed(sync, &[enable]),
            ),
        ] {
            let text = format!("{:?} after {:?}", now.consequences, before.consequences);
            let accepted: Vec<String> = before.consequences.iter().map(Consequence::id).collect();
            let ids: Vec<String> =
                now.consequences.iter().filter(|_| is_covered).map(Consequence::id).collect();
            assert_eq!(now.covered_by(&before, &accepted), ids, "{text}");
            assert!(now.covered_by(&before, &[]).is_empty(), "it was not accepted: {text}");
        }
    }
}
