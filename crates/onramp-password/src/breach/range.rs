//! The range interface of Have I Been Pwned: what to ask, and what an answer says.
//!
//! Only the first five digits of a hash are sent. The answer lists the rest of every hash that begins so, and its count.

use alloc::format;
use alloc::string::String;
use core::fmt;

use super::prefix::DIGITS;
use super::{HashKind, ListError, PasswordHash, Prefix, list};

/// The maximum number of bytes that are read of an answer; the longest range has about a tenth of it.
pub const MAX_BODY: usize = 1 << 20;

/// A request to the range interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RangeRequest {
    base: String,
    prefix: Prefix,
    kind: HashKind,
    padding: bool,
}

impl RangeRequest {
    /// Creates the request for the range of a prefix, to a service such as `https://api.pwnedpasswords.com`, padded.
    #[must_use]
    pub fn new(base: &str, prefix: Prefix, kind: HashKind) -> Self {
        Self { base: base.trim_end_matches('/').into(), prefix, kind, padding: true }
    }

    /// Asks for an answer without padding: whoever sees the length of the answer may learn the prefix.
    #[must_use]
    pub fn without_padding(mut self) -> Self {
        self.padding = false;
        self
    }

    /// Returns the range.
    #[must_use]
    pub fn prefix(&self) -> Prefix {
        self.prefix
    }

    /// Returns the kind of the hashes.
    #[must_use]
    pub fn kind(&self) -> HashKind {
        self.kind
    }

    /// Returns the address to GET.
    #[must_use]
    pub fn url(&self) -> String {
        let mode = match self.kind {
            HashKind::Sha1 => "",
            HashKind::Ntlm => "?mode=ntlm",
        };
        format!("{}/range/{}{mode}", self.base, self.prefix)
    }

    /// Returns the header fields to send, beside a `User-Agent` that says who asks.
    pub fn headers(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        self.padding.then_some(("Add-Padding", "true")).into_iter()
    }
}

/// The body of a range.
#[derive(Clone, Copy)]
pub struct RangeBody<'a> {
    kind: HashKind,
    text: &'a [u8],
    prefix: Prefix,
    digits: usize,
}

impl<'a> RangeBody<'a> {
    /// Returns the body of a range, as the service sends it or as it was saved.
    ///
    /// # Errors
    /// [`ListError::TooLong`] beyond [`MAX_BODY`] bytes. Lines are looked at when they are read.
    pub fn new(body: &'a [u8], prefix: Prefix, kind: HashKind) -> Result<Self, ListError> {
        if body.len() > MAX_BODY {
            return Err(ListError::TooLong { limit: MAX_BODY });
        }
        let text = body.strip_prefix("\u{feff}".as_bytes()).unwrap_or(body);
        Ok(Self { text, prefix, kind, digits: kind.digits() - DIGITS })
    }

    /// Returns the number of times that a password was seen in breaches: 0 for never.
    ///
    /// All lines are read, whichever holds the hash, so that the time does not tell.
    ///
    /// # Errors
    /// [`ListError::Line`] at the first line that is none, [`ListError::OtherKind`] if it is one of another hash.
    pub fn count(&self, hash: &PasswordHash) -> Result<u64, ListError> {
        let mut wanted = [0; 40];
        for (pair, byte) in wanted.chunks_exact_mut(2).zip(hash.as_bytes()) {
            let hex = |value: u8| if value < 10 { b'0' + value } else { b'A' - 10 + value };
            pair.copy_from_slice(&[hex(byte >> 4), hex(byte & 15)]);
        }
        let wanted = wanted.get(DIGITS..hash.kind().digits()).unwrap_or_default();
        let mut total = 0_u64;
        self.for_each(|digits, count| {
            let differs = digits.iter().zip(wanted).fold(digits.len() ^ wanted.len(), |differs, (a, b)| {
                differs | usize::from(a.to_ascii_uppercase() ^ b)
            });
            total = total.saturating_add(count * u64::from(differs == 0));
        })?;
        Ok(if Prefix::of(hash) == self.prefix { total } else { 0 })
    }

    /// Calls `take` with the first 64 bits of each hash and its count, without padding.
    pub(super) fn for_each_key(&self, mut take: impl FnMut(u64, u64)) -> Result<(), ListError> {
        self.for_each(|digits, count| {
            // A line whose digits were checked: eleven of them follow the prefix in the first 64 bits.
            let suffix = digits.get(..16 - DIGITS).and_then(list::number).unwrap_or_default();
            if count > 0 {
                take(self.prefix.first_key() | suffix, count);
            }
        })
    }

    fn for_each(&self, mut take: impl FnMut(&[u8], u64)) -> Result<(), ListError> {
        let mut rest = self.text;
        let mut line = 0;
        while !rest.is_empty() {
            let end = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
            let (text, after) = rest.split_at_checked(end).unwrap_or((rest, &[]));
            rest = after.get(1..).unwrap_or_default();
            line += 1;
            let whole = list::split(text, self.digits).filter(|(digits, _)| list::number(digits).is_some());
            let Some((digits, count)) = whole else {
                return Err(list::refusal(text, self.kind, line, Some(self.prefix)));
            };
            take(digits, count);
        }
        Ok(())
    }
}

impl fmt::Debug for RangeBody<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RangeBody").field("prefix", &self.prefix).field("bytes", &self.text.len()).finish()
    }
}
