//! The values of a cloud object that a match replaces.

use std::collections::HashSet;

use onramp_core::forest::AttributeValue;
use onramp_core::{AttributeName, comparison_key};

use super::{CloudObject, Loss};
use crate::{DirectoryObject, attributes as a};

/// Properties of Graph, and the attributes of AD that synchronization fills them from.
pub(super) const PROPERTIES: [(&str, AttributeName); 17] = [
    ("givenName", a::GIVEN_NAME),
    ("surname", a::SN),
    ("jobTitle", a::TITLE),
    ("department", a::DEPARTMENT),
    ("companyName", a::COMPANY),
    ("businessPhones", a::TELEPHONE_NUMBER),
    ("mobilePhone", AttributeName::from_static("mobile")),
    ("faxNumber", AttributeName::from_static("facsimileTelephoneNumber")),
    ("officeLocation", AttributeName::from_static("physicalDeliveryOfficeName")),
    ("streetAddress", AttributeName::from_static("streetAddress")),
    ("city", AttributeName::from_static("l")),
    ("state", AttributeName::from_static("st")),
    ("postalCode", AttributeName::from_static("postalCode")),
    ("country", AttributeName::from_static("co")),
    ("employeeId", AttributeName::from_static("employeeID")),
    ("mailNickname", a::MAIL_NICKNAME),
    ("description", AttributeName::from_static("description")),
];

/// The attributes that are compared, besides those that decide on matches.
pub(super) fn attributes() -> impl Iterator<Item = AttributeName> {
    PROPERTIES.into_iter().map(|(_, attribute)| attribute)
}

/// Returns the values of the cloud object that differ from those of AD. What AD does not have stays as it is.
pub(super) fn of(object: &DirectoryObject, cloud: &CloudObject, login: &AttributeName) -> Vec<Loss> {
    let plain = [a::DISPLAY_NAME, a::MAIL].into_iter().chain(attributes());
    let mut losses: Vec<Loss> = Vec::new();
    losses.extend(loss(object, cloud, login, &a::USER_PRINCIPAL_NAME, comparison_key));
    for attribute in plain {
        losses.extend(loss(object, cloud, &attribute, &attribute, |text| text.trim().to_owned()));
    }
    losses.extend(addresses(object, cloud));
    losses
}

fn loss(
    object: &DirectoryObject,
    cloud: &CloudObject,
    attribute: &AttributeName,
    property: &AttributeName,
    key: impl Fn(&str) -> String,
) -> Option<Loss> {
    let forest = texts(object, attribute);
    let present: Vec<&str> =
        cloud.values(property)?.into_iter().filter(|text| !text.trim().is_empty()).collect();
    let keys: HashSet<String> = forest.iter().map(|text| key(text)).collect();
    if forest.is_empty() || present.iter().all(|text| keys.contains(&key(text))) {
        return None;
    }
    let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    Some(Loss { attribute: property.clone(), cloud: owned(&present), forest: owned(&forest) })
}

/// The addresses that the object of AD does not have. Those are told alone: the others stay.
fn addresses(object: &DirectoryObject, cloud: &CloudObject) -> Option<Loss> {
    let forest = texts(object, &a::PROXY_ADDRESSES);
    let kept: HashSet<String> = forest.iter().map(|text| comparison_key(text)).collect();
    let gone = cloud.proxy_addresses.iter().filter(|proxy| !kept.contains(&comparison_key(proxy)));
    let gone: Vec<String> = gone.cloned().collect();
    let is_loss = !forest.is_empty() && !gone.is_empty();
    is_loss.then(|| Loss { attribute: a::PROXY_ADDRESSES, cloud: gone, forest: Vec::new() })
}

fn texts<'a>(object: &'a DirectoryObject, attribute: &AttributeName) -> Vec<&'a str> {
    let values = object.values(attribute).iter().filter_map(AttributeValue::as_text);
    values.map(str::trim).filter(|text| !text.is_empty()).collect()
}
