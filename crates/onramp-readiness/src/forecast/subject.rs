//! An object of AD, with the values that synchronization compares.

use onramp_core::forest::AttributeValue;
use onramp_core::{AttributeName, ImmutableId, ObjectGuid, Sid};

use crate::{DirectoryObject, attributes as a};
use crate::{ObjectKind, smtp_address};

/// An object of AD, with the values that synchronization compares.
pub(super) struct Subject<'a> {
    pub(super) kind: ObjectKind,
    pub(super) guid: Option<ObjectGuid>,
    /// The source anchor, and the attribute that it is made of.
    pub(super) anchor: Option<(ImmutableId, AttributeName)>,
    pub(super) sid: Option<Sid>,
    pub(super) upn: Option<Value<'a>>,
    /// The primary SMTP address: `SMTP:` of `proxyAddresses`, or `mail` where there is none.
    pub(super) primary: Option<Value<'a>>,
    /// All addresses, `mail` among them. SMTP addresses are without their type.
    pub(super) addresses: Vec<Value<'a>>,
}

/// A value that is compared.
#[derive(Clone)]
pub(super) struct Value<'a> {
    pub(super) attribute: AttributeName,
    pub(super) index: usize,
    /// The value, as it is.
    pub(super) whole: &'a str,
    /// The part that is compared.
    pub(super) text: &'a str,
}

impl<'a> Subject<'a> {
    pub(super) fn of(object: &'a DirectoryObject, login: &AttributeName) -> Self {
        let kind = ObjectKind::of(object);
        let consistency = object.values(&a::CONSISTENCY_GUID).first();
        let anchor = consistency
            .and_then(|value| ImmutableId::from_consistency_guid(value.as_bytes()).ok())
            .map(|anchor| (anchor, a::CONSISTENCY_GUID))
            .or_else(|| object.guid().map(|guid| (ImmutableId::from_guid(&guid), a::OBJECT_GUID)));
        let mut addresses: Vec<Value<'_>> = texts(object, &a::PROXY_ADDRESSES)
            .map(|value| Value { text: smtp_address(value.whole).unwrap_or(value.text), ..value })
            .filter(|value| !value.text.is_empty())
            .collect();
        let mail = texts(object, &a::MAIL).next();
        let primary = addresses.iter().find(|value| value.whole.starts_with("SMTP:")).cloned();
        addresses.extend(mail.clone());
        Self {
            kind,
            guid: object.guid(),
            anchor,
            sid: object.values(&a::OBJECT_SID).first().and_then(sid_of),
            upn: texts(object, login).next().filter(|_| kind == ObjectKind::User),
            primary: primary.or(mail),
            addresses,
        }
    }
}

/// The values of an attribute that are text and not blank.
fn texts<'a>(object: &'a DirectoryObject, attribute: &AttributeName) -> impl Iterator<Item = Value<'a>> {
    let values = object.values(attribute).iter().enumerate();
    values.filter_map(move |(index, value)| {
        let whole = value.as_text()?;
        let text = Some(whole.trim()).filter(|text| !text.is_empty())?;
        Some(Value { attribute: attribute.clone(), index, whole, text })
    })
}

fn sid_of(value: &AttributeValue) -> Option<Sid> {
    let text = value.as_text().and_then(|text| Sid::parse(text.trim()).ok());
    text.or_else(|| Sid::from_slice(value.as_bytes()).ok())
}
