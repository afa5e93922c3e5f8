//! The objects that have a value already that only one object of the forest may have.

use std::collections::{HashMap, HashSet};

use onramp_core::forest::{AttributeValue, ForestObject, ObjectQuery};
use onramp_core::{AttributeName, LdapFilter, ObjectGuid, Result};
use onramp_readiness::attributes::{
    MAIL, PROXY_ADDRESSES as PROXIES, SAM_ACCOUNT_NAME as SAM, USER_PRINCIPAL_NAME as UPN,
};
use onramp_readiness::{address_key, smtp_address};

use super::{ChosenFix, FixSurvey};
use crate::onramp::Onramp;
use crate::plan::{AttributeEdit, ObjectEdit};
use crate::survey::{Unreadable, readable};
use crate::user_ref::UserRef;

/// The maximum number of values in one filter; for more, every value is read.
pub(crate) const ASKED_FOR: usize = 50;

/// An object that has a value that a fix sets on another object.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ValueHolder {
    /// The object.
    pub holder: UserRef,
    /// The attribute in which it has the value; `sAMAccountName` if it is the implied UPN.
    pub attribute: AttributeName,
    /// The value as names are compared: without the type of an address, and without regard to case.
    pub key: String,
}

impl ValueHolder {
    /// Returns true if no other object can get the value in that attribute.
    pub(crate) fn excludes(&self, attribute: &AttributeName) -> bool {
        // An implied UPN is taken for a UPN alone.
        *attribute == UPN || self.attribute != SAM
    }
}

/// Returns the key of a value that only one object of the forest may have; `None` for attributes without that rule.
pub(crate) fn unique_key(attribute: &AttributeName, value: &str) -> Option<String> {
    if *attribute == PROXIES {
        return Some(address_key(smtp_address(value).unwrap_or(value)));
    }
    (*attribute == UPN || *attribute == MAIL).then(|| address_key(value.trim()))
}

/// Adds the objects to the survey that have a value that a fix sets.
pub(super) async fn read_holders(
    onramp: &Onramp,
    survey: &mut FixSurvey,
    unreadable: &mut Unreadable,
) -> Result<()> {
    let mut wanted: HashMap<String, String> = HashMap::new();
    let mut sets_upn = false;
    for (ChosenFix { changes, .. }, _) in &survey.objects {
        for change in changes {
            for value in &change.add {
                let Some(key) = unique_key(&change.attribute, value) else { continue };
                sets_upn |= change.attribute == UPN;
                wanted.insert(key, smtp_address(value).unwrap_or(value).trim().to_owned());
            }
        }
    }
    if sets_upn {
        survey.holders.extend(find_implied(onramp, &wanted, unreadable).await?);
    }
    survey.holders.extend(find_holders(onramp, &wanted, unreadable).await?);
    Ok(())
}

/// Returns the objects that have values, given by key and text, as UPN or mail address.
pub(crate) async fn find_holders(
    onramp: &Onramp,
    wanted: &HashMap<String, String>,
    unreadable: &mut Unreadable,
) -> Result<Vec<ValueHolder>> {
    let mut holders = Vec::new();
    if wanted.is_empty() {
        return Ok(holders);
    }
    let filter = if wanted.len() <= ASKED_FOR {
        let each = wanted.values().flat_map(|text| {
            [
                LdapFilter::equal(&MAIL, text),
                LdapFilter::equal(&UPN, text),
                LdapFilter::equal(&PROXIES, text),
                LdapFilter::equal(&PROXIES, &format!("smtp:{text}")),
            ]
        });
        LdapFilter::any_of(&each.collect::<Vec<_>>())
    } else {
        LdapFilter::any_of(&[MAIL, PROXIES, UPN].map(|name| LdapFilter::present(&name)))
    };
    let query = ObjectQuery::all([MAIL, PROXIES, UPN, SAM]).with_filter(filter);
    let (mut objects, mut count) = (onramp.forest.objects.search(query), 0);
    while let Some(object) = readable(&mut objects, unreadable).await? {
        count += 1;
        onramp.report_reading("objects of the forest with addresses", count);
        let holder = named(&object);
        for attribute in [UPN, MAIL, PROXIES] {
            let values = object.values(&attribute).iter().filter_map(|value| value.as_text());
            let mut keys: Vec<String> = values.filter_map(|value| unique_key(&attribute, value)).collect();
            keys.retain(|key| wanted.contains_key(key));
            keys.dedup();
            holders.extend(keys.into_iter().map(|key| ValueHolder {
                holder: holder.clone(),
                attribute: attribute.clone(),
                key,
            }));
        }
    }
    Ok(holders)
}

/// Returns the accounts that can sign in with a new UPN without having it: AD accepts `sAMAccountName@domain` for every account.
pub(crate) async fn find_implied(
    onramp: &Onramp,
    wanted: &HashMap<String, String>,
    unreadable: &mut Unreadable,
) -> Result<Vec<ValueHolder>> {
    let mut holders = Vec::new();
    let (mut owners, mut count) = (onramp.forest.users.upn_owners(), 0);
    while let Some(owner) = readable(&mut owners, unreadable).await? {
        count += 1;
        onramp.report_reading("principals of the forest", count);
        let Some(implied) = owner.implied_upn() else { continue };
        let key = address_key(implied.as_str());
        if wanted.contains_key(&key) {
            holders.push(ValueHolder { holder: UserRef::of_holder(&owner), attribute: SAM, key });
        }
    }
    Ok(holders)
}

/// A value from before a run that another object has now.
#[derive(Debug, Clone)]
pub(crate) struct TakenValue {
    pub(crate) attribute: AttributeName,
    pub(crate) value: String,
    pub(crate) holder: UserRef,
}

/// Returns the objects that cannot get back the values that edits replaced, because another object has one now that only one may
/// have. What another one of these objects gives up by the same undo is not in the way.
pub(crate) async fn taken_back(
    onramp: &Onramp,
    edits: &[&ObjectEdit],
    unreadable: &mut Unreadable,
) -> Result<HashMap<ObjectGuid, TakenValue>> {
    let mut wanted: HashMap<String, String> = HashMap::new();
    let mut back: Vec<(ObjectGuid, &AttributeName, &str, String)> = Vec::new();
    let mut given_up: HashSet<(ObjectGuid, String)> = HashSet::new();
    for edit in edits {
        let keys_of = |values: fn(&AttributeEdit) -> &Vec<AttributeValue>| {
            edit.attributes.iter().flat_map(move |change| {
                let texts = values(change).iter().filter_map(AttributeValue::as_text);
                texts.filter_map(|text| Some((&change.attribute, text, unique_key(&change.attribute, text)?)))
            })
        };
        let own: HashSet<String> = keys_of(|change| &change.add).map(|(_, _, key)| key).collect();
        for (attribute, text, key) in keys_of(|change| &change.remove) {
            // A value that the object still has, in another spelling or attribute.
            if own.contains(&key) {
                continue;
            }
            wanted.insert(key.clone(), smtp_address(text).unwrap_or(text).trim().to_owned());
            back.push((edit.guid, attribute, text, key));
        }
        given_up.extend(own.into_iter().map(|key| (edit.guid, key)));
    }
    let mut holders: HashMap<String, Vec<UserRef>> = HashMap::new();
    for ValueHolder { holder, key, .. } in find_holders(onramp, &wanted, unreadable).await? {
        holders.entry(key).or_default().push(holder);
    }
    let mut taken: HashMap<ObjectGuid, TakenValue> = HashMap::new();
    loop {
        let known = taken.len();
        for (guid, attribute, value, key) in &back {
            // An object that keeps its values gives up none.
            let keeps = |holder: &&UserRef| {
                holder.guid != *guid
                    && (taken.contains_key(&holder.guid) || !given_up.contains(&(holder.guid, key.clone())))
            };
            let holder = holders.get(key).into_iter().flatten().filter(keeps).min().cloned();
            if let Some(holder) = holder {
                let (attribute, value) = ((*attribute).clone(), (*value).to_owned());
                taken.entry(*guid).or_insert(TakenValue { attribute, value, holder });
            }
        }
        if taken.len() == known {
            return Ok(taken);
        }
    }
}

/// Returns the names of an object that was read with its `sAMAccountName`.
pub(crate) fn named(object: &ForestObject) -> UserRef {
    let sam_account_name = object.text(&SAM).unwrap_or_default().to_owned();
    UserRef { guid: object.guid, dn: object.dn.clone(), sam_account_name }
}
