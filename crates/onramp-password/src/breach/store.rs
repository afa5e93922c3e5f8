//! Asking a store.

use alloc::vec::Vec;

use super::block::Block;
use super::layout::{HEADER, Layout, number};
use super::{HashKind, PasswordHash, StoreError};

/// The bytes of a store: in memory, mapped or not, or in a [file](StoreFile).
pub trait Source {
    /// Returns the number of bytes.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    fn length(&self) -> Result<u64, StoreError>;

    /// Some of the bytes: where they are, or in the buffer.
    ///
    /// # Errors
    /// [`StoreError::Io`], also when they are beyond the end.
    fn read<'a>(&'a self, at: u64, length: usize, buffer: &'a mut Vec<u8>) -> Result<&'a [u8], StoreError>;
}

impl<T: AsRef<[u8]>> Source for T {
    fn length(&self) -> Result<u64, StoreError> {
        Ok(self.as_ref().len() as u64)
    }

    fn read<'a>(&'a self, at: u64, length: usize, _: &'a mut Vec<u8>) -> Result<&'a [u8], StoreError> {
        let bytes = self.as_ref();
        let part = usize::try_from(at).ok().and_then(|at| bytes.get(at..at.checked_add(length)?));
        part.ok_or(StoreError::Length {
            expected: at.saturating_add(length as u64),
            found: bytes.len() as u64,
        })
    }
}

/// A file that is read where it is needed: two reads for a lookup, of eight bytes and of about two
/// thousand, and no memory.
///
/// A mapped file is faster; map it with the crate of your choice and open what it gives as bytes.
#[cfg(feature = "std")]
#[derive(Debug)]
pub struct StoreFile(std::fs::File);

#[cfg(feature = "std")]
impl StoreFile {
    /// Opens a file to read.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn open(path: impl AsRef<std::path::Path>) -> std::io::Result<Self> {
        std::fs::File::open(path).map(Self)
    }
}

#[cfg(feature = "std")]
impl Source for StoreFile {
    fn length(&self) -> Result<u64, StoreError> {
        Ok(self.0.metadata()?.len())
    }

    fn read<'a>(&'a self, at: u64, length: usize, buffer: &'a mut Vec<u8>) -> Result<&'a [u8], StoreError> {
        buffer.resize(length, 0);
        read_at(&self.0, at, buffer)?;
        Ok(buffer)
    }
}

#[cfg(all(feature = "std", unix))]
fn read_at(file: &std::fs::File, at: u64, buffer: &mut [u8]) -> std::io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, buffer, at)
}

#[cfg(all(feature = "std", not(unix)))]
fn read_at(mut file: &std::fs::File, at: u64, buffer: &mut [u8]) -> std::io::Result<()> {
    // Without a read that names its place, several threads need a file each.
    use std::io::{Read, Seek, SeekFrom};
    file.seek(SeekFrom::Start(at))?;
    file.read_exact(buffer)
}

/// A set of hashes that can be asked.
#[derive(Clone, Debug)]
pub struct Store<S> {
    source: S,
    layout: Layout,
    /// True if all blocks were verified, so that lookups need not.
    verified: bool,
}

impl<S: Source> Store<S> {
    /// Opens a store. Its blocks are checked when they are read.
    ///
    /// # Errors
    /// When it is not a store, not a whole one, or damaged.
    pub fn open(source: S) -> Result<Self, StoreError> {
        let found = source.length()?;
        let mut buffer = Vec::new();
        let header = source.read(0, found.min(HEADER) as usize, &mut buffer)?;
        let layout = Layout::from_bytes(header)?;
        if layout.length != found || found < layout.blocks_at() {
            return Err(StoreError::Length { expected: layout.length.max(layout.blocks_at()), found });
        }
        Ok(Self { source, layout, verified: false })
    }

    /// Returns the kind of the hashes.
    #[must_use]
    pub fn kind(&self) -> HashKind {
        self.layout.kind
    }

    /// Returns the number of hashes. Hashes that begin with the same bits count as one.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.layout.keys
    }

    /// Returns true if the store has no hashes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.layout.keys == 0
    }

    /// Returns the minimum number of times that a password in the store was seen.
    #[must_use]
    pub fn min_count(&self) -> u32 {
        self.layout.min_count
    }

    /// Returns the probability that a password that is in no breach is found.
    #[must_use]
    pub fn false_positive_rate(&self) -> f64 {
        self.layout.keys as f64 / (1_u128 << self.layout.key_bits()) as f64
    }

    /// Returns true if a hash is in it; with the probability of [`false_positive_rate`](Self::false_positive_rate)
    /// also one that is not.
    ///
    /// # Errors
    /// When the hash is of another kind, the file cannot be read, or the block is damaged.
    pub fn contains(&self, hash: &PasswordHash) -> Result<bool, StoreError> {
        if hash.kind() != self.layout.kind {
            return Err(StoreError::WrongKind { expected: self.layout.kind, found: hash.kind() });
        }
        self.contains_key(hash.key())
    }

    /// Returns true if a password is in it. The hash is wiped.
    ///
    /// # Errors
    /// As [`contains`](Self::contains).
    pub fn contains_password(&self, password: &str) -> Result<bool, StoreError> {
        self.contains(&self.layout.kind.hash(password))
    }

    /// Returns true if a hash that begins with these 64 bits is in it, the first byte the most significant.
    ///
    /// # Errors
    /// As [`contains`](Self::contains).
    pub fn contains_key(&self, key: u64) -> Result<bool, StoreError> {
        let (block, high, low) = self.layout.split(key);
        let mut buffer = Vec::new();
        Ok(self.block(block, &mut buffer)?.contains(high, low))
    }

    /// Reads and checks everything.
    ///
    /// # Errors
    /// At the first block that is damaged.
    pub fn verify(&self) -> Result<(), StoreError> {
        let mut buffer = Vec::new();
        let mut keys = 0;
        for block in 0..self.layout.blocks() {
            keys += self.block(block, &mut buffer)?.len() as u64;
        }
        if keys == self.layout.keys { Ok(()) } else { Err(StoreError::CorruptHeader) }
    }

    /// The same store, after everything was read and checked once. Its lookups do not check the block that they read,
    /// and touch a few lines of it instead of all: several times as fast where the bytes are in memory.
    ///
    /// Should the bytes change afterwards, an answer may be wrong.
    ///
    /// # Errors
    /// As [`verify`](Self::verify).
    pub fn verified(mut self) -> Result<Self, StoreError> {
        self.verify()?;
        self.verified = true;
        Ok(self)
    }

    /// Calls `take` with the first bits of each hash, block by block, in order.
    #[cfg(feature = "std")]
    pub(super) fn for_each_key(
        &self,
        mut take: impl FnMut(u64) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let mut buffer = Vec::new();
        for block in 0..self.layout.blocks() {
            for (high, low) in self.block(block, &mut buffer)?.iter() {
                take(self.layout.join(block, high, low))?;
            }
        }
        Ok(())
    }

    #[cfg(feature = "std")]
    pub(super) fn layout(&self) -> Layout {
        self.layout
    }

    #[inline]
    fn block<'a>(&'a self, block: u64, buffer: &'a mut Vec<u8>) -> Result<Block<'a>, StoreError> {
        let damaged = StoreError::CorruptBlock { block };
        let index = self.source.read(HEADER + 4 * block, 8, buffer)?;
        let (start, end) = (8 * number(index, 0, 4), 8 * number(index, 4, 4));
        let begin = self.layout.blocks_at().saturating_add(start);
        // Places that are not in order, or beyond the end, are damage of the index.
        let length =
            end.checked_sub(start).filter(|length| begin.saturating_add(*length) <= self.layout.length);
        let Some(length) = length.and_then(|length| usize::try_from(length).ok()) else {
            return Err(damaged);
        };
        Block::read(block, self.source.read(begin, length, buffer)?, self.verified).ok_or(damaged)
    }
}
