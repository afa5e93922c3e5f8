//! The survey of the users: those that the spec selects, and those that conflict with them.

use std::collections::HashSet;

use futures_util::StreamExt;
use onramp_core::forest::{ReplicatedValue, UserQuery};
use onramp_core::{Error, ErrorKind, LdapFilter, ObjectGuid, Result};
use onramp_readiness::forecast::CloudIndex;

use super::addresses;
use super::collisions::{UpnIndex, read_addresses, read_holders, wanted_keys};
use super::filter::without_upn;
use super::selector::{Decision, Undecided, UserSelector};
use super::spec_check::{MissingOu, invalid_names, unknown_suffixes, unoffered_suffixes};
use crate::canary::Canary;
use crate::onramp::Onramp;
use crate::plan::{BlockerKind, SkipReason, Skipped};
use crate::spec::{Spec, UsersSpec};
use crate::steps::replication::Sample;
use crate::steps::sync;
use crate::survey::{Survey, readable};
use crate::user_names::{Entry, NetbiosNames, read_netbios_names};
use crate::user_ref::UserRef;

/// Reads the users, and the cloud users that match them.
pub(crate) async fn survey(onramp: &Onramp, spec: &Spec, survey: &mut Survey) -> Result<()> {
    let mut index = UpnIndex::default();
    if spec.users.is_some() || spec.sync.enable {
        let cloud = sync::read_cloud_users(onramp, survey).await?;
        match &spec.users {
            Some(users) => {
                read_selected(onramp, spec, users, &cloud, &mut index, survey).await?;
                addresses::read(onramp, users, survey).await?;
                leave_unchanged(users, &mut index, survey);
            }
            None => read_others(onramp, None, &mut [], &cloud, Some(&HashSet::new()), survey).await?,
        }
        if !survey.sync.possible_matches.is_empty() {
            sync::read_matching_rules(onramp, survey).await?;
        }
    }
    if spec.users.is_some() || spec.service_account.is_some() {
        let wanted = wanted_keys(spec, &survey.users.candidates);
        read_holders(onramp, &wanted, &index, survey).await?;
        read_addresses(onramp, spec, &wanted, &index, survey).await?;
    }
    Ok(())
}

/// Takes out the users that have the new UPN already, and whose addresses are as the spec wants them.
fn leave_unchanged(users: &UsersSpec, index: &mut UpnIndex, survey: &mut Survey) {
    let mut unchanged = 0;
    survey.users.candidates.retain(|candidate| {
        let (Ok(upn), Some(present)) = (&candidate.after, &candidate.addresses) else { return true };
        let edits = addresses::edits(users, upn.as_str(), candidate.before.as_deref(), present);
        let is_so = candidate.has_upn() && edits.is_ok_and(|edits| edits.is_empty());
        if is_so {
            index.add(candidate.user.guid, upn.as_str());
            unchanged += 1;
        }
        !is_so
    });
    if unchanged > 0 {
        *survey.users.skipped_counts.entry(SkipReason::Unchanged).or_default() += unchanged;
    }
}

/// The state of reading the selected users.
struct Selection<'a> {
    users: &'a UsersSpec,
    selector: UserSelector<'a>,
    cloud: &'a CloudIndex,
    index: &'a mut UpnIndex,
    /// True if `ous` or `filter` select users: several queries may then find the same user.
    narrowed: bool,
    /// The users that were read, if it is narrowed.
    seen: HashSet<ObjectGuid>,
    undecided: Vec<Undecided>,
    sample: Sample,
    /// True if only users that have the new UPN are counted.
    moved_only: bool,
    canary: Option<Members>,
}

/// The users of a canary during a survey.
struct Members {
    all: HashSet<ObjectGuid>,
    /// Those that the spec does not select, as far as is known.
    unseen: HashSet<ObjectGuid>,
}

impl Members {
    fn new(canary: &Canary) -> Self {
        let all: HashSet<ObjectGuid> = canary.users.iter().copied().collect();
        Self { unseen: all.clone(), all }
    }

    /// Leaves users that are not of the canary for later. A decision that is not made yet is restricted once it is.
    fn restrict(members: Option<&mut Self>, decision: Decision, user: ObjectGuid) -> Decision {
        let Some(members) = members else { return decision };
        match decision {
            Decision::Undecided(_) | Decision::Skip(_) => decision,
            _ if members.all.contains(&user) => {
                members.unseen.remove(&user);
                decision
            }
            Decision::Unchanged(_) => Decision::Skip(SkipReason::Unchanged),
            Decision::Change(_) => Decision::Skip(SkipReason::AfterCanary),
        }
    }

    fn lost(self) -> Option<BlockerKind> {
        let mut users: Vec<ObjectGuid> = self.unseen.into_iter().collect();
        users.sort_unstable();
        (!users.is_empty()).then_some(BlockerKind::CanaryUsersLost { users })
    }
}

/// Reads the users that the spec selects.
async fn read_selected(
    onramp: &Onramp,
    spec: &Spec,
    users: &UsersSpec,
    cloud: &CloudIndex,
    index: &mut UpnIndex,
    survey: &mut Survey,
) -> Result<()> {
    let mut missing_ous = missing_ous(onramp, users).await?;
    let netbios = if names_with_domain(users) {
        read_netbios_names(&onramp.forest, &survey.suffix.controllers).await
    } else {
        NetbiosNames::new()
    };
    let mut selection = Selection {
        users,
        selector: UserSelector::new(spec, users, &onramp.history, netbios),
        cloud,
        index,
        narrowed: !users.ous.is_empty() || users.filter.is_some(),
        seen: HashSet::new(),
        undecided: Vec::new(),
        sample: Sample::default(),
        moved_only: false,
        canary: users.canary.as_ref().map(Members::new),
    };
    for query in queries(users, users.filter.as_ref()) {
        read_query(onramp, query, &mut selection, survey).await?;
    }
    if let Some(filter) = users.filter.as_ref().and_then(|filter| without_upn(filter, spec)) {
        // A user that has the custom domain already no longer fits a filter on its former UPN.
        selection.moved_only = true;
        for query in queries(users, Some(&filter)) {
            read_query(onramp, query, &mut selection, survey).await?;
        }
    }
    let is_chosen = |entry: &Entry| {
        let mut fits = entry.fits.iter().chain(&entry.fitted);
        fits.any(|user| !selection.narrowed || selection.seen.contains(&user.guid))
    };
    let chosen: Vec<bool> = selection.selector.only.entries().iter().map(is_chosen).collect();
    let Selection { mut selector, index, narrowed, seen, undecided, sample, mut canary, .. } = selection;
    let matching = (narrowed && spec.sync.enable).then_some(&seen);
    if matching.is_some() || selector.has_unknown() || !missing_ous.is_empty() {
        read_others(onramp, Some(&mut selector), &mut missing_ous, cloud, matching, survey).await?;
    }
    let mut sample = sample;
    for undecided in undecided {
        let user = undecided.user.clone();
        let decision = Members::restrict(canary.as_mut(), selector.resolve(undecided), user.guid);
        if let Decision::Unchanged(upn) = &decision {
            let (guid, dn, upn) = (user.guid, user.dn.clone(), upn.clone());
            sample.offer_value(Some(ReplicatedValue::UserUpn { guid, dn, upn }));
        }
        record(decision, user, index, survey);
    }
    let sample = sample.into_values();
    survey.users.sampled = sample.len() as u64;
    survey.users.missing_on = onramp.missing_on(&sample, &survey.suffix.controllers).await;
    survey.users.invalid_names = invalid_names(&selector, &chosen, missing_ous);
    survey.users.invalid_names.extend(unknown_suffixes(&selector, survey));
    survey.users.invalid_names.extend(canary.and_then(Members::lost));
    survey.users.suffixes_without_effect = unoffered_suffixes(&selector, survey);
    survey.users.map_without_effect = selector.unused_in_map().map(|entry| entry.written.clone()).collect();
    if survey.counts.forest_users == 0 {
        return Err(Error::new(ErrorKind::Invalid, "find the users that the spec selects")
            .with_detail("the selection is empty")
            .with_hint("Check `ous` and `filter` in the users section; the account that reads may also lack the right to see them."));
    }
    Ok(())
}

/// Reads the users that a query finds, and decides on each.
async fn read_query(
    onramp: &Onramp,
    query: UserQuery,
    selection: &mut Selection<'_>,
    survey: &mut Survey,
) -> Result<()> {
    let mut found = onramp.forest.users.search(query);
    while let Some(user) = readable(&mut found, &mut survey.unreadable).await? {
        // One OU of the spec may contain another one.
        if selection.narrowed && !selection.seen.insert(user.guid) {
            continue;
        }
        let decision = selection.selector.select(&user);
        let has_upn = match &decision {
            Decision::Unchanged(_) => true,
            Decision::Change(candidate) => candidate.has_upn(),
            _ => false,
        };
        if selection.moved_only && !has_upn && !matches!(decision, Decision::Undecided(_)) {
            selection.seen.remove(&user.guid);
            continue;
        }
        let decision = Members::restrict(selection.canary.as_mut(), decision, user.guid);
        survey.counts.forest_users += 1;
        onramp.report_reading("users of the forest", survey.counts.forest_users);
        let wanted = match &decision {
            Decision::Change(candidate) => candidate.after.as_ref().ok(),
            Decision::Undecided(undecided) => match &undecided.otherwise {
                Decision::Change(candidate) => candidate.after.as_ref().ok(),
                _ => None,
            },
            _ => None,
        };
        let then = wanted.and_then(|upn| addresses::with_new_addresses(&user, selection.users, upn.as_str()));
        survey
            .sync
            .possible_matches
            .extend(selection.cloud.find_matches(then.as_ref().unwrap_or(&user), wanted));
        match decision {
            Decision::Undecided(undecided) => selection.undecided.push(*undecided),
            decision => {
                if has_upn && !matches!(decision, Decision::Skip(_)) {
                    selection.sample.offer(&user);
                }
                record(decision, UserRef::of(&user), selection.index, survey);
            }
        }
    }
    Ok(())
}

/// Reads every user of the forest as a stream: a name in the spec that fits no selected user may fit another one, and
/// synchronization takes users that the spec does not select.
async fn read_others(
    onramp: &Onramp,
    mut selector: Option<&mut UserSelector<'_>>,
    missing_ous: &mut [MissingOu],
    cloud: &CloudIndex,
    matching: Option<&HashSet<ObjectGuid>>,
    survey: &mut Survey,
) -> Result<()> {
    let mut users = onramp.forest.users.search(UserQuery::all());
    let mut last_parent = None;
    while let Some(user) = readable(&mut users, &mut survey.unreadable).await? {
        if let Some(selector) = &mut selector {
            selector.note_unselected(&user);
        }
        if matching.is_some_and(|seen| !seen.contains(&user.guid)) {
            survey.sync.possible_matches.extend(cloud.find_matches(&user, None));
        }
        if missing_ous.is_empty() {
            continue;
        }
        let parent = user.dn.parent();
        if parent != last_parent {
            missing_ous.iter_mut().for_each(|missing| missing.compare(parent.as_ref()));
            last_parent = parent;
        }
    }
    Ok(())
}

/// Returns the OUs in `exclude_ous` that do not exist. For those in `ous`, the search fails.
async fn missing_ous(onramp: &Onramp, users: &UsersSpec) -> Result<Vec<MissingOu>> {
    let mut missing = Vec::new();
    for ou in &users.exclude_ous {
        match onramp.forest.users.search(UserQuery::below(ou.clone())).next().await {
            Some(Err(error)) if error.is_not_found() => {
                missing.push(MissingOu { ou: ou.clone(), nearest: None });
            }
            Some(Err(error)) if error.kind() != ErrorKind::Unreadable => return Err(error),
            _ => {}
        }
    }
    Ok(missing)
}

/// Adds the decision on a user to the survey.
fn record(decision: Decision, user: UserRef, index: &mut UpnIndex, survey: &mut Survey) {
    let reason = match decision {
        Decision::Change(candidate) => return survey.users.candidates.push(candidate),
        Decision::Undecided(_) => return,
        Decision::Unchanged(upn) => {
            index.add(user.guid, upn.as_str());
            SkipReason::Unchanged
        }
        Decision::Skip(reason) => {
            // The others of a canary, and those that `only` does not list, can be most of the forest.
            if !matches!(reason, SkipReason::NotNamed | SkipReason::AfterCanary | SkipReason::Unchanged) {
                survey.users.skipped.push(Skipped { user, reason: reason.clone() });
            }
            reason
        }
    };
    *survey.users.skipped_counts.entry(reason).or_default() += 1;
}

fn queries(users: &UsersSpec, filter: Option<&LdapFilter>) -> Vec<UserQuery> {
    let narrowed = |query: UserQuery| match filter {
        Some(filter) => query.with_filter(filter.clone()),
        None => query,
    };
    match users.ous.as_slice() {
        [] => vec![narrowed(UserQuery::all())],
        ous => ous.iter().map(|ou| narrowed(UserQuery::below(ou.clone()))).collect(),
    }
}

fn names_with_domain(users: &UsersSpec) -> bool {
    users.only.iter().chain(&users.exclude).chain(users.map.keys()).any(|name| name.contains('\\'))
}
