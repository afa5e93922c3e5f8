//! The source anchor: what ties a cloud object to its on-premises original for good.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::ObjectGuid;
use crate::parse::{ParseError, text_newtype};

/// The value of `onPremisesImmutableId`: usually the base64 of the sixteen raw bytes of
/// `mS-DS-ConsistencyGuid`, or of `objectGUID` where that is empty.
///
/// Compared byte by byte: case matters. A tenant may hold anchors of other shapes, which other identity providers
/// made: mail addresses, employee numbers, hashes in hexadecimal digits. They are opaque, so any text but an empty one
/// is taken. For anchors that are still to be made there are [Entra Connect's rules](Self::to_be_made).
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
    ///
    /// ```
    /// use onramp_core::{ImmutableId, ObjectGuid};
    /// let guid = ObjectGuid::from_bytes([7; 16]);
    /// let anchor = ImmutableId::from_guid(&guid);
    /// assert_eq!(anchor.as_str(), "BwcHBwcHBwcHBwcHBwcHBw==");
    /// assert_eq!(anchor.guid(), Some(guid));
    /// ```
    pub fn from_guid(guid: &ObjectGuid) -> Self {
        Self(STANDARD.encode(guid.as_bytes()))
    }

    /// The anchor that `mS-DS-ConsistencyGuid` gives, an attribute of any bytes.
    ///
    /// # Errors
    /// No bytes, or more than an anchor may have.
    pub fn from_consistency_guid(bytes: &[u8]) -> Result<Self, ParseError> {
        Self::to_be_made(&STANDARD.encode(bytes))
    }

    /// Parses an anchor as a tenant shows it.
    ///
    /// # Errors
    /// Empty text.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        if text.is_empty() {
            return Err(ParseError::new("source anchor", text, "it is empty"));
        }
        Ok(Self(text.to_owned()))
    }

    /// Parses an anchor that is to be given to an object, by the rules of Entra Connect for those that it makes.
    ///
    /// # Errors
    /// Empty text, 60 characters or more, white space, `@` or `_`.
    pub fn to_be_made(text: &str) -> Result<Self, ParseError> {
        let anchor = Self::parse(text)?;
        match anchor.breach() {
            Some(reason) => Err(ParseError::new("source anchor", text, reason)),
            None => Ok(anchor),
        }
    }

    /// Returns whether Entra Connect would make such an anchor.
    ///
    /// ```
    /// use onramp_core::ImmutableId;
    /// let google = ImmutableId::parse("anna@contoso.com")?;
    /// assert!(!google.is_valid_for_entra_connect());
    /// assert_eq!(google.guid(), None);
    /// # Ok::<(), onramp_core::ParseError>(())
    /// ```
    pub fn is_valid_for_entra_connect(&self) -> bool {
        self.breach().is_none()
    }

    fn breach(&self) -> Option<&'static str> {
        if self.0.chars().count() >= 60 {
            return Some("it has 60 characters or more");
        }
        let barred = |c: char| c.is_whitespace() || c.is_control() || c == '@' || c == '_';
        self.0.contains(barred).then_some("it holds white space, “@” or “_”")
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

impl AsRef<str> for ImmutableId {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}
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
