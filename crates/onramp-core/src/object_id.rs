//! Identifiers of Entra and Azure objects.

use std::fmt;

use crate::object_guid::{parse_guid_text, write_guid};
use crate::parse::{ParseError, text_newtype};

/// The object ID of something in Entra or Azure: a tenant, user, role template, subscription, application …
///
/// Not an [`ObjectGuid`](crate::ObjectGuid): that one names an on-premises object and has another byte order.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectId([u8; 16]);

impl ObjectId {
    /// Parses the dashed text form, in any case.
    ///
    /// ```
    /// use onramp_core::ObjectId;
    /// let id = ObjectId::parse("BB43D723-3453-4528-BA29-9B2ED359012B")?;
    /// assert_eq!(id.to_string(), "bb43d723-3453-4528-ba29-9b2ed359012b");
    /// # Ok::<(), onramp_core::ParseError>(())
    /// ```
    ///
    /// # Errors
    /// Anything else.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        parse_guid_text(text, "object ID").map(Self)
    }

    /// From sixteen bytes in the order of the text.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Sixteen bytes in the order of the text.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// From the number that the text form spells in hexadecimal; for constants.
    pub const fn from_u128(number: u128) -> Self {
        Self(number.to_be_bytes())
    }
}

text_newtype!(ObjectId);

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_guid(self.0.into_iter(), f)
    }
}
impl fmt::Debug for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ObjectId({self})")
    }
}
