//! Where a reader of changes stopped.

use onramp_core::{AttributeName, DistinguishedName, LdapFilter, ObjectGuid};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Which objects of a naming context to follow, and what of them.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ChangeQuery {
    /// The naming context: of a domain, or Configuration.
    pub context: DistinguishedName,
    /// Which objects; `None` is all. An object that ceases to match is not told of.
    pub filter: Option<LdapFilter>,
    /// Which attributes: an object is told of when one of them changes, and when it is renamed or moved.
    pub attributes: Vec<AttributeName>,
    /// Whether to tell of objects that are deleted. Ordinary accounts may not see them.
    pub include_deleted: bool,
    /// Whether to use the DirSync control where the domain controller has it.
    pub dir_sync: bool,
}

impl ChangeQuery {
    /// All objects of a naming context, with those attributes.
    pub fn new(context: DistinguishedName, attributes: impl IntoIterator<Item = AttributeName>) -> Self {
        let attributes = attributes.into_iter().collect();
        Self { context, filter: None, attributes, include_deleted: false, dir_sync: true }
    }

    /// Narrowed by a filter.
    #[must_use]
    pub fn with_filter(mut self, filter: LdapFilter) -> Self {
        self.filter = Some(filter);
        self
    }

    /// Deleted objects too.
    #[must_use]
    pub fn with_deleted(mut self) -> Self {
        self.include_deleted = true;
        self
    }

    /// By `uSNChanged` even where DirSync is offered: any change of an object is told, whichever attribute it was.
    #[must_use]
    pub fn without_dir_sync(mut self) -> Self {
        self.dir_sync = false;
        self
    }

    pub(crate) fn filter(&self) -> LdapFilter {
        let everything = || LdapFilter::present(&AttributeName::from_static("objectClass"));
        self.filter.clone().unwrap_or_else(everything)
    }

    /// What the query asks, in one spelling.
    fn fingerprint(&self) -> String {
        let mut names: Vec<String> =
            self.attributes.iter().map(|name| name.as_str().to_lowercase()).collect();
        names.sort_unstable();
        names.dedup();
        let deleted = if self.include_deleted { " and deleted" } else { "" };
        format!("{} of {}{deleted}", names.join(","), self.filter())
    }
}

/// Where a reader of changes stopped. Store it as it is, together with what was read before it came, and give it back to go
/// on. It holds nothing secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeCursor {
    context: DistinguishedName,
    /// What was asked: an answer to another question does not continue this one.
    question: String,
    pub(crate) position: Position,
}

/// How far a reader came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Position {
    /// A DirSync cookie. Every domain controller of the domain understands it.
    DirSync(#[serde(serialize_with = "to_hex", deserialize_with = "from_hex")] Vec<u8>),
    /// The highest update sequence number of one domain controller's database.
    Usn { invocation: ObjectGuid, highest: u64 },
}

impl ChangeCursor {
    pub(crate) fn new(query: &ChangeQuery, position: Position) -> Self {
        Self { context: query.context.clone(), question: query.fingerprint(), position }
    }

    /// The naming context whose changes it follows.
    pub fn context(&self) -> &DistinguishedName {
        &self.context
    }

    /// Why it cannot continue a query, if it cannot.
    pub(crate) fn mismatch(&self, query: &ChangeQuery) -> Option<&'static str> {
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
