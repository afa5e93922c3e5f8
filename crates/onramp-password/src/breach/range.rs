//! The range interface of Have I Been Pwned: what to ask, and what an answer says.
//!
//! Only the first five digits of a hash are sent. The answer lists the rest of every hash that begins so, and its count.

use alloc::format;
use alloc::string::String;
use core::fmt;

use super::hash::digit;
use super::{HashKind, ListError, PasswordHash, list};

/// How many bytes of an answer are read at most; the longest range has about a tenth of it.
pub const MAX_BODY: usize = 1 << 20;

/// How many digits are sent.
pub(super) const DIGITS: usize = 5;

/// The first five hexadecimal digits of a hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Prefix(u32);

impl Prefix {
    /// How many there are.
    pub const COUNT: u32 = 1 << (4 * DIGITS);

    /// The prefix of a number; nothing from [`Prefix::COUNT`] on.
    #[must_use]
    pub const fn new(number: u32) -> Option<Self> {
        if number < Self::COUNT { Some(Self(number)) } else { None }
    }

    /// Reads five hexadecimal digits.
    #[must_use]
    pub fn from_hex(digits: &str) -> Option<Self> {
        if digits.len() != DIGITS {
            return None;
        }
        let number =
            digits.bytes().try_fold(0, |number, byte| Some(number << 4 | u32::from(digit(byte)?)))?;
        Some(Self(number))
    }

    /// The prefix of a hash.
    #[must_use]
    pub fn of(hash: &PasswordHash) -> Self {
        Self::of_key(hash.key())
    }

    /// All prefixes, in order.
    pub fn all() -> impl ExactSizeIterator<Item = Self> {
        (0..Self::COUNT as usize).map(|number| Self(number as u32))
    }

    /// The number of the prefix.
    #[must_use]
    pub const fn number(self) -> u32 {
        self.0
    }

    pub(super) const fn of_key(key: u64) -> Self {
        Self((key >> (64 - 4 * DIGITS)) as u32)
    }

    /// The smallest hash with this prefix.
    pub(super) const fn first_key(self) -> u64 {
        (self.0 as u64) << (64 - 4 * DIGITS)
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:05X}", self.0)
    }
}

/// What to ask the service for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RangeRequest {
    base: String,
    prefix: Prefix,
    kind: HashKind,
    padding: bool,
}

impl RangeRequest {
    /// The range of a prefix, from a service such as `https://api.pwnedpasswords.com`, padded.
    #[must_use]
    pub fn new(base: &str, prefix: Prefix, kind: HashKind) -> Self {
        Self { base: base.trim_end_matches('/').into(), prefix, kind, padding: true }
    }

    /// The same without padding: whoever sees the length of the answer may learn the prefix.
    #[must_use]
    pub fn without_padding(mut self) -> Self {
        self.padding = false;
        self
    }

    /// The range.
    #[must_use]
    pub fn prefix(&self) -> Prefix {
        self.prefix
    }

    /// Which hashes.
    #[must_use]
    pub fn kind(&self) -> HashKind {
        self.kind
    }

    /// The address to GET.
    #[must_use]
    pub fn url(&self) -> String {
        let mode = match self.kind {
            HashKind::Sha1 => "",
            HashKind::Ntlm => "?mode=ntlm",
        };
        format!("{}/range/{}{mode}", self.base, self.prefix)
    }

    /// The header fields to send, beside a `User-Agent` that says who asks.
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
    /// The body of a range, as the service sends it or as it was saved.
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

    /// How often a password was seen in breaches: 0 for never.
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

    /// The first 64 bits of each hash and its count, without padding.
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
