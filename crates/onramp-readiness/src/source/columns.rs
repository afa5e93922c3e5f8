//! Names and values as exports write them, turned into those of a directory.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use onramp_core::forest::AttributeValue;
use onramp_core::{AttributeName, ObjectGuid, Sid};

use crate::attributes;

/// Names of columns that are not those of attributes.
const ALIASES: [(&str, &str); 18] = [
    ("EmailAddress", "mail"),
    ("Surname", "sn"),
    ("EmailAddresses", "proxyAddresses"),
    ("Alias", "mailNickname"),
    ("ExternalEmailAddress", "targetAddress"),
    ("SID", "objectSid"),
    ("OfficePhone", "telephoneNumber"),
    ("MobilePhone", "mobile"),
    ("Fax", "facsimileTelephoneNumber"),
    ("Office", "physicalDeliveryOfficeName"),
    ("City", "l"),
    ("State", "st"),
    ("Country", "c"),
    ("POBox", "postOfficeBox"),
    ("Organization", "o"),
    ("OtherName", "middleName"),
    ("HomePage", "wWWHomePage"),
    ("Members", "member"),
];

/// The attribute of a column or property, if an attribute can have the name.
pub(super) fn attribute_of(name: &str) -> Option<AttributeName> {
    let alias = ALIASES.iter().find(|(alias, _)| alias.eq_ignore_ascii_case(name));
    attributes::parse(alias.map_or(name, |(_, name)| name)).ok()
}

/// The value that a text stands for: GUIDs and SIDs are octets; `None` for a GUID that is none.
pub(super) fn typed(attribute: &AttributeName, text: &str) -> Option<AttributeValue> {
    let octets = if *attribute == attributes::OBJECT_GUID || *attribute == attributes::CONSISTENCY_GUID {
        match ObjectGuid::parse(text.trim()) {
            Ok(guid) => guid.as_bytes().to_vec(),
            Err(_) => STANDARD.decode(text.trim()).ok().filter(|octets| octets.len() == 16)?,
        }
    } else if *attribute == attributes::OBJECT_SID || attribute.as_str().eq_ignore_ascii_case("sIDHistory") {
        Sid::parse(text.trim()).ok()?.to_bytes()
    } else {
        return Some(AttributeValue::text(text));
    };
    Some(AttributeValue::bytes(octets))
}

/// The octets of `X'0aff'`, as `csvde` writes what is no text.
pub(super) fn hexadecimal(text: &str) -> Option<Vec<u8>> {
    let digits = text.strip_prefix("X'").or_else(|| text.strip_prefix("x'"))?.strip_suffix('\'')?;
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let (pairs, rest) = digits.as_bytes().as_chunks::<2>();
    let octet = |pair: &[u8; 2]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    if rest.is_empty() { pairs.iter().map(octet).collect() } else { None }
}
