//! Security identifiers.

use std::fmt;

use crate::parse::{ParseError, text_newtype};

/// A security identifier such as `S-1-5-21-…-500` ([MS-DTYP] 2.4.2).
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Sid {
    revision: u8,
    authority: u64,
    parts: Vec<u32>,
}

impl Sid {
    /// Parses the text form.
    ///
    /// # Errors
    /// Anything that is not `S-R-A-P…` with at most fifteen parts.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let refuse = || ParseError::new("SID", text, "a SID looks like S-1-5-21-1-2-3-500");
        let mut pieces = text.split('-');
        if !pieces.next().is_some_and(|s| s.eq_ignore_ascii_case("s")) {
            return Err(refuse());
        }
        let revision = pieces.next().and_then(|p| p.parse().ok()).ok_or_else(refuse)?;
        let authority: u64 = pieces.next().and_then(|p| p.parse().ok()).ok_or_else(refuse)?;
        let parts = pieces.map(str::parse).collect::<Result<Vec<u32>, _>>().map_err(|_| refuse())?;
        if authority >= 1 << 48 || parts.len() > 15 {
            return Err(refuse());
        }
        Ok(Self { revision, authority, parts })
    }

    /// From the bytes of `objectSid`.
    ///
    /// # Errors
    /// A length that does not fit the count of parts.
    pub fn from_slice(bytes: &[u8]) -> Result<Self, ParseError> {
        let refuse = || ParseError::new("SID", "(binary)", format!("{} bytes are no SID", bytes.len()));
        let (head, rest) = bytes.split_first_chunk::<8>().ok_or_else(refuse)?;
        let [revision, count, authority @ ..] = *head;
        if count > 15 || rest.len() != usize::from(count) * 4 {
            return Err(refuse());
        }
        let authority = authority.into_iter().fold(0, |sum, byte| sum << 8 | u64::from(byte));
        let (chunks, _) = rest.as_chunks::<4>();
        Ok(Self { revision, authority, parts: chunks.iter().map(|c| u32::from_le_bytes(*c)).collect() })
    }

    /// The bytes of `objectSid`.
    ///
    /// ```
    /// use onramp_core::Sid;
    /// let sid = Sid::parse("S-1-5-32-544")?;
    /// assert_eq!(Sid::from_slice(&sid.to_bytes())?, sid);
    /// # Ok::<(), onramp_core::ParseError>(())
    /// ```
    pub fn to_bytes(&self) -> Vec<u8> {
        // At most fifteen parts, and an authority of 48 bits: both are checked when it is made.
        let mut bytes = vec![self.revision, self.parts.len() as u8];
        bytes.extend(self.authority.to_be_bytes().into_iter().skip(2));
        self.parts.iter().for_each(|part| bytes.extend(part.to_le_bytes()));
        bytes
    }

    /// The relative identifier: the last part. Below 1000 it belongs to a built-in account.
    ///
    /// ```
    /// use onramp_core::Sid;
    /// assert_eq!(Sid::parse("S-1-5-21-1-2-3-500")?.rid(), Some(500));
    /// # Ok::<(), onramp_core::ParseError>(())
    /// ```
    pub fn rid(&self) -> Option<u32> {
        self.parts.last().copied()
    }
}

text_newtype!(Sid);

impl fmt::Display for Sid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "S-{}-{}", self.revision, self.authority)?;
        self.parts.iter().try_for_each(|part| write!(f, "-{part}"))
    }
}
impl fmt::Debug for Sid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sid({self})")
    }
}
