//! A second look at the values that a plan gives to objects: somebody else may have got them since the survey.
//!
//! A directory refuses a UPN that another object of the domain has, and neither a mail address nor a UPN of another domain.

use std::collections::{HashMap, HashSet};

use onramp_core::forest::{AttributeValue, ChangeState, ObjectChange, ObjectQuery, ObjectRef, UpnOwner};
use onramp_core::{AttributeName, LdapFilter, ObjectGuid, Result, visible};
use onramp_readiness::attributes::{SAM_ACCOUNT_NAME as SAM, USER_PRINCIPAL_NAME as UPN};
use onramp_readiness::{address_key, smtp_address};

use super::attributes::{ASKED_FOR, ValueHolder, find_holders, find_implied, named, unique_key};
use crate::onramp::Onramp;
use crate::plan::{BlockerKind, Change, Plan};
use crate::survey::{Unreadable, readable};
use crate::user_ref::UserRef;

/// The values of changes that another object has, by the object that is to get them.
pub(crate) type TakenValues = HashMap<ObjectGuid, BlockerKind>;

/// Returns the objects that cannot get their new values by some changes of a plan, because another one has one of them by now.
/// What an object gives up by the same plan is not in the way.
pub(crate) async fn taken_values<'a>(
    onramp: &Onramp,
    plan: &Plan,
    changes: impl Iterator<Item = &'a Change>,
) -> Result<TakenValues> {
    let mut given_up = HashSet::new();
    for change in plan.changes().iter().filter_map(|planned| planned.change.object_change()) {
        let new: HashSet<String> = keys(&change, |(_, add)| add).map(|(_, _, key)| key).collect();
        let old = keys(&change, |(remove, _)| remove).map(|(_, _, key)| key);
        given_up.extend(old.filter(|key| !new.contains(key)).map(|key| (change.guid, key)));
    }
    find_taken(onramp, plan, changes, &given_up).await
}

/// Returns the objects whose new values by some changes of a plan another object has, too, each with the other one in words.
pub(crate) async fn shared_values<'a>(
    onramp: &Onramp,
    plan: &Plan,
    changes: impl Iterator<Item = &'a Change> + Clone,
) -> Result<Vec<String>> {
    let mut taken = find_taken(onramp, plan, changes.clone(), &HashSet::new()).await?;
    let shared = changes.filter_map(|change| {
        let (guid, dn) = change.object()?;
        let BlockerKind::ValueTaken { value, holder, held_in, .. } = taken.remove(&guid)? else {
            return None;
        };
        Some(format!("{dn}: {holder} has \"{}\", too, as {held_in}", visible(&value)))
    });
    Ok(shared.collect())
}

async fn find_taken<'a>(
    onramp: &Onramp,
    plan: &Plan,
    changes: impl Iterator<Item = &'a Change>,
    given_up: &HashSet<(ObjectGuid, String)>,
) -> Result<TakenValues> {
    let (mut wanted, mut restored) = (Vec::new(), HashSet::new());
    for change in changes {
        let Some(object) = change.object_change() else { continue };
        wanted.extend(Wanted::of(&object));
        // As the plan of the undo was made: what was so before the run, beside a UPN of another object, may be so again.
        if matches!(change, Change::RestoreUpn { .. }) {
            restored.insert(object.guid);
        }
    }
    let mut holders: HashMap<String, Vec<ValueHolder>> = HashMap::new();
    for holder in holders_of(onramp, &wanted).await? {
        holders.entry(holder.key.clone()).or_default().push(holder);
    }
    let is_undo = plan.header().undoes.is_some();
    let mut taken = TakenValues::new();
    for Wanted { guid, attribute, value, key } in wanted {
        let holder = (holders.get(&key).into_iter().flatten())
            .filter(|other| other.holder.guid != guid && other.excludes(&attribute))
            .filter(|other| !is_undo || other.attribute != SAM)
            .filter(|other| !restored.contains(&guid) || other.attribute == UPN)
            .filter(|other| !given_up.contains(&(other.holder.guid, key.clone())))
            .min_by(|one, other| (&one.attribute, &one.holder).cmp(&(&other.attribute, &other.holder)));
        if let Some(ValueHolder { holder, attribute: held_in, .. }) = holder {
            let (holder, held_in) = (holder.clone(), held_in.clone());
            taken.entry(guid).or_insert(BlockerKind::ValueTaken { attribute, value, holder, held_in });
        }
    }
    Ok(taken)
}

/// Keeps only those of the values whose object does not have them yet: a change that an earlier run made is not made again.
pub(crate) async fn retain_unmade<'a>(
    onramp: &Onramp,
    taken: &mut TakenValues,
    changes: impl Iterator<Item = &'a Change>,
) -> Result<()> {
    for change in changes.filter_map(Change::object_change) {
        if !taken.contains_key(&change.guid) {
            continue;
        }
        let names: Vec<_> = change.attributes.iter().map(|edit| edit.attribute.clone()).collect();
        match onramp.forest.objects.get(&ObjectRef::Guid(change.guid), &names).await {
            Ok(object) if change.state(&object) == ChangeState::After => drop(taken.remove(&change.guid)),
            Ok(_) => {}
            // The change itself tells that.
            Err(error) if error.is_not_found() => drop(taken.remove(&change.guid)),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// A value that an object is to get and that only one may have.
struct Wanted {
    guid: ObjectGuid,
    attribute: AttributeName,
    value: String,
    key: String,
}

impl Wanted {
    fn of(change: &ObjectChange) -> Vec<Self> {
        // What the object has already, in another spelling or another attribute, is no new collision.
        let own: HashSet<String> = keys(change, |(remove, _)| remove).map(|(_, _, key)| key).collect();
        keys(change, |(_, add)| add)
            .filter(|(_, _, key)| !own.contains(key))
            .map(|(attribute, value, key)| Self {
                guid: change.guid,
                attribute: attribute.clone(),
                value: value.to_owned(),
                key,
            })
            .collect()
    }
}

/// The values that go and those that come.
type Values<'a> = (&'a [AttributeValue], &'a [AttributeValue]);

/// Returns the values of a change that only one object may have, each with its key.
fn keys<'a>(
    change: &'a ObjectChange,
    values: impl Fn(Values<'a>) -> &'a [AttributeValue],
) -> impl Iterator<Item = (&'a AttributeName, &'a str, String)> {
    let each = change.attributes.iter().flat_map(move |edit| {
        values((&edit.remove, &edit.add)).iter().map(move |value| (&edit.attribute, value))
    });
    each.filter_map(|(attribute, value)| {
        let text = value.as_text()?;
        Some((attribute, text, unique_key(attribute, text)?))
    })
}

/// Reads the objects that have one of the values: those alone for a few values, else all objects that have addresses.
async fn holders_of(onramp: &Onramp, wanted: &[Wanted]) -> Result<Vec<ValueHolder>> {
    let text = |value: &str| smtp_address(value).unwrap_or(value).trim().to_owned();
    let texts = |of_upns: bool| -> HashMap<String, String> {
        let some = wanted.iter().filter(|one| !of_upns || one.attribute == UPN);
        some.map(|one| (one.key.clone(), text(&one.value))).collect()
    };
    // What cannot be read now was not read by the survey either, and the plan has a consequence for it.
    let mut unreadable = Unreadable::default();
    let mut holders = find_holders(onramp, &texts(false), &mut unreadable).await?;
    let upns = texts(true);
    holders.extend(match upns.len() {
        0 => Vec::new(),
        1..=ASKED_FOR => find_few_implied(onramp, &upns, &mut unreadable).await?,
        _ => find_implied(onramp, &upns, &mut unreadable).await?,
    });
    Ok(holders)
}

/// Returns the accounts that can sign in with one of a few UPNs without having it.
async fn find_few_implied(
    onramp: &Onramp,
    wanted: &HashMap<String, String>,
    unreadable: &mut Unreadable,
) -> Result<Vec<ValueHolder>> {
    let accounts = wanted.values().filter_map(|upn| upn.split_once('@')).map(|(account, _)| account);
    let each: Vec<LdapFilter> = accounts
        .filter(|account| !account.is_empty())
        .map(|account| LdapFilter::equal(&SAM, account))
        .collect();
    let mut holders = Vec::new();
    if each.is_empty() {
        return Ok(holders);
    }
    let query = ObjectQuery::all([SAM]).with_filter(LdapFilter::any_of(&each));
    let mut objects = onramp.forest.objects.search(query);
    while let Some(object) = readable(&mut objects, unreadable).await? {
        let UserRef { guid, dn, sam_account_name } = named(&object);
        let owner = UpnOwner::new(guid, dn, sam_account_name, None);
        let Some(key) = owner.implied_upn().map(|upn| address_key(upn.as_str())) else { continue };
        if wanted.contains_key(&key) {
            holders.push(ValueHolder { holder: UserRef::of_holder(&owner), attribute: SAM, key });
        }
    }
    Ok(holders)
}
