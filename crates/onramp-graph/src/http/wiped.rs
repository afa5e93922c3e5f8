//! Bytes that may hold a secret, and are many.

use std::ops::Deref;

/// Bytes that are overwritten when they are dropped.
///
/// `Zeroizing<Vec<u8>>` does the same one byte at a time, which takes a quarter of the time that it takes to list
/// users. As there, what was left behind when the bytes outgrew their memory is not reached.
#[derive(Default)]
pub(crate) struct Wiped(Vec<u8>);

impl Wiped {
    pub(crate) fn with_capacity(bytes: usize) -> Self {
        Self(Vec::with_capacity(bytes))
    }

    pub(crate) fn push(&mut self, more: &[u8]) {
        self.0.extend_from_slice(more);
    }
}

impl From<Vec<u8>> for Wiped {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

impl Deref for Wiped {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Wiped {
    fn drop(&mut self) {
        zeroize::zeroize_bytes(&mut self.0);
    }
}
