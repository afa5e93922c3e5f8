//! The content of a state, and the lines that it is written in.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use onramp_core::forest::AttributeValue;
use onramp_core::tenant::TenantUser;
use onramp_core::{AttributeName, DistinguishedName, ObjectGuid};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::{DirectoryObject, attributes};

/// The mark of a value that is written in base64. No text of a directory begins with it, and one that does is written so, too.
const OCTETS: char = '\0';

/// One item of a state.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum StateRecord {
    /// An object as it was judged. Of `member` only the number of values is kept, since groups have many and rules count
    /// them: as many empty values come back.
    Object(DirectoryObject),
    /// A container of objects.
    Container(StateContainer),
    /// A user of the tenant.
    CloudUser(Box<TenantUser>),
}

/// A container of objects. Its name is a part of the names of all objects below, which do not change themselves if it gets
/// another one.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct StateContainer {
    /// `objectGUID`.
    pub guid: ObjectGuid,
    /// The distinguished name.
    pub dn: DistinguishedName,
}

impl StateContainer {
    /// A container.
    pub fn new(guid: ObjectGuid, dn: DistinguishedName) -> Self {
        Self { guid, dn }
    }
}

/// A source of objects that can be followed: a naming context of a forest, or a tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct StateSource {
    /// The name, such as that of the naming context.
    pub name: String,
    /// The identity, which another source of the same name does not have.
    pub identity: String,
    /// The account that reads. Another one may see other objects.
    pub account: String,
    /// The place to go on reading at, in the form of the source's client. It holds no secret.
    pub cursor: serde_json::Value,
}

impl StateSource {
    /// A source.
    pub fn new(
        name: impl Into<String>,
        identity: impl Into<String>,
        account: impl Into<String>,
        cursor: serde_json::Value,
    ) -> Self {
        Self { name: name.into(), identity: identity.into(), account: account.into(), cursor }
    }

    /// Returns true if the other one is the same source, read by the same account.
    pub fn is_same(&self, other: &Self) -> bool {
        self.name == other.name && self.identity == other.identity && self.account == other.account
    }
}

/// The first line.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Head<'a> {
    pub(super) format: Cow<'a, str>,
    pub(super) format_version: u32,
}

/// The values of attributes, by their number in [`End::attributes`].
type Values<'a> = Vec<(usize, Vec<Cow<'a, str>>)>;

/// Every other line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Line<'a> {
    /// An object.
    O(ObjectGuid, Cow<'a, str>, Values<'a>),
    /// A group with its number of members.
    G(ObjectGuid, Cow<'a, str>, Values<'a>, usize),
    /// A container.
    C(ObjectGuid, DistinguishedName),
    /// A user of the tenant.
    U(Cow<'a, TenantUser>),
    /// The last one but one.
    End(End),
    /// The last one: the digest of all octets before it.
    Sha256(String),
}

/// The last record, with the facts that are known only at the end.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct End {
    pub(super) attributes: Vec<AttributeName>,
    pub(super) sources: Vec<StateSource>,
    #[serde(with = "time::serde::rfc3339")]
    pub(super) written_at: OffsetDateTime,
}

impl<'a> Line<'a> {
    /// Makes the line of a record; `None` for an object without a GUID, which no change could be told of.
    pub(super) fn of(record: &'a StateRecord, names: &mut Vec<AttributeName>) -> Option<Self> {
        Some(match record {
            StateRecord::Object(object) => {
                let guid = object.guid()?;
                let dn = Cow::Borrowed(object.dn());
                let mut values = Vec::new();
                for (name, all) in object.attributes().filter(|(name, _)| **name != attributes::MEMBER) {
                    let number = names.iter().position(|known| known == name).unwrap_or(names.len());
                    if number == names.len() {
                        names.push(name.clone());
                    }
                    values.push((number, all.iter().map(encode).collect()));
                }
                match object.values(&attributes::MEMBER).len() {
                    0 => Self::O(guid, dn, values),
                    members => Self::G(guid, dn, values, members),
                }
            }
            StateRecord::Container(container) => Self::C(container.guid, container.dn.clone()),
            StateRecord::CloudUser(user) => Self::U(Cow::Borrowed(user)),
        })
    }

    /// Makes a record of the line; `None` for a line without one, or an attribute or a value that is none.
    pub(super) fn into_record(self, names: &[AttributeName]) -> Option<StateRecord> {
        let object = |guid, dn: Cow<'_, str>, values: Values<'_>| {
            let mut object = DirectoryObject::new(dn).with_guid(guid);
            for (number, values) in values {
                let values = values.iter().map(|value| decode(value)).collect::<Option<_>>()?;
                object.append(names.get(number)?.clone(), values);
            }
            Some(object)
        };
        Some(match self {
            Self::O(guid, dn, values) => StateRecord::Object(object(guid, dn, values)?),
            Self::G(guid, dn, values, members) => {
                let mut group = object(guid, dn, values)?;
                group.append(attributes::MEMBER, vec![AttributeValue::bytes([]); members]);
                StateRecord::Object(group)
            }
            Self::C(guid, dn) => StateRecord::Container(StateContainer { guid, dn }),
            Self::U(user) => StateRecord::CloudUser(Box::new(user.into_owned())),
            Self::End(_) | Self::Sha256(_) => return None,
        })
    }
}

fn encode(value: &AttributeValue) -> Cow<'_, str> {
    match value.as_text().filter(|text| !text.starts_with(OCTETS)) {
        Some(text) => Cow::Borrowed(text),
        None => Cow::Owned(format!("{OCTETS}{}", STANDARD_NO_PAD.encode(value.as_bytes()))),
    }
}

fn decode(value: &str) -> Option<AttributeValue> {
    match value.strip_prefix(OCTETS) {
        None => Some(AttributeValue::text(value)),
        Some(octets) => STANDARD_NO_PAD.decode(octets).ok().map(AttributeValue::bytes),
    }
}
