//! The forecast of matches with cloud objects.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod after_sync;
mod exports;
mod findings;
mod possible_matches;
mod properties;
mod table;

use onramp_core::forest::AttributeValue;
use onramp_core::{AttributeName, DomainName, ImmutableId, ObjectGuid, ObjectId, Sid};
use onramp_readiness::ObjectKind;
use onramp_readiness::forecast::{CloudObject, ObjectMapping, TenantFlags};
use onramp_readiness::{DirectoryObject, attributes as a};

/// Anna of AD: `anna@contoso.com`, the primary address `anna.reed@contoso.com`, and `reed@contoso.com`.
pub fn anna() -> DirectoryObject {
    DirectoryObject::new("CN=Anna,OU=Staff,DC=corp,DC=local")
        .with_guid(guid(9))
        .with_text(a::OBJECT_CLASS, "user")
        .with_text(a::DISPLAY_NAME, "Anna Reed")
        .with_text(a::USER_PRINCIPAL_NAME, "anna@contoso.com")
        .with_text(a::PROXY_ADDRESSES, "smtp:reed@contoso.com")
        .with_text(a::PROXY_ADDRESSES, "SMTP:anna.reed@contoso.com")
        .with_text(a::MAIL, "anna.reed@contoso.com")
}

/// A group of AD with the mail address `sales@contoso.com`.
pub fn group() -> DirectoryObject {
    DirectoryObject::new("CN=Sales,OU=Groups,DC=corp,DC=local")
        .with_guid(guid(8))
        .with_text(a::OBJECT_CLASS, "group")
        .with_text(a::DISPLAY_NAME, "Sales")
        .with_text(a::MAIL, "sales@contoso.com")
        .with_text(a::PROXY_ADDRESSES, "SMTP:sales@contoso.com")
}

/// A contact of AD with the mail address `carl@fabrikam.com`.
pub fn contact() -> DirectoryObject {
    DirectoryObject::new("CN=Carl,OU=Contacts,DC=corp,DC=local")
        .with_guid(guid(7))
        .with_text(a::OBJECT_CLASS, "contact")
        .with_text(a::MAIL, "carl@fabrikam.com")
        .with_text(a::PROXY_ADDRESSES, "SMTP:carl@fabrikam.com")
}

pub fn guid(number: u8) -> ObjectGuid {
    ObjectGuid::from_bytes([number; 16])
}

pub fn anchor(number: u8) -> ImmutableId {
    ImmutableId::from_guid(&guid(number))
}

pub fn sid(number: u32) -> Sid {
    Sid::parse(&format!("S-1-5-21-1-2-3-{number}")).unwrap()
}

pub fn id(number: u8) -> ObjectId {
    ObjectId::from_u128(u128::from(number))
}

/// A cloud user without a role that is mapped to nothing.
pub fn cloud(number: u8, upn: &str) -> CloudObject {
    let mut object = CloudObject::new(id(number), ObjectKind::User).with_roles(Some(Vec::new()));
    object.upn = Some(upn.to_owned());
    object.mapping = ObjectMapping::None;
    object
}

/// A cloud group or contact.
pub fn other(number: u8, kind: ObjectKind, proxies: &[&str]) -> CloudObject {
    addresses(CloudObject::new(id(number), kind), proxies)
}

pub fn addresses(object: CloudObject, proxies: &[&str]) -> CloudObject {
    changed(object, |object| object.proxy_addresses = proxies.iter().map(|p| (*p).to_owned()).collect())
}

pub fn changed(mut object: CloudObject, change: impl FnOnce(&mut CloudObject)) -> CloudObject {
    change(&mut object);
    object
}

/// A cloud user with Anna's anchor.
pub fn anchored(number: u8, upn: &str) -> CloudObject {
    changed(cloud(number, upn), |object| object.anchor = Some(anchor(9)))
}

/// A cloud user with the anchor of somebody else.
pub fn foreign(number: u8, upn: &str) -> CloudObject {
    changed(cloud(number, upn), |object| object.anchor = Some(anchor(1)))
}

pub fn synchronized(object: CloudObject) -> CloudObject {
    changed(object, |object| object.is_synchronized = true)
}

pub fn admin(object: CloudObject) -> CloudObject {
    object.with_roles(Some(vec!["User Administrator".to_owned()]))
}

/// A tenant whose switches are known and as they are in a new one.
pub fn known() -> TenantFlags {
    let mut flags = TenantFlags::default();
    flags.block_soft_match = Some(false);
    flags.block_hard_match = Some(false);
    flags.soft_match_on_upn = Some(true);
    flags.allow_update_of_object_identifier = Some(false);
    flags.quarantine_on_upn_conflict = Some(true);
    flags.quarantine_on_proxy_conflict = Some(true);
    flags.password_hash_sync = Some(false);
    flags.with_initial_domain(Some(DomainName::parse("contoso.onmicrosoft.com").unwrap()))
}

pub fn flags(change: impl FnOnce(&mut TenantFlags)) -> TenantFlags {
    let mut flags = known();
    change(&mut flags);
    flags
}

/// The object with other values of an attribute.
pub fn with(mut object: DirectoryObject, attribute: &AttributeName, values: &[&str]) -> DirectoryObject {
    object.set(attribute.clone(), values.iter().map(|value| AttributeValue::text(*value)).collect());
    object
}
