//! The UPNs of a run, set back to the values before it.

use std::collections::{HashMap, HashSet};

use onramp_core::forest::{
    ChangeState, ForestObject, ForestUser, ObjectChange, ObjectRef, ReplicatedValue, UserQuery,
};
use onramp_core::{DistinguishedName, ObjectGuid, Result, Upn, comparison_key};

use super::sample;
use super::verify::verify_addresses;
use crate::history::History;
use crate::onramp::Onramp;
use crate::plan::{
    ApprovedPlan, BlockerKind, Change, Consequence, FormerUpn, ObjectEdit, PlannedChange, SkipReason,
    Skipped, UserValues, attribute_summary, short_digest,
};
use crate::steps::attributes::{self, SeenObject, TakenValue};
use crate::steps::replication::Sample;
use crate::steps::second_look::shared_values;
use crate::survey::{Unreadable, readable};
use crate::undo::Undoing;
use crate::user_names::{Names, NetbiosNames, read_netbios_names};
use crate::user_ref::UserRef;
use crate::verify::{CheckStatus, Verification};

/// The maximum number of users that are read one by one; more are read with all users of the forest.
const FEW: usize = 64;

/// Adds a change for every selected user that still has the UPN and the addresses that the run wrote.
pub(crate) async fn undo(undoing: &mut Undoing<'_>) -> Result<()> {
    let (onramp, run) = (undoing.onramp, undoing.run);
    let made: Vec<Made<'_>> = run.made().filter_map(Made::of).collect();
    let mut unreadable = Unreadable::default();
    let guids: HashSet<ObjectGuid> = made.iter().map(|made| made.guid).collect();
    let present = read(onramp, guids.into_iter(), &mut unreadable).await?;
    undoing.users_read += present.len() as u64;
    let selected = select(undoing, &present).await;
    let edits = made.iter().filter_map(|made| made.planned.change.of_attributes());
    let mut seen: HashMap<ObjectGuid, ForestObject> = HashMap::new();
    for object in attributes::read_edited(onramp, edits).await? {
        if let SeenObject::Found { object, .. } = object {
            seen.insert(object.guid, object);
        }
    }
    let mut found: Vec<(&Made<'_>, &ForestUser, Present)> = Vec::new();
    let (mut digest, mut left) = (Vec::new(), Vec::new());
    let narrowed = undoing.is_narrowed();
    // In reverse: a UPN that one user gave up and another one took is given back first.
    for made in made.iter().rev() {
        match present.get(&made.guid) {
            Some(user) if selected.contains(&made.guid) => {
                found.push((made, user, made.present(user, seen.get(&made.guid))));
            }
            None if !narrowed => {
                let (guid, dn, sam_account_name) = (made.guid, made.dn.clone(), String::new());
                let user = UserRef { guid, dn, sam_account_name };
                left.push(Skipped { user, reason: SkipReason::Gone });
            }
            _ => {}
        }
    }
    let is_ours = |(made, _, present): &&(&Made<'_>, &ForestUser, Present)| {
        *present == Present::AsWritten && run.written_by(made.planned).is_none()
    };
    let ours = || found.iter().filter(is_ours).map(|(made, ..)| *made);
    let restored: HashMap<ObjectGuid, Option<String>> = ours()
        .filter(|made| made.planned.change.of_attributes().is_none())
        .filter_map(|made| made.planned.change.of_user())
        .map(|values| (values.guid, values.before.map(str::to_owned)))
        .collect();
    let taken = taken(onramp, &restored).await?;
    let edits: Vec<&ObjectEdit> = ours().filter_map(|made| made.planned.change.of_attributes()).collect();
    let values_taken = attributes::taken_back(onramp, &edits, &mut unreadable).await?;
    let first = undoing.draft.changes.len();
    for (made, user, now) in found {
        let other = run.written_by(made.planned).map(str::to_owned);
        let mut leave = |reason| left.push(Skipped { user: UserRef::of(user), reason });
        match now {
            Present::AsBefore => {}
            Present::Changed(reason) => leave(reason.with_run(other)),
            Present::AsWritten if other.is_some() => leave(made.changed_since(user).with_run(other)),
            Present::AsWritten => {
                if let Some(holder) = taken.get(&made.guid).cloned() {
                    leave(SkipReason::FormerUpnTaken { holder });
                } else if let Some(TakenValue { value, holder, .. }) = values_taken.get(&made.guid).cloned() {
                    leave(SkipReason::FormerAddressTaken { value, holder });
                } else {
                    let change = made.back(user);
                    if let Some(upn) = change.upn_values() {
                        digest.push(format!("{} {:?} {:?}", upn.guid, upn.before, upn.after));
                    }
                    undoing.draft.change(change, "the value before the run");
                }
            }
        }
    }
    if !digest.is_empty() {
        let (count, digest) = (digest.len() as u64, short_digest(digest));
        undoing.accept(Consequence::UsersRestored { count, digest });
    }
    let changes = undoing.draft.changes.get(first..).unwrap_or_default();
    let values = sample(changes);
    if let Some((count, attributes, digest)) = attribute_summary(changes) {
        undoing.accept(Consequence::AttributesRestored { count, attributes, digest });
    }
    if !left.is_empty() {
        let reasons = left.iter().map(|skipped| format!("{} {:?}", skipped.user.guid, skipped.reason));
        let (count, digest) = (left.len() as u64, short_digest(reasons));
        undoing.accept(Consequence::UsersNotRestored { count, digest });
    }
    undoing.skipped.extend(left);
    if unreadable.count > 0 {
        let (count, named, digest) = (unreadable.count, unreadable.named, unreadable.digest);
        undoing.accept(Consequence::ObjectsUnreadable { count, named, digest });
    }
    if !values.is_empty() {
        undoing.await_replication(values, "users may sign in at any domain controller");
    }
    Ok(())
}

/// A change of a user that the run made or may have made.
struct Made<'a> {
    planned: &'a PlannedChange,
    guid: ObjectGuid,
    dn: &'a DistinguishedName,
}

/// The values of a user, compared with a change of the run.
#[derive(Debug, PartialEq, Eq)]
enum Present {
    /// Those that the run wrote.
    AsWritten,
    /// Those from before the run.
    AsBefore,
    /// Others.
    Changed(SkipReason),
}

impl<'a> Made<'a> {
    fn of(planned: &'a PlannedChange) -> Option<Self> {
        let (guid, dn) = planned.change.object().filter(|_| planned.change.is_of_user())?;
        Some(Self { planned, guid, dn })
    }

    fn present(&self, user: &ForestUser, object: Option<&ForestObject>) -> Present {
        if let Some(edit) = self.planned.change.of_attributes() {
            let Some(object) = object else { return Present::Changed(SkipReason::Gone) };
            return match ObjectChange::from(edit).state(object) {
                ChangeState::Before => Present::AsBefore,
                ChangeState::After => Present::AsWritten,
                ChangeState::Neither => {
                    // In words of the undo: the values of the run were expected.
                    let detail = ObjectChange::from(&edit.reversed()).difference(object);
                    Present::Changed(SkipReason::ValuesChangedSince { detail, run: None })
                }
            };
        }
        let Some(values) = self.planned.change.of_user() else { return Present::AsBefore };
        if user.upn.as_deref() == values.before {
            Present::AsBefore
        } else if user.upn.as_deref() == values.after {
            Present::AsWritten
        } else {
            Present::Changed(self.changed_since(user))
        }
    }

    fn changed_since(&self, user: &ForestUser) -> SkipReason {
        match self.planned.change.of_attributes() {
            Some(_) => SkipReason::ValuesChangedSince { detail: String::new(), run: None },
            None => SkipReason::ChangedSince { present: user.upn.clone(), run: None },
        }
    }

    /// Returns the change that restores the user.
    fn back(&self, user: &ForestUser) -> Change {
        if let Some(edit) = self.planned.change.of_attributes() {
            let mut object = edit.reversed();
            object.dn = user.dn.clone();
            return Change::ChangeUser { object };
        }
        let after = self.planned.change.of_user().and_then(|values| values.before).map(str::to_owned);
        let (guid, dn, before) = (self.guid, user.dn.clone(), user.upn.clone());
        Change::RestoreUpn { upn: FormerUpn { guid, dn, before, after } }
    }
}

impl SkipReason {
    /// Adds the name of the other run that wrote the values.
    fn with_run(self, other: Option<String>) -> Self {
        match self {
            Self::ChangedSince { present, .. } => Self::ChangedSince { present, run: other },
            Self::ValuesChangedSince { detail, .. } => Self::ValuesChangedSince { detail, run: other },
            other => other,
        }
    }
}

/// Reads those of the users that exist.
async fn read(
    onramp: &Onramp,
    guids: impl ExactSizeIterator<Item = ObjectGuid>,
    unreadable: &mut Unreadable,
) -> Result<HashMap<ObjectGuid, ForestUser>> {
    let mut found = HashMap::new();
    if guids.len() <= FEW {
        for guid in guids {
            match onramp.forest.users.get(&guid).await {
                Ok(user) => drop(found.insert(guid, user)),
                Err(error) if error.is_not_found() => {}
                Err(error) if error.kind() == onramp_core::ErrorKind::Unreadable => unreadable.add(&error),
                Err(error) => return Err(error),
            }
        }
        return Ok(found);
    }
    let guids: HashSet<ObjectGuid> = guids.collect();
    let (mut users, mut count) = (onramp.forest.users.search(UserQuery::all()), 0);
    while let Some(user) = readable(&mut users, unreadable).await? {
        count += 1;
        onramp.report_reading("users of the forest", count);
        if guids.contains(&user.guid) {
            found.insert(user.guid, user);
        }
    }
    onramp.report_read("users of the forest", count);
    Ok(found)
}

/// Returns the selected ones of the users that the run changed. Blocks the plan for a name that fits none of them.
pub(crate) async fn select(
    undoing: &mut Undoing<'_>,
    present: &HashMap<ObjectGuid, ForestUser>,
) -> HashSet<ObjectGuid> {
    let selection = undoing.selection;
    let is_below =
        |user: &ForestUser| selection.ous.is_empty() || selection.ous.iter().any(|ou| user.dn.is_within(ou));
    for ou in &selection.ous {
        if !present.values().any(|user| user.dn.is_within(ou)) {
            let (name, similar) = (ou.to_string(), None);
            undoing.draft.block_all(BlockerKind::NotChangedByRun { name, similar });
        }
    }
    if selection.users.is_empty() {
        return present.values().filter(|user| is_below(user)).map(|user| user.guid).collect();
    }
    let mut history = History::default();
    history.add_plan(undoing.run.plan());
    let mut names = Names::new(&selection.users, &history);
    let netbios = match selection.users.iter().any(|name| name.contains('\\')) {
        true => read_netbios_names(&undoing.onramp.forest, &undoing.suffix.controllers).await,
        false => NetbiosNames::new(),
    };
    let mut selected = HashSet::new();
    let mut outside = Vec::new();
    for user in present.values() {
        let found = names.find(user, &netbios, &history, None);
        if is_below(user) {
            selected.extend((!found.is_empty()).then_some(user.guid));
        } else {
            outside.extend(found.into_iter().map(|at| (at, UserRef::of(user))));
        }
    }
    outside.sort_unstable();
    for (at, fits) in outside {
        if let Some(entry) = names.entries().get(at) {
            undoing.draft.block_all(BlockerKind::OutsideOus { name: entry.written.clone(), fits });
        }
    }
    present.values().for_each(|user| names.compare(user));
    for entry in names.entries() {
        let (list, name) = ("users".to_owned(), entry.written.clone());
        if entry.is_unknown() {
            let similar = entry.nearest().map(str::to_owned);
            undoing.draft.block_all(BlockerKind::NotChangedByRun { name, similar });
        } else if entry.is_ambiguous() {
            undoing.draft.block_all(BlockerKind::AmbiguousUser { list, name, fits: entry.fits.clone() });
        }
    }
    selected
}

/// Returns the users whose former UPN belongs to another principal, with that principal.
async fn taken(
    onramp: &Onramp,
    restored: &HashMap<ObjectGuid, Option<String>>,
) -> Result<HashMap<ObjectGuid, UserRef>> {
    let mut taken = HashMap::new();
    if restored.len() <= FEW {
        for (guid, former) in restored {
            let Some(upn) = former.as_deref().and_then(|upn| Upn::parse(upn).ok()) else { continue };
            let holder = match onramp.forest.objects.get(&ObjectRef::Upn(upn), &[]).await {
                Ok(holder) if holder.guid != *guid && !restored.contains_key(&holder.guid) => holder,
                Ok(_) => continue,
                Err(error) if error.is_not_found() => continue,
                Err(error) => return Err(error),
            };
            let holder = UserRef { guid: holder.guid, dn: holder.dn, sam_account_name: String::new() };
            taken.insert(*guid, holder);
        }
        return Ok(taken);
    }
    let mut wanted: HashMap<String, Vec<ObjectGuid>> = HashMap::new();
    for (guid, former) in restored {
        if let Some(former) = former {
            wanted.entry(comparison_key(former)).or_default().push(*guid);
        }
    }
    let mut owners = onramp.forest.users.upn_owners();
    let mut unreadable = Unreadable::default();
    while let Some(owner) = readable(&mut owners, &mut unreadable).await? {
        let Some(upn) = owner.upn.as_deref().filter(|_| !restored.contains_key(&owner.guid)) else {
            continue;
        };
        for guid in wanted.get(&comparison_key(upn)).into_iter().flatten() {
            taken.insert(*guid, UserRef::of_holder(&owner));
        }
    }
    Ok(taken)
}

/// Compares every restored user with its UPN from before the run, octet by octet.
pub(crate) async fn verify_restored(
    onramp: &Onramp,
    approved: &ApprovedPlan,
    verification: &mut Verification,
) -> Result<()> {
    let planned: HashMap<ObjectGuid, UserValues<'_>> = (approved.plan().changes().iter())
        .filter_map(|planned| planned.change.of_user())
        .map(|values| (values.guid, values))
        .collect();
    let mut unreadable = Unreadable::default();
    let present = read(onramp, planned.keys().copied(), &mut unreadable).await?;
    let name = "the restored users have the addresses from before the run";
    if planned.is_empty() {
        return verify_addresses(onramp, approved, name, verification).await;
    }
    let (mut wrong, mut sample) = (Vec::new(), Sample::default());
    for (guid, values) in &planned {
        match present.get(guid) {
            Some(user) if user.upn.as_deref() == values.after => sample.offer(user),
            Some(user) => wrong.push(format!(
                "{} has {}, not {}",
                user.sam_account_name,
                user.upn.as_deref().unwrap_or("(none)"),
                values.after.unwrap_or("(none)")
            )),
            None => wrong.push(format!("{} no longer exists or cannot be read", values.dn)),
        }
    }
    let changes = approved.plan().changes().iter().map(|planned| &planned.change);
    wrong.extend(shared_values(onramp, approved.plan(), changes.filter(|change| change.is_of_user())).await?);
    wrong.sort_unstable();
    let values: Vec<ReplicatedValue> = sample.into_values();
    let controllers = onramp.forest.replication.controllers().await?;
    let (lagging, silent) = onramp.ask_everywhere(&values, &controllers).await;
    let excused = approved.left_out();
    let silent: Vec<String> = (silent.into_iter())
        .filter(|host| !excused.iter().any(|left| left.eq_ignore_ascii_case(host)))
        .collect();
    let mut detail =
        vec![format!("{} of {} have it", planned.len().saturating_sub(wrong.len()), planned.len())];
    detail.extend((!wrong.is_empty()).then(|| super::verify::named(&wrong)));
    detail.push(match lagging.len() {
        0 => format!("a sample of {} is on every domain controller that answers", values.len()),
        count => format!("{count} of a sample of {} are not on every domain controller", values.len()),
    });
    detail.extend((!silent.is_empty()).then(|| format!("no answer about them from {}", silent.join(", "))));
    let status = match (wrong.is_empty() && lagging.is_empty(), silent.is_empty()) {
        (false, _) => CheckStatus::False,
        (true, false) => CheckStatus::Unknown,
        (true, true) => CheckStatus::True,
    };
    verification.check("the restored users have the UPN from before the run", status, detail.join("; "));
    verify_addresses(onramp, approved, name, verification).await
}
