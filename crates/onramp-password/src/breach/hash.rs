//! The hashes under which breached passwords are published.

use core::fmt;

use md4::Md4;
use serde::{Deserialize, Serialize};
use sha1::{Digest, Sha1};
use zeroize::{Zeroize, ZeroizeOnDrop};

/// The kind of a password hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum HashKind {
    /// SHA-1 of the UTF-8 bytes, 40 hexadecimal digits.
    Sha1,
    /// MD4 of the UTF-16 units, low byte first: what Active Directory stores. 32 hexadecimal digits.
    Ntlm,
}

impl HashKind {
    /// Returns the number of hexadecimal digits of a hash of this kind.
    #[must_use]
    pub const fn digits(self) -> usize {
        match self {
            Self::Sha1 => 40,
            Self::Ntlm => 32,
        }
    }

    /// Every kind.
    pub(super) const ALL: [Self; 2] = [Self::Sha1, Self::Ntlm];

    /// Returns the hash of a password.
    #[must_use]
    pub fn hash(self, password: &str) -> PasswordHash {
        let mut bytes = [0; 20];
        match self {
            Self::Sha1 => {
                let mut digest = Sha1::digest(password.as_bytes());
                bytes.copy_from_slice(&digest);
                digest.as_mut_slice().zeroize();
            }
            Self::Ntlm => {
                let mut hasher = Md4::new();
                let mut unit = [0; 2];
                for code in password.encode_utf16() {
                    unit = code.to_le_bytes();
                    hasher.update(unit);
                }
                unit.zeroize();
                let mut digest = hasher.finalize();
                if let Some(start) = bytes.first_chunk_mut::<16>() {
                    start.copy_from_slice(&digest);
                }
                digest.as_mut_slice().zeroize();
            }
        }
        PasswordHash { kind: self, bytes }
    }
}

impl fmt::Display for HashKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sha1 => "SHA-1",
            Self::Ntlm => "NTLM",
        })
    }
}

/// The hash of a password. As good as the password where it is weak, so it is wiped and never printed.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct PasswordHash {
    #[zeroize(skip)]
    kind: HashKind,
    bytes: [u8; 20],
}

impl PasswordHash {
    /// Reads hexadecimal digits of either case; nothing if they are not as many as the kind has, or others.
    #[must_use]
    pub fn from_hex(kind: HashKind, digits: &str) -> Option<Self> {
        if digits.len() != kind.digits() {
            return None;
        }
        let mut hash = Self { kind, bytes: [0; 20] };
        for (byte, pair) in hash.bytes.iter_mut().zip(digits.as_bytes().chunks_exact(2)) {
            let &[high, low] = pair else { return None };
            *byte = digit(high)? << 4 | digit(low)?;
        }
        Some(hash)
    }

    /// Returns the kind of the hash.
    #[must_use]
    pub fn kind(&self) -> HashKind {
        self.kind
    }

    /// Returns the bytes of the hash.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.kind.digits() / 2).unwrap_or_default()
    }

    /// Returns the first 64 bits, as a number that sorts as the hash does.
    pub(super) fn key(&self) -> u64 {
        self.bytes.first_chunk().map_or(0, |start| u64::from_be_bytes(*start))
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PasswordHash({}, ***)", self.kind)
    }
}

/// Returns the value of a hexadecimal digit.
#[inline]
pub(super) fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    }
}
