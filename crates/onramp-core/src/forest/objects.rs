//! Objects of a forest, of any class and with any attributes.

use std::collections::BTreeMap;
use std::fmt::{self, Debug};

use async_trait::async_trait;

use crate::{
    AttributeName, BoxStream, DistinguishedName, DomainName, LdapFilter, ObjectGuid, Result, Sid, Upn,
};

/// The key of one object.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ObjectRef {
    /// `objectGUID`: survives renames and moves; the one to keep.
    Guid(ObjectGuid),
    /// Distinguished name: where the object is now.
    Dn(DistinguishedName),
    /// `objectSid`.
    Sid(Sid),
    /// `userPrincipalName`, in any spelling. Not the implied `sAMAccountName@domain`.
    Upn(Upn),
    /// `sAMAccountName` in one domain, in any spelling.
    SamAccountName {
        /// DNS name of the domain.
        domain: DomainName,
        /// The name, without a domain before it.
        name: String,
    },
}

impl fmt::Display for ObjectRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Guid(guid) => write!(f, "{guid}"),
            Self::Dn(dn) => write!(f, "{dn}"),
            Self::Sid(sid) => write!(f, "{sid}"),
            Self::Upn(upn) => write!(f, "{upn}"),
            Self::SamAccountName { domain, name } => write!(f, "{name} in {domain}"),
        }
    }
}

/// One value of an attribute, as the directory holds it: octets, which most syntaxes fill with UTF-8.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AttributeValue(Vec<u8>);

impl AttributeValue {
    /// A value of text.
    ///
    /// ```
    /// use onramp_core::forest::AttributeValue;
    /// let value = AttributeValue::text("anna@corp.local");
    /// assert_eq!((value.as_text(), value.as_bytes().len()), (Some("anna@corp.local"), 15));
    /// ```
    pub fn text(text: impl Into<String>) -> Self {
        Self(text.into().into_bytes())
    }

    /// A value of octets, such as a GUID's.
    pub fn bytes(bytes: impl Into<Vec<u8>>) -> Self {
        Self(bytes.into())
    }

    /// The octets.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The text, if the value is UTF-8.
    pub fn as_text(&self) -> Option<&str> {
        std::str::from_utf8(&self.0).ok()
    }
}

impl fmt::Display for AttributeValue {
    /// The text, or the octets in hexadecimal where they are none.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.as_text() {
            Some(text) => f.write_str(text),
            None => self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}")),
        }
    }
}

impl fmt::Debug for AttributeValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.as_text() {
            Some(text) => write!(f, "{text:?}"),
            None => write!(f, "x'{self}'"),
        }
    }
}

/// An object with those of the requested attributes that it has.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ForestObject {
    /// `objectGUID`.
    pub guid: ObjectGuid,
    /// Distinguished name.
    pub dn: DistinguishedName,
    /// Attributes with all of their values, in the server's order. Attributes without a value, and those that the
    /// caller may not read, are not in it.
    pub attributes: BTreeMap<AttributeName, Vec<AttributeValue>>,
}

impl ForestObject {
    /// An object without attributes.
    pub fn new(guid: ObjectGuid, dn: DistinguishedName) -> Self {
        Self { guid, dn, attributes: BTreeMap::new() }
    }

    /// All values of an attribute; none if it has none.
    pub fn values(&self, attribute: &AttributeName) -> &[AttributeValue] {
        self.attributes.get(attribute).map_or(&[], Vec::as_slice)
    }

    /// The first value of an attribute as text.
    pub fn text(&self, attribute: &AttributeName) -> Option<&str> {
        self.values(attribute).first()?.as_text()
    }
}

/// The scope of a query below its base.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum SearchScope {
    /// The base and everything below it.
    #[default]
    Subtree,
    /// The objects directly below the base.
    OneLevel,
}

/// The objects and attributes to read.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ObjectQuery {
    /// The base; `None` is every domain of the forest.
    pub base: Option<DistinguishedName>,
    /// The scope below the base.
    pub scope: SearchScope,
    /// The filter; `None` is every object.
    pub filter: Option<LdapFilter>,
    /// The attributes; constructed ones must be named. Empty is none: GUID and name come in any case.
    pub attributes: Vec<AttributeName>,
    /// True to include deleted objects (they are in `CN=Deleted Objects`, with few attributes).
    pub include_deleted: bool,
}

impl ObjectQuery {
    /// All objects of the forest's domains, with those attributes.
    pub fn all(attributes: impl IntoIterator<Item = AttributeName>) -> Self {
        Self {
            base: None,
            scope: SearchScope::default(),
            filter: None,
            attributes: attributes.into_iter().collect(),
            include_deleted: false,
        }
    }

    /// Narrowed to what is at and below an object.
    #[must_use]
    pub fn below(mut self, base: DistinguishedName) -> Self {
        self.base = Some(base);
        self
    }

    /// Narrowed by a filter.
    #[must_use]
    pub fn with_filter(mut self, filter: LdapFilter) -> Self {
        self.filter = Some(filter);
        self
    }

    /// With another scope.
    #[must_use]
    pub fn with_scope(mut self, scope: SearchScope) -> Self {
        self.scope = scope;
        self
    }

    /// Deleted objects too.
    #[must_use]
    pub fn with_deleted(mut self) -> Self {
        self.include_deleted = true;
        self
    }
}

/// The port of objects of any class, for reading.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait ForestObjects: Debug + Send + Sync {
    /// The objects that a query selects, in no order, page by page as the consumer takes them. Each object comes
    /// once, whole: an attribute with more values than the server gives at once is read to its end.
    ///
    /// # Errors
    /// `NotFound` if the query's base does not exist. An object that could not be understood is an `Unreadable` item that
    /// names it, after which the stream goes on; it ends after its first other error.
    fn search(&self, query: ObjectQuery) -> BoxStream<'static, Result<ForestObject>>;

    /// One object.
    ///
    /// # Errors
    /// `NotFound`; `Invalid` if more than one object answers to it (duplicate UPNs exist in real forests); `Unreadable`
    /// if it could not be understood.
    async fn get(&self, object: &ObjectRef, attributes: &[AttributeName]) -> Result<ForestObject>;
}
