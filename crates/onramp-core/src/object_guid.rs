//! `objectGUID`: sixteen bytes in Active Directory's mixed-endian order.

use std::fmt;

use crate::parse::{ParseError, text_newtype};

/// The GUID of an Active Directory object.
///
/// Held in AD's byte order, in which the first three fields are little-endian ([MS-DTYP] 2.3.4.2); shown in the
/// usual dashed form.
///
/// ```
/// use onramp_core::ObjectGuid;
/// let guid = ObjectGuid::parse("00112233-4455-6677-8899-aabbccddeeff")?;
/// assert_eq!(guid.as_bytes()[..4], [0x33, 0x22, 0x11, 0x00]);
/// # Ok::<(), onramp_core::ParseError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectGuid([u8; 16]);

/// Position in AD's bytes of each byte of the text form.
const ORDER: [usize; 16] = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15];

impl ObjectGuid {
    /// Parses the dashed text form, with or without braces, in any case.
    ///
    /// # Errors
    /// Anything else.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let bytes = parse_guid_text(text, "objectGUID")?;
        let mut ad = [0; 16];
        for (byte, place) in bytes.into_iter().zip(ORDER) {
            if let Some(slot) = ad.get_mut(place) {
                *slot = byte;
            }
        }
        Ok(Self(ad))
    }

    /// From the sixteen bytes of the attribute, as AD sends them.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// From an attribute value.
    ///
    /// ```
    /// use onramp_core::ObjectGuid;
    /// let guid = ObjectGuid::from_slice(&[0x33, 0x22, 0x11, 0x00, 0x55, 0x44, 0x77, 0x66, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff])?;
    /// assert_eq!(guid.to_string(), "00112233-4455-6677-8899-aabbccddeeff");
    /// # Ok::<(), onramp_core::ParseError>(())
    /// ```
    ///
    /// # Errors
    /// A value that is not sixteen bytes long.
    pub fn from_slice(bytes: &[u8]) -> Result<Self, ParseError> {
        bytes.try_into().map(Self).map_err(|_| {
            ParseError::new("objectGUID", "(binary)", format!("it has {} bytes instead of 16", bytes.len()))
        })
    }

    /// The sixteen bytes in AD's order.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

text_newtype!(ObjectGuid);

/// The sixteen bytes of a dashed GUID in the order of the text.
pub(crate) fn parse_guid_text(text: &str, expected: &'static str) -> Result<[u8; 16], ParseError> {
    let refuse = || ParseError::new(expected, text, "a GUID looks like 00112233-4455-6677-8899-aabbccddeeff");
    let inner = match text.strip_prefix('{') {
        Some(rest) => rest.strip_suffix('}').ok_or_else(refuse)?,
        None => text,
    };
    if inner.len() != 36 || !inner.is_ascii() {
        return Err(refuse());
    }
    let mut digits = inner.bytes().enumerate().filter(|(i, _)| !matches!(i, 8 | 13 | 18 | 23));
    let dashes = inner.bytes().enumerate().filter(|(i, _)| matches!(i, 8 | 13 | 18 | 23));
    if dashes.into_iter().any(|(_, b)| b != b'-') {
        return Err(refuse());
    }
    let mut bytes = [0; 16];
    for byte in &mut bytes {
        for _ in 0..2 {
            let digit = digits.next().and_then(|(_, b)| char::from(b).to_digit(16)).ok_or_else(refuse)?;
            // `digit` is below 16, and only the last two survive in a byte.
            *byte = *byte << 4 | digit as u8;
        }
    }
    Ok(bytes)
}

/// Writes sixteen bytes, given in the order of the text, in the dashed form.
pub(crate) fn write_guid(bytes: impl Iterator<Item = u8>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    for (i, byte) in bytes.enumerate() {
        if matches!(i, 4 | 6 | 8 | 10) {
            f.write_str("-")?;
        }
        write!(f, "{byte:02x}")?;
    }
    Ok(())
}

impl fmt::Display for ObjectGuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_guid(ORDER.into_iter().map(|place| self.0.get(place).copied().unwrap_or_default()), f)
    }
}
impl fmt::Debug for ObjectGuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ObjectGuid({self})")
    }
}
