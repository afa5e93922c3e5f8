//! The source anchor: what ties a cloud object to its on-premises original for good.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::ObjectGuid;
use crate::parse::{ParseError, text_newtype};

/// The value of `onPremisesImmutableId`: usually the base64 of the sixteen raw bytes of
/// `mS-DS-ConsistencyGuid`, or of `objectGUID` where that is empty.
///
/// Compared byte by byte: case matters. A tenant may hold anchors of other shapes (an employee number, say),
/// so any text without white space, `@` and `_` is taken, fewer than 60 characters as Entra Connect's own limit
/// says.
///
/// ```
/// use onramp_core::{ImmutableId, ObjectGuid};
/// let guid = ObjectGuid::parse("00112233-4455-6677-8899-aabbccddeeff")?;
/// let anchor = ImmutableId::from_guid(&guid);
/// assert_eq!(anchor.as_str(), "MyIRAFVEd2aImaq7zN3u/w==");
/// assert_eq!(anchor.guid(), Some(guid));
/// # Ok::<(), onramp_core::ParseError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ImmutableId(String);

impl ImmutableId {
    /// The anchor of an object that is anchored by a GUID's raw bytes.
    pub fn from_guid(guid: &ObjectGuid) -> Self {
        Self(STANDARD.encode(guid.as_bytes()))
    }

    /// The anchor that `mS-DS-ConsistencyGuid` gives, an attribute of any bytes.
    ///
    /// # Errors
    /// No bytes, or more than an anchor may have.
    pub fn from_consistency_guid(bytes: &[u8]) -> Result<Self, ParseError> {
        Self::parse(&STANDARD.encode(bytes))
    }

    /// Parses an anchor as a tenant shows it.
    ///
    /// # Errors
    /// Empty text, 60 characters or more, white space, `@` or `_`.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let refuse = |reason: &str| Err(ParseError::new("source anchor", text, reason));
        if text.is_empty() {
            return refuse("it is empty");
        }
        if text.chars().count() >= 60 {
            return refuse("it has 60 characters or more");
        }
        if text.chars().any(|c| c.is_whitespace() || c.is_control() || c == '@' || c == '_') {
            return refuse("it holds white space, “@” or “_”");
        }
        Ok(Self(text.to_owned()))
    }

    /// The anchor's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The GUID it encodes, if it is the base64 of sixteen bytes.
    pub fn guid(&self) -> Option<ObjectGuid> {
        ObjectGuid::from_slice(&STANDARD.decode(&self.0).ok()?).ok()
    }
}

text_newtype!(ImmutableId);

impl fmt::Display for ImmutableId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
impl fmt::Debug for ImmutableId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ImmutableId({})", self.0)
    }
}
