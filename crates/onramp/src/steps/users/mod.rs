//! Step 3: the selected users get a UPN on the custom domain.

mod apply;
mod candidate;
mod collisions;
mod feed;
mod filter;
mod names;
mod selector;
mod spec_check;
mod survey;
mod undo;
mod verify;

use std::collections::BTreeMap;

use onramp_core::forest::{ReplicatedValue, UpnChange, UpnOwner};
use onramp_core::{Upn, UpnSuffix};
use serde::{Deserialize, Serialize};

pub(crate) use apply::apply;
pub(crate) use candidate::in_ascii;
pub use candidate::{Candidate, SkipReason, Skipped, UserRef};
pub(crate) use collisions::Collisions;
pub(super) use survey::survey;
pub(crate) use undo::{undo, verify_restored};
pub(super) use verify::verify;

use crate::plan::{
    Blocker, BlockerKind, Change, Consequence, Draft, PlannedChange, by_place, short_digest, sorted,
};
use crate::spec::Spec;
use crate::survey::Survey;

/// The number of changed users that are checked on every domain controller, at most.
const SAMPLE: usize = 16;

/// The users of a forest, as far as the spec selects them or they conflict with those that it selects.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct UsersSurvey {
    /// The users that the spec selects.
    pub candidates: Vec<Candidate>,
    /// The users that were read and left out, except those that have the new UPN already and those that `only` does
    /// not list.
    pub skipped: Vec<Skipped>,
    /// The numbers of users that were left out, by reason.
    #[serde(with = "pairs")]
    pub skipped_counts: BTreeMap<SkipReason, u64>,
    /// The principals that have the new UPN of a selected user or the UPN of the service account, explicitly or
    /// implied by their `sAMAccountName`.
    pub holders: Vec<UpnOwner>,
    /// The objects that have the new UPN of a selected user or the UPN of the service account as a mail address.
    pub address_holders: Vec<AddressHolder>,
    /// The users that have the new UPN already and share it with another principal.
    pub shared: Vec<SharedUpn>,
    /// The names in the spec that are not correct.
    pub invalid_names: Vec<BlockerKind>,
    /// The names in `map` whose users the selection leaves out.
    pub map_without_effect: Vec<String>,
    /// The users of a sample of those that have the new UPN, whose UPN is missing on a domain controller that answers:
    /// replication was not complete when an earlier run ended.
    pub missing_on: Vec<ReplicatedValue>,
    /// The number of users in that sample.
    pub sampled: u64,
}

impl UsersSurvey {
    /// Returns the number of selected users that have the new UPN already.
    pub(crate) fn unchanged(&self) -> u64 {
        self.skipped_counts.get(&SkipReason::Unchanged).copied().unwrap_or_default()
    }
}

/// An object of the forest that has a mail address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AddressHolder {
    /// The object.
    pub holder: UserRef,
    /// The address, without its prefix.
    pub address: String,
    /// True for the primary address of the object.
    pub is_primary: bool,
}

/// A selected user that has the new UPN already, and another object that has the same UPN.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SharedUpn {
    /// The user.
    pub user: UserRef,
    /// The UPN.
    pub upn: Upn,
    /// The other object.
    pub other: UserRef,
    /// The attribute of the other object.
    pub held_as: HeldAs,
}

/// The attribute in which an object has a name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum HeldAs {
    /// `userPrincipalName`.
    Upn,
    /// `sAMAccountName`, which implies a UPN with the DNS name of the domain.
    ImpliedUpn,
    /// `mail` or `proxyAddresses`.
    Address(String),
}

/// A map as a list of pairs: its keys are not strings, as those of JSON are.
mod pairs {
    use super::{BTreeMap, Deserialize, Serialize, SkipReason};

    pub(super) fn serialize<S: serde::Serializer>(
        counts: &BTreeMap<SkipReason, u64>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        counts.iter().collect::<Vec<_>>().serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: serde::Deserializer<'de>>(
        deserializer: D,
    ) -> Result<BTreeMap<SkipReason, u64>, D::Error> {
        Ok(Vec::deserialize(deserializer)?.into_iter().collect())
    }
}

pub(super) fn plan(spec: &Spec, survey: &Survey, collisions: &Collisions<'_>, draft: &mut Draft) {
    block_wrong_names(spec, survey, draft);
    let seen = &survey.users;
    if !seen.map_without_effect.is_empty() {
        let names = seen.map_without_effect.clone();
        draft.consequences.push(Consequence::MapWithoutEffect { names });
    }
    let first = draft.changes.len();
    let mut built_in = Vec::new();
    for candidate in sorted(&seen.candidates, |candidate| by_place(&candidate.user)) {
        let new_upn =
            candidate.after.clone().and_then(|after| match collisions.of(candidate.user.guid, &after) {
                Some(problem) => Err(Box::new(problem)),
                None => Ok(after),
            });
        match new_upn {
            Ok(after) => {
                let (guid, dn) = (candidate.user.guid, candidate.user.dn.clone());
                let upn = UpnChange { guid, dn, before: candidate.before.clone(), after };
                draft.change(Change::ChangeUpn { upn }, candidate.reason.clone());
                built_in.extend(candidate.is_built_in.then(|| candidate.user.clone()));
            }
            Err(problem) => {
                let (user, problem) = (Some(candidate.user.clone()), *problem);
                draft.blockers.push(Blocker { user, present_upn: candidate.before.clone(), problem });
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
        draft.blockers.push(Blocker { user, present_upn, problem });
    }
    let changed = draft.changes.get(first..).unwrap_or_default();
    let renamed: Vec<String> = changed
        .iter()
        .filter_map(|planned| match &planned.change {
            Change::ChangeUpn { upn } => Some(format!("{} {:?} {}", upn.guid, upn.before, upn.after)),
            _ => None,
        })
        .collect();
    let sample = sample(changed);
    if !renamed.is_empty() {
        let (count, digest) = (renamed.len() as u64, short_digest(renamed));
        draft.consequences.push(Consequence::UsersRenamed { count, digest });
    }
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
            &survey.suffix.silent_controllers,
            "users may sign in at any domain controller",
        );
    }
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
fn sample(changed: &[PlannedChange]) -> Vec<ReplicatedValue> {
    let step = changed.len().div_ceil(SAMPLE).max(1);
    let mut values: Vec<ReplicatedValue> =
        changed.iter().rev().step_by(step).filter_map(PlannedChange::value).collect();
    values.reverse();
    values
}
