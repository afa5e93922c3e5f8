//! Step 3: the selected users get a UPN on the custom domain.

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

use onramp_core::UpnSuffix;
use onramp_core::forest::{ReplicatedValue, UpnChange};

pub(crate) use apply::apply;
pub(crate) use collisions::Collisions;
pub(crate) use survey::survey;
pub(crate) use undo::{undo, verify_restored};
pub(crate) use verify::{named, verify};

use crate::plan::{
    Blocker, BlockerKind, Change, Consequence, Draft, PlannedChange, SkipReason, by_place, short_digest,
    sorted,
};
use crate::spec::Spec;
use crate::survey::{HeldAs, Survey};

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
            survey.suffix.silent_hosts(),
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
pub(crate) fn sample(changed: &[PlannedChange]) -> Vec<ReplicatedValue> {
    let step = changed.len().div_ceil(SAMPLE).max(1);
    let mut values: Vec<ReplicatedValue> =
        changed.iter().rev().step_by(step).filter_map(PlannedChange::value).collect();
    values.reverse();
    values
}
