//! The first digits of a hash, which the range interface is asked for.

use core::fmt;

use super::PasswordHash;
use super::hash::digit;

/// The number of digits that are sent.
pub(super) const DIGITS: usize = 5;

/// The first five hexadecimal digits of a hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Prefix(u32);

impl Prefix {
    /// The number of prefixes.
    pub const COUNT: u32 = 1 << (4 * DIGITS);

    /// Returns the prefix of a number; nothing from [`Prefix::COUNT`] on.
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

    /// Returns the prefix of a hash.
    #[must_use]
    pub fn of(hash: &PasswordHash) -> Self {
        Self::of_key(hash.key())
    }

    /// Returns all prefixes, in order.
    pub fn all() -> impl ExactSizeIterator<Item = Self> {
        (0..Self::COUNT as usize).map(|number| Self(number as u32))
    }

    /// Returns the number of the prefix.
    #[must_use]
    pub const fn number(self) -> u32 {
        self.0
    }

    pub(super) const fn of_key(key: u64) -> Self {
        Self((key >> (64 - 4 * DIGITS)) as u32)
    }

    /// Returns the smallest hash with this prefix.
    pub(super) const fn first_key(self) -> u64 {
        (self.0 as u64) << (64 - 4 * DIGITS)
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:05X}", self.0)
    }
}
