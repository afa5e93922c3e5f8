//! The writes of other runs to the values that a run wrote.

use std::collections::{HashMap, HashSet};

use onramp_core::forest::AttributeValue;
use onramp_core::tenant::{AzureRoleId, RoleTemplateId};
use onramp_core::{AttributeName, DomainName, ObjectGuid, ObjectId};
use time::OffsetDateTime;

use crate::plan::{AttributeEdit, Change, Plan, PlanHeader};

/// A value of either directory that a change writes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Target {
    Upn(ObjectGuid),
    /// An attribute with one value, or one value of an attribute with several.
    Attribute(ObjectGuid, AttributeName, Option<String>),
    Domain(DomainName),
    Verification(DomainName),
    Suffix(DomainName),
    Sync,
    Account(ObjectId),
    AlternateEmail(ObjectId),
    Enabled(ObjectId),
    Mfa(ObjectId),
    Role(ObjectId, RoleTemplateId),
    SubscriptionRole(ObjectId, ObjectId, AzureRoleId),
    /// The application, an API and the name of its permission.
    AppRole(ObjectId, ObjectId, String),
    ServicePrincipal(ObjectId),
}

impl Target {
    /// Returns the targets of a change, each with the value that it writes and the one that it replaces, where there can be
    /// more than two.
    fn all_of(change: &Change, account: Option<ObjectId>) -> Vec<(Self, Option<String>, Option<String>)> {
        if let Some(object) = change.of_attributes() {
            return object.attributes.iter().flat_map(|edit| Self::of_attribute(object.guid, edit)).collect();
        }
        let before = match change {
            Change::SetAlternateEmail { before, .. } => Some(before.join("\n")),
            Change::SetMfaState { before, .. } => Some(before.to_string()),
            change => change.of_user().and_then(|values| values.before).map(str::to_owned),
        };
        Self::of(change, account).map(|(target, value)| (target, value, before)).into_iter().collect()
    }

    /// Returns the targets of an edit: the attribute, or each of its values if others may stand beside them.
    fn of_attribute(guid: ObjectGuid, edit: &AttributeEdit) -> Vec<(Self, Option<String>, Option<String>)> {
        let text = |values: &[AttributeValue]| values.first().map(ToString::to_string);
        let attribute = || edit.attribute.clone();
        if edit.is_of_upn() {
            return vec![(Self::Upn(guid), text(&edit.add), text(&edit.remove))];
        }
        if edit.replaces_all_values {
            return vec![(Self::Attribute(guid, attribute(), None), text(&edit.add), text(&edit.remove))];
        }
        let each = |values: &[AttributeValue], is_there: bool| -> Vec<_> {
            let value = is_there.then(String::new);
            let target = |one: &AttributeValue| Self::Attribute(guid, attribute(), Some(one.to_string()));
            values.iter().map(|one| (target(one), value.clone(), None)).collect()
        };
        [each(&edit.remove, false), each(&edit.add, true)].concat()
    }

    /// Returns the target of a change, and the value that it writes. A password is none: it is never undone; nor is a certificate,
    /// of which an application may have several.
    fn of(change: &Change, account: Option<ObjectId>) -> Option<(Self, Option<String>)> {
        if let Some(values) = change.of_user() {
            return Some((Self::Upn(values.guid), values.after.map(str::to_owned)));
        }
        let is = |is_there: bool| is_there.then(String::new);
        Some(match change {
            Change::AddDomain { domain } => (Self::Domain(domain.clone()), is(true)),
            Change::RemoveDomain { domain, .. } => (Self::Domain(domain.clone()), is(false)),
            Change::VerifyDomain { domain } => (Self::Verification(domain.clone()), is(true)),
            Change::AddSuffix { suffix } => (Self::Suffix(suffix.clone()), is(true)),
            Change::RemoveSuffix { suffix } => (Self::Suffix(suffix.clone()), is(false)),
            Change::EnableSync => (Self::Sync, is(true)),
            Change::DisableSync => (Self::Sync, is(false)),
            Change::CreateServiceAccount { .. }
            | Change::RestoreServiceAccount { .. }
            | Change::CreateApplication { .. } => (Self::Account(account?), is(true)),
            Change::DeleteServiceAccount { .. } | Change::DeleteApplication { .. } => {
                (Self::Account(account?), is(false))
            }
            Change::CreateServicePrincipal { .. } => (Self::ServicePrincipal(account?), is(true)),
            Change::DeleteServicePrincipal { .. } => (Self::ServicePrincipal(account?), is(false)),
            Change::GrantAppRole { resource, role, .. } => {
                (Self::AppRole(account?, *resource, role.clone()), is(true))
            }
            Change::RevokeAppRole { resource, role, .. } => {
                (Self::AppRole(account?, *resource, role.clone()), is(false))
            }
            Change::SetAlternateEmail { after, .. } => {
                (Self::AlternateEmail(account?), Some(after.join("\n")))
            }
            Change::EnableServiceAccount { .. } => (Self::Enabled(account?), is(true)),
            Change::DisableServiceAccount { .. } => (Self::Enabled(account?), is(false)),
            Change::SetMfaState { after, .. } => (Self::Mfa(account?), Some(after.to_string())),
            Change::AssignRole { role, .. } => (Self::Role(account?, *role), is(true)),
            Change::RemoveRole { role, .. } => (Self::Role(account?, *role), is(false)),
            Change::AssignSubscriptionRole { subscription, role, .. } => {
                (Self::SubscriptionRole(account?, *subscription, *role), is(true))
            }
            Change::RemoveSubscriptionRole { subscription, role, .. } => {
                (Self::SubscriptionRole(account?, *subscription, *role), is(false))
            }
            _ => return None,
        })
    }

    /// Returns the account that it belongs to.
    fn account(&self) -> Option<ObjectId> {
        match self {
            Self::Account(id)
            | Self::AlternateEmail(id)
            | Self::Enabled(id)
            | Self::Mfa(id)
            | Self::Role(id, _)
            | Self::SubscriptionRole(id, ..)
            | Self::AppRole(id, ..)
            | Self::ServicePrincipal(id) => Some(*id),
            _ => None,
        }
    }
}

/// The value that the run to undo wrote.
#[derive(Debug, Clone)]
struct Own {
    since: OffsetDateTime,
    value: Option<String>,
    before: Option<String>,
    /// True if it is known to have been written.
    is_made: bool,
}

/// A write of another run.
#[derive(Debug, Clone)]
struct Write {
    /// The place of the run in the list.
    run: usize,
    at: OffsetDateTime,
    /// True if it was made before that of the run to undo.
    is_earlier: bool,
    /// True if it is taken for made.
    counts: bool,
    /// True if the value of the run to undo may be its value.
    may_stand: bool,
}

#[derive(Debug, Clone)]
struct Other {
    name: String,
    digest: String,
    undoes: Option<String>,
}

/// The other runs on the same two directories, as far as they wrote the values that a run wrote.
///
/// A present value shows only that a run may still stand. If somebody changed it since and a later run wrote it again, it is that
/// run's, and undoing the earlier one would lose what stood between them. So the later run has to be undone first. What a run that was
/// killed may have written is another run's, too, if that one is known to have made the same change.
///
/// ```
/// use onramp::{OtherRuns, RecordedRun};
///
/// /// Returns a run with all others, each under the name by which operators know it.
/// fn with_others(run: RecordedRun, others: &[(String, RecordedRun)]) -> RecordedRun {
///     let mut known = OtherRuns::of(&run);
///     for (name, other) in others {
///         known.add(name, other);
///     }
///     run.with_others(known)
/// }
/// ```
#[derive(Debug, Clone)]
pub struct OtherRuns {
    header: PlanHeader,
    own: HashMap<Target, Own>,
    /// The accounts that the run created or restored: a later change of one keeps it from being deleted.
    accounts: HashSet<ObjectId>,
    writes: HashMap<Target, Vec<Write>>,
    others: Vec<Other>,
    unreadable: Vec<String>,
}

/// A value that a recorded run wrote or may have written.
pub(super) struct RecordedWrite {
    target: Target,
    /// The value; `None` if it removed one.
    value: Option<String>,
    /// The value that it replaced, where there can be more than two.
    before: Option<String>,
    /// The times between which it was written.
    since: OffsetDateTime,
    until: OffsetDateTime,
    /// True if it is known to have been written.
    is_made: bool,
}

impl RecordedWrite {
    /// Creates the writes of a change, made between those times; none for a change that is never undone.
    pub(super) fn of(
        change: &Change,
        account: Option<ObjectId>,
        (since, until): (OffsetDateTime, OffsetDateTime),
        is_made: bool,
    ) -> impl Iterator<Item = Self> {
        let targets = Target::all_of(change, account).into_iter();
        targets.map(move |(target, value, before)| Self { target, value, before, since, until, is_made })
    }
}

impl OtherRuns {
    /// Creates a list without a run, for a run with those writes.
    pub(super) fn new(plan: &Plan, writes: impl Iterator<Item = RecordedWrite>) -> Self {
        let (mut own, mut accounts) = (HashMap::new(), HashSet::new());
        for RecordedWrite { target, value, before, since, is_made, .. } in writes {
            if let (Target::Account(id), Some(_)) = (&target, &value) {
                accounts.insert(*id);
            }
            own.insert(target, Own { since, value, before, is_made });
        }
        let header = plan.header().clone();
        Self { header, own, accounts, writes: HashMap::new(), others: Vec::new(), unreadable: Vec::new() }
    }

    /// Adds another run with those writes.
    pub(super) fn add_writes(
        &mut self,
        name: String,
        plan: &Plan,
        writes: impl Iterator<Item = RecordedWrite>,
    ) {
        let header = plan.header();
        let is_same_tenant = header.tenant == self.header.tenant;
        let is_same_forest = [&header.forest, &self.header.forest].iter().any(|forest| forest.is_empty())
            || header.forest.eq_ignore_ascii_case(&self.header.forest);
        let run = self.others.len();
        for RecordedWrite { target, value, before, until, is_made, .. } in writes {
            let is_here = match &target {
                Target::Upn(_) | Target::Attribute(..) | Target::Suffix(_) => is_same_forest,
                _ => is_same_tenant,
            };
            let own = self.own.get(&target);
            let with_account = || {
                let account = target.account().filter(|account| self.accounts.contains(account))?;
                self.own.get(&Target::Account(account))
            };
            let Some(since) = own.or_else(with_account).map(|own| own.since).filter(|_| is_here) else {
                continue;
            };
            let is_own_certain = own.is_none_or(|own| own.is_made);
            let is_earlier = until < since;
            if is_earlier && is_own_certain {
                continue;
            }
            // Of two runs that replaced one value by the same, and of which one may not have been made, it was the other.
            let is_same_value = own.is_some_and(|own| own.value == value);
            let is_same = is_same_value && own.is_some_and(|own| own.before == before);
            let counts = is_made || (!is_earlier && is_same_value && !(is_same && is_own_certain));
            let may_stand = !is_earlier || is_same;
            let write = Write { run, at: until, is_earlier, counts, may_stand };
            self.writes.entry(target).or_default().push(write);
        }
        self.others.push(Other { name, digest: plan.digest(), undoes: header.undoes.clone() });
    }

    /// Adds another run that cannot be read. The plan then has a warning.
    pub fn add_unreadable(&mut self, name: impl Into<String>) {
        self.unreadable.push(name.into());
    }

    /// Returns the names of the runs that cannot be read.
    pub(crate) fn unreadable(&self) -> impl Iterator<Item = &str> {
        self.unreadable.iter().map(String::as_str)
    }

    /// Returns the name of the other run whose value that of a change is now, if it was written by one that was not undone.
    pub(crate) fn last_writer(&self, change: &Change, account: Option<ObjectId>) -> Option<&str> {
        let targets = Target::all_of(change, account);
        let run = targets.into_iter().filter_map(|(target, value, _)| self.last_run(&target, value)).max()?;
        self.others.get(run).map(|other| other.name.as_str())
    }

    fn last_run(&self, target: &Target, value: Option<String>) -> Option<usize> {
        let writes = self.writes.get(target).and_then(|writes| self.last_that_stands(writes));
        writes.or_else(|| match (target, value) {
            // With the account, everything of it is deleted.
            (Target::Account(id), Some(_)) => (self.writes.iter())
                .filter(|(target, _)| target.account() == Some(*id))
                .filter_map(|(_, writes)| self.last_that_stands(writes))
                .max(),
            _ => None,
        })
    }

    /// Returns the run of the last of those writes that may stand and was not undone.
    fn last_that_stands(&self, writes: &[Write]) -> Option<usize> {
        /// A write in the order of time.
        struct Step<'a> {
            run: usize,
            digest: &'a str,
            stands: bool,
            /// True if it took back an earlier one of these.
            took_back: bool,
        }
        let mut writes: Vec<&Write> = writes.iter().collect();
        writes.sort_by_key(|write| write.at);
        let mut steps: Vec<Step<'_>> = Vec::with_capacity(writes.len());
        for write in writes {
            let Some(Other { digest, undoes, .. }) = self.others.get(write.run) else { continue };
            let undone =
                undoes.as_ref().and_then(|undone| steps.iter_mut().rfind(|step| step.digest == undone));
            let (stands, took_back) = match undone {
                _ if !write.counts => (false, false),
                None => (write.may_stand, false),
                Some(undone) if undone.stands => {
                    undone.stands = false;
                    (false, true)
                }
                // An undo that is undone makes the write stand again that it took back.
                Some(undone) => (undone.took_back && write.may_stand, false),
            };
            if write.is_earlier && write.counts {
                steps.iter_mut().for_each(|step| step.stands = false);
            }
            steps.push(Step { run: write.run, digest, stands, took_back });
        }
        steps.iter().rfind(|step| step.stands).map(|step| step.run)
    }
}
