//! The query and the cursor of change tracking.

use onramp_core::{AttributeName, DistinguishedName, LdapFilter, ObjectGuid};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The objects to track, and their attributes.
///
/// ```
/// use onramp_ad::DirectoryChangeQuery;
/// use onramp_core::{AttributeName, LdapFilter};
/// # fn main() -> Result<(), onramp_core::ParseError> {
/// let upn = AttributeName::parse("userPrincipalName")?;
/// let users = LdapFilter::parse("(objectCategory=person)")?;
/// let query = DirectoryChangeQuery::new("DC=corp,DC=example".parse()?, [upn]).with_filter(users).with_deleted();
/// assert!(query.include_deleted);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DirectoryChangeQuery {
    /// The naming context: of a domain, or Configuration.
    pub context: DistinguishedName,
    /// The filter; `None` for all objects. An object that stops matching is not reported.
    pub filter: Option<LdapFilter>,
    /// The attributes: a change of one of them is reported, and so is a rename or a move.
    pub attributes: Vec<AttributeName>,
    /// True if deleted objects are reported. Ordinary accounts may not see them.
    pub include_deleted: bool,
    /// True if the DirSync control is used where the domain controller supports it.
    pub dir_sync: bool,
}

impl DirectoryChangeQuery {
    /// Creates a query for all objects of a naming context.
    pub fn new(context: DistinguishedName, attributes: impl IntoIterator<Item = AttributeName>) -> Self {
        let attributes = attributes.into_iter().collect();
        Self { context, filter: None, attributes, include_deleted: false, dir_sync: true }
    }

    /// Adds a filter.
    #[must_use]
    pub fn with_filter(mut self, filter: LdapFilter) -> Self {
        self.filter = Some(filter);
        self
    }

    /// Includes deleted objects.
    #[must_use]
    pub fn with_deleted(mut self) -> Self {
        self.include_deleted = true;
        self
    }

    /// Uses `uSNChanged` even where DirSync is supported: a change of any attribute is reported then.
    #[must_use]
    pub fn without_dir_sync(mut self) -> Self {
        self.dir_sync = false;
        self
    }

    pub(crate) fn filter(&self) -> LdapFilter {
        let everything = || LdapFilter::present(&AttributeName::from_static("objectClass"));
        self.filter.clone().unwrap_or_else(everything)
    }

    /// Returns the query as text, in one spelling.
    fn fingerprint(&self) -> String {
        let mut names: Vec<String> =
            self.attributes.iter().map(|name| name.as_str().to_lowercase()).collect();
        names.sort_unstable();
        names.dedup();
        let deleted = if self.include_deleted { " and deleted" } else { "" };
        format!("{} of {}{deleted}", names.join(","), self.filter())
    }
}

/// The position of a reader of changes. Store it as it is, together with the changes before it, and pass it
/// to the next call. It contains no secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeCursor {
    context: DistinguishedName,
    /// The fingerprint of the query: a cursor continues only the same query.
    question: String,
    pub(crate) position: Position,
}

/// The position in the changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Position {
    /// A DirSync cookie, valid on every domain controller of the domain.
    DirSync(#[serde(serialize_with = "to_hex", deserialize_with = "from_hex")] Vec<u8>),
    /// The highest update sequence number of the database of one domain controller.
    Usn { invocation: ObjectGuid, highest: u64 },
}

impl ChangeCursor {
    pub(crate) fn new(query: &DirectoryChangeQuery, position: Position) -> Self {
        Self { context: query.context.clone(), question: query.fingerprint(), position }
    }

    /// Returns the naming context.
    pub fn context(&self) -> &DistinguishedName {
        &self.context
    }

    /// Returns the reason why the cursor cannot continue a query, if there is one.
    pub(crate) fn mismatch(&self, query: &DirectoryChangeQuery) -> Option<&'static str> {
        if self.context != query.context {
            return Some("the cursor is of another naming context");
        }
        (self.question != query.fingerprint())
            .then_some("the cursor is of a query for other objects or attributes")
    }
}

fn to_hex<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
}

fn from_hex<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let invalid = || serde::de::Error::custom("a cookie is written in pairs of hexadecimal digits");
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let digit = |c: u8| char::from(c).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let byte = |[high, low]: &[u8; 2]| Some(digit(*high)? << 4 | digit(*low)?);
    if !rest.is_empty() {
        return Err(invalid());
    }
    pairs.iter().map(byte).collect::<Option<_>>().ok_or_else(invalid)
}
