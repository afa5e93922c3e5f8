//! Step 3: the selected users get a UPN on the custom domain.

mod addresses;
mod apply;
mod collisions;
mod feed;
mod filter;
mod selector;
mod spec_check;
mod suggestion;
mod survey;
mod undo;
mod verify;

use onramp_core::forest::{AttributeValue, ReplicatedValue, UpnChange};
use onramp_core::{AttributeName, UpnSuffix};
use onramp_readiness::address_key;
use onramp_readiness::attributes::{
    MAIL, MAIL_NICKNAME, PROXY_ADDRESSES, TARGET_ADDRESS, USER_PRINCIPAL_NAME,
};

pub(crate) use apply::apply;
pub(crate) use collisions::Collisions;
pub(crate) use survey::survey;
pub(crate) use undo::{select, undo, verify_restored};
pub(crate) use verify::{named, verify};

use crate::plan::{
    AttributeEdit, Blocker, BlockerKind, Change, Consequence, Draft, ObjectEdit, PlannedChange, SkipReason,
    attribute_summary, by_place, short_digest, sorted,
};
use crate::spec::{AddressAttribute, Addresses, Spec};
use crate::survey::{Candidate, HeldAs, Survey};
use crate::user_ref::UserRef;

/// The number of changed users that are checked on every domain controller, at most.
const SAMPLE: usize = 16;

pub(crate) fn plan(spec: &Spec, survey: &Survey, collisions: &Collisions<'_>, draft: &mut Draft) {
    block_wrong_names(spec, survey, draft);
    let seen = &survey.users;
    if !seen.map_without_effect.is_empty() {
        let names = seen.map_without_effect.clone();
        draft.consequences.push(Consequence::MapWithoutEffect { names });
    }
    for suffix in &seen.suffixes_without_effect {
        draft.warnings.push(format!("`from_suffixes` names {suffix}, and no user has that suffix"));
    }
    let first = draft.changes.len();
    let account = spec.service_account.as_ref().map(|account| &account.upn);
    let mut built_in = Vec::new();
    let mut readdressed = Readdressed::default();
    for candidate in sorted(&seen.candidates, |candidate| by_place(&candidate.user)) {
        match change_of(spec, candidate, collisions) {
            Ok(None) => {}
            Ok(Some(change)) => {
                readdressed.add(candidate, &change);
                draft.change(change, candidate.reason.clone());
                let is_renamed = candidate.is_built_in && !candidate.has_upn();
                built_in.extend(is_renamed.then(|| candidate.user.clone()));
            }
            Err(problem) => {
                let (user, problem) = (Some(candidate.user.clone()), *problem);
                let suggestion =
                    collisions.free_suggestion(candidate).filter(|upn| Some(*upn) != account).cloned();
                let present_upn = candidate.before.clone();
                draft.blockers.push(Blocker { user, present_upn, problem, suggestion });
            }
        }
    }
    for shared in sorted(&seen.shared, |shared| (by_place(&shared.user), by_place(&shared.other))) {
        let (upn, holder) = (shared.upn.clone(), shared.other.clone());
        let problem = match &shared.held_as {
            HeldAs::Upn => BlockerKind::Shared { upn, holder },
            HeldAs::ImpliedUpn => BlockerKind::Taken { upn, holder, implied: true },
            HeldAs::Address(address) => BlockerKind::AddressTaken { upn, address: address.clone(), holder },
        };
        let (user, present_upn) = (Some(shared.user.clone()), Some(shared.upn.to_string()));
        draft.blockers.push(Blocker { user, present_upn, problem, suggestion: None });
    }
    let changed = draft.changes.get(first..).unwrap_or_default();
    let renamed: Vec<String> = changed
        .iter()
        .filter_map(|planned| planned.change.upn_values())
        .map(|upn| format!("{} {:?} {}", upn.guid, upn.before, upn.after.unwrap_or_default()))
        .collect();
    let sample = sample(changed);
    let changed_attributes = attribute_summary(changed);
    if !renamed.is_empty() {
        let (count, digest) = (renamed.len() as u64, short_digest(renamed));
        draft.consequences.push(Consequence::UsersRenamed { count, digest });
    }
    if let Some((count, attributes, digest)) = changed_attributes {
        draft.consequences.push(Consequence::AttributesChanged { count, attributes, digest });
    }
    readdressed.finish(spec, draft);
    if !built_in.is_empty() {
        draft.consequences.push(Consequence::BuiltInAccountsRenamed { accounts: built_in });
    }
    let left: Vec<String> = (draft.blockers.iter())
        .filter_map(|blocker| Some(format!("{} {}", blocker.user.as_ref()?.guid, blocker.problem)))
        .collect();
    if !left.is_empty() {
        let (count, digest) = (left.len() as u64, short_digest(left));
        draft.consequences.push(Consequence::UsersLeftBehind { count, digest });
    }
    let values: Vec<ReplicatedValue> = seen.missing_on.iter().cloned().chain(sample).collect();
    if !values.is_empty() {
        draft.await_replication(
            values,
            survey.suffix.silent_hosts(),
            "users may sign in at any domain controller",
        );
    }
}

/// Returns the change of a user, with its addresses in the same operation, or the reason why it cannot be changed. `None` if
/// nothing changes.
fn change_of(
    spec: &Spec,
    candidate: &Candidate,
    collisions: &Collisions<'_>,
) -> Result<Option<Change>, Box<BlockerKind>> {
    let after = candidate.after.clone()?;
    let (guid, dn, before) = (candidate.user.guid, candidate.user.dn.clone(), candidate.before.clone());
    let has_upn = candidate.has_upn();
    if let Some(problem) = collisions.of(guid, &after) {
        return Err(Box::new(match problem {
            BlockerKind::Taken { upn, holder, implied: false } if has_upn => {
                BlockerKind::Shared { upn, holder }
            }
            problem => problem,
        }));
    }
    let edits = match (&spec.users, &candidate.addresses) {
        (Some(users), Some(present)) => {
            addresses::edits(users, after.as_str(), before.as_deref(), present)
                .map_err(|reason| Box::new(BlockerKind::AddressesRefused { reason }))?
        }
        _ => Vec::new(),
    };
    for (attribute, value) in
        edits.iter().filter_map(|edit| Some((&edit.attribute, edit.add.last()?.as_text()?)))
    {
        let (searched, own) = match attribute {
            name if *name == MAIL_NICKNAME => (MAIL_NICKNAME, value),
            _ => (TARGET_ADDRESS, after.as_str()),
        };
        if let Some(holder) = collisions.other_with(guid, &searched, own) {
            let (attribute, value, held_in) = (attribute.clone(), value.to_owned(), searched);
            return Err(Box::new(BlockerKind::ValueTaken { attribute, value, holder, held_in }));
        }
    }
    if edits.is_empty() {
        let upn = UpnChange { guid, dn, before, after };
        return Ok((!has_upn).then_some(Change::ChangeUpn { upn }));
    }
    let upn = (!has_upn).then(|| AttributeEdit {
        attribute: USER_PRINCIPAL_NAME,
        replaces_all_values: true,
        remove: before.map(AttributeValue::text).into_iter().collect(),
        add: vec![AttributeValue::text(after.as_str())],
    });
    let object = ObjectEdit { guid, dn, attributes: upn.into_iter().chain(edits).collect() };
    Ok(Some(Change::ChangeUser { object }))
}

/// The users that get other addresses, as far as an operator has to know of them.
#[derive(Default)]
struct Readdressed {
    /// The users with a new primary address.
    primary: Vec<String>,
    /// The number of them whose former one is on the same domain.
    same_domain: u64,
    shared: Vec<UserRef>,
    targets: Vec<String>,
    foreign_targets: u64,
    by_policy: Vec<String>,
    recipients: u64,
    without: u64,
}

impl Readdressed {
    /// Adds a user with its change.
    fn add(&mut self, candidate: &Candidate, change: &Change) {
        let (Some(present), Ok(after)) = (&candidate.addresses, &candidate.after) else { return };
        self.without += u64::from(!present.has_address());
        let Change::ChangeUser { object } = change else { return };
        let changes =
            |attribute: &AttributeName| object.attributes.iter().find(|edit| edit.attribute == *attribute);
        self.recipients += u64::from(present.recipient_type.is_some());
        let guid = candidate.user.guid;
        if let Some(edit) = changes(&TARGET_ADDRESS) {
            self.targets.push(format!("{guid} {:?} {:?}", edit.remove, edit.add));
        }
        let is_primary =
            |value: &AttributeValue| value.as_text().is_some_and(|text| text.starts_with("SMTP:"));
        let gets_primary = changes(&PROXY_ADDRESSES).is_some_and(|edit| edit.add.iter().any(is_primary))
            || changes(&MAIL).is_some();
        let former = present.primary().unwrap_or_default();
        if !gets_primary || address_key(former) == address_key(after.as_str()) {
            return;
        }
        self.foreign_targets +=
            u64::from(present.has_foreign_target(candidate.before.as_deref(), after.as_str()));
        // An alias beside `mail` alone makes the present primary address explicit.
        if changes(&MAIL).is_none() && changes(&PROXY_ADDRESSES).is_some_and(|edit| edit.remove.is_empty()) {
            return;
        }
        self.primary.push(format!("{guid} {former} {after}"));
        let domain = |address: &str| address.rsplit_once('@').map(|(_, domain)| address_key(domain));
        self.same_domain += u64::from(domain(former) == domain(after.as_str()));
        self.shared.extend(present.is_shared_mailbox().then(|| candidate.user.clone()));
        self.by_policy.extend(present.has_address_policy.then(|| guid.to_string()));
    }

    /// Adds what an operator has to accept or to know.
    fn finish(self, spec: &Spec, draft: &mut Draft) {
        let counted = |members: Vec<String>| (members.len() as u64, short_digest(members));
        if !self.primary.is_empty() {
            let ((count, digest), same_domain) = (counted(self.primary), self.same_domain);
            draft.consequences.push(Consequence::PrimaryAddressesChanged { count, same_domain, digest });
        }
        if !self.shared.is_empty() {
            draft.consequences.push(Consequence::SharedMailboxesChanged { mailboxes: self.shared });
        }
        if !self.targets.is_empty() {
            let (count, digest) = counted(self.targets);
            draft.consequences.push(Consequence::TargetAddressesChanged { count, digest });
        }
        if !self.by_policy.is_empty() {
            let (count, digest) = counted(self.by_policy);
            draft.consequences.push(Consequence::AddressPoliciesApply { count, digest });
        }
        let Some(users) = &spec.users else { return };
        if !users.addresses_also.is_empty() && users.addresses != Addresses::MakePrimary {
            let text = "`addresses_also` has no effect without `addresses = \"make-primary\"`";
            draft.warnings.push(text.to_owned());
        }
        if self.without > 0 {
            draft.warnings.push(format!(
                "{} no mail address and get none: with a license for a mailbox, Entra makes the primary address from the UPN",
                have(self.without)
            ));
        }
        if self.recipients > 0 {
            draft.warnings.push(format!(
                "{} managed by Exchange (msExchRecipientTypeDetails): Exchange needs the domain of the new address as an \
                 accepted domain, or mail to it is returned",
                are(self.recipients)
            ));
        }
        if self.foreign_targets > 0 && users.addresses_also.contains(&AddressAttribute::TargetAddress) {
            draft.warnings.push(format!(
                "{} a targetAddress that points to another mailbox, and keep it",
                have(self.foreign_targets)
            ));
        }
    }
}

/// `1 user has`, `2 users have`.
fn have(count: u64) -> String {
    if count == 1 { "1 user has".into() } else { format!("{count} users have") }
}

/// `1 user is`, `2 users are`.
fn are(count: u64) -> String {
    if count == 1 { "1 user is".into() } else { format!("{count} users are") }
}

/// Blocks the plan for every name in the spec that is not correct.
fn block_wrong_names(spec: &Spec, survey: &Survey, draft: &mut Draft) {
    let seen = &survey.users;
    let selects_some =
        !seen.candidates.is_empty() || seen.skipped_counts.contains_key(&SkipReason::Unchanged);
    if spec.users.is_some() && spec.sync.enable && !selects_some && seen.invalid_names.is_empty() {
        draft.block_all(BlockerKind::NoUserSelected { read: survey.counts.forest_users });
    }
    for problem in &seen.invalid_names {
        draft.block_all(problem.clone());
    }
    for (name, upn) in spec.users.iter().flat_map(|users| &users.map) {
        let suffix = upn.suffix();
        let is_own = suffix.is_same_as(&UpnSuffix::from(&spec.domain));
        let is_verified = (survey.domain.verified.iter())
            .any(|verified| UpnSuffix::from(&verified.name).is_same_as(&suffix));
        let reason = match (is_own, is_verified, survey.suffix.offers(&suffix)) {
            (true, _, _) | (_, true, true) => continue,
            (_, false, _) => "the tenant has not verified that domain",
            (_, true, false) => "the forest does not offer that UPN suffix",
        };
        let (name, upn, reason) = (name.clone(), upn.clone(), reason.to_owned());
        draft.block_all(BlockerKind::MapTarget { name, upn, reason });
    }
}

/// Returns the value of the last changed user, and of others at equal distances.
pub(crate) fn sample(changed: &[PlannedChange]) -> Vec<ReplicatedValue> {
    let step = changed.len().div_ceil(SAMPLE).max(1);
    let mut values: Vec<ReplicatedValue> =
        changed.iter().rev().step_by(step).filter_map(PlannedChange::value).collect();
    values.reverse();
    values
}
