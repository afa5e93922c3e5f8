//! A byte buffer that may hold a secret.

use std::ops::Deref;

/// A byte buffer that is overwritten with zeros when it is dropped.
///
/// `Zeroizing<Vec<u8>>` overwrites one byte at a time, which takes a quarter of the time of listing users. As there,
/// copies left behind by a reallocation are not overwritten.
#[derive(Default)]
pub(crate) struct ZeroizingBuf(Vec<u8>);

impl ZeroizingBuf {
    pub(crate) fn with_capacity(bytes: usize) -> Self {
        Self(Vec::with_capacity(bytes))
    }

    pub(crate) fn push(&mut self, more: &[u8]) {
        self.0.extend_from_slice(more);
    }
}

impl From<Vec<u8>> for ZeroizingBuf {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

impl Deref for ZeroizingBuf {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for ZeroizingBuf {
    fn drop(&mut self) {
        zeroize::zeroize_bytes(&mut self.0);
    }
}
