//! The header of a store, and how a hash is cut into the number of a block and what the block holds.

use super::{HashKind, StoreError};

pub(super) const MAGIC: [u8; 8] = *b"ONRBREAC";
pub(super) const VERSION: u32 = 1;
pub(super) const HEADER: u64 = 128;
/// The number of bits of a hash that are stored as they are.
pub(super) const LOW_BITS: u32 = 16;
/// The number of bits of a hash that follow from its place in the block.
pub(super) const HIGH_BITS: u32 = 10;
/// The maximum number of false positives in a million passwords that are in no breach.
const FALSE_POSITIVES_PER_MILLION: u128 = 20;

/// The content of a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    pub(super) kind: HashKind,
    /// The number of bits of a hash that are the number of its block.
    pub(super) block_bits: u32,
    pub(super) keys: u64,
    pub(super) min_count: u32,
    /// The length of the file.
    pub(super) length: u64,
}

impl Layout {
    /// Returns the layout for so many hashes.
    pub(super) fn new(kind: HashKind, keys: u64, min_count: u32) -> Self {
        let mut block_bits = 0;
        // As many places as keep the rate of false positives.
        while block_bits < 32
            && u128::from(keys) * 1_000_000
                > FALSE_POSITIVES_PER_MILLION << (block_bits + HIGH_BITS + LOW_BITS)
        {
            block_bits += 1;
        }
        Self { kind, block_bits, keys: 0, min_count, length: 0 }
    }

    /// Returns the number of bits kept of each hash.
    pub(super) fn key_bits(&self) -> u32 {
        self.block_bits + HIGH_BITS + LOW_BITS
    }

    pub(super) fn blocks(&self) -> u64 {
        1 << self.block_bits
    }

    /// Returns the start of the first block: after one index entry for each block and one for the end.
    pub(super) fn blocks_at(&self) -> u64 {
        (HEADER + 4 * (self.blocks() + 1)).next_multiple_of(8)
    }

    /// Returns the number of the block, the place in it, and the rest of a hash.
    #[inline]
    pub(super) fn split(&self, key: u64) -> (u64, u32, u16) {
        let value = key >> (64 - self.key_bits());
        let high = (value >> LOW_BITS) & ((1 << HIGH_BITS) - 1);
        (value >> (HIGH_BITS + LOW_BITS), high as u32, value as u16)
    }

    /// Returns the smallest hash that is cut like this.
    pub(super) fn join(&self, block: u64, high: u32, low: u16) -> u64 {
        let value = (block << HIGH_BITS | u64::from(high)) << LOW_BITS | u64::from(low);
        value << (64 - self.key_bits())
    }

    pub(super) fn to_bytes(self) -> [u8; HEADER as usize] {
        let kind = match self.kind {
            HashKind::Sha1 => 1,
            HashKind::Ntlm => 2,
        };
        let mut header = [0; HEADER as usize];
        let fields = MAGIC
            .into_iter()
            .chain(VERSION.to_le_bytes())
            .chain([kind, self.block_bits as u8, HIGH_BITS as u8, LOW_BITS as u8])
            .chain(self.keys.to_le_bytes())
            .chain(self.length.to_le_bytes())
            .chain(self.min_count.to_le_bytes());
        for (slot, byte) in header.iter_mut().zip(fields) {
            *slot = byte;
        }
        let sum = sum_of(u64::MAX, &header);
        if let Some(end) = header.last_chunk_mut::<8>() {
            *end = sum.to_le_bytes();
        }
        header
    }

    pub(super) fn from_bytes(header: &[u8]) -> Result<Self, StoreError> {
        if !header.starts_with(&MAGIC) {
            return Err(StoreError::Foreign);
        }
        let header: &[u8; HEADER as usize] = header
            .first_chunk()
            .ok_or(StoreError::Length { expected: HEADER, found: header.len() as u64 })?;
        let version = number(header, 8, 4) as u32;
        if version != VERSION {
            return Err(StoreError::Version { found: version });
        }
        let mut unsummed = *header;
        if let Some(end) = unsummed.last_chunk_mut::<8>() {
            *end = [0; 8];
        }
        if number(header, HEADER as usize - 8, 8) != sum_of(u64::MAX, &unsummed) {
            return Err(StoreError::CorruptHeader);
        }
        let (bits, high, low) = (number(header, 13, 1), number(header, 14, 1), number(header, 15, 1));
        let kind = match number(header, 12, 1) {
            1 => HashKind::Sha1,
            2 => HashKind::Ntlm,
            _ => return Err(StoreError::CorruptHeader),
        };
        if bits > 32 || (high, low) != (u64::from(HIGH_BITS), u64::from(LOW_BITS)) {
            return Err(StoreError::CorruptHeader);
        }
        Ok(Self {
            kind,
            block_bits: bits as u32,
            keys: number(header, 16, 8),
            length: number(header, 24, 8),
            min_count: number(header, 32, 4) as u32,
        })
    }
}

/// A number of up to eight bytes; bytes that are not there are 0.
#[inline]
pub(super) fn number(bytes: &[u8], at: usize, length: usize) -> u64 {
    let bytes = bytes.get(at..).unwrap_or_default();
    bytes.iter().take(length).rev().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// A sum that tells damage from what was written. It is no protection against intent.
pub(super) fn sum_of(seed: u64, bytes: &[u8]) -> u64 {
    const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
    let mix = |sum: u64, word: u64| (sum ^ word).wrapping_mul(FACTOR).rotate_left(29);
    // Four sums side by side: one would wait for its own multiplication.
    let mut sums = [seed, !seed, seed ^ FACTOR, seed.rotate_left(32)];
    let (words, rest) = bytes.as_chunks::<8>();
    let (fours, last) = words.as_chunks::<4>();
    for four in fours {
        for (sum, word) in sums.iter_mut().zip(four) {
            *sum = mix(*sum, u64::from_le_bytes(*word));
        }
    }
    let sum = sums.into_iter().fold(bytes.len() as u64, mix);
    let sum = last.iter().fold(sum, |sum, word| mix(sum, u64::from_le_bytes(*word)));
    let sum = rest.iter().fold(sum, |sum, byte| mix(sum, u64::from(*byte)));
    sum ^ sum >> 32
}
