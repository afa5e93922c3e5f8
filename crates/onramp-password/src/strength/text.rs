//! A candidate, taken apart once for all matchers.

use alloc::vec::Vec;

use zeroize::Zeroize;

/// The maximum number of characters of a candidate that are examined.
pub const MAX_CHARS: usize = 256;

/// The candidate as characters, in lower case, and backwards. Wiped after every estimate.
#[derive(Default)]
pub(super) struct Text {
    /// The characters as they are.
    pub(super) chars: Vec<char>,
    /// The start of each character in the caller's string, and the end of the last one.
    offsets: Vec<u32>,
    /// The characters in lower case, as UTF-8.
    pub(super) lower: Bytes,
    /// The same backwards, character by character.
    pub(super) reversed: Bytes,
    /// The number of upper-case characters before each position.
    uppers: Vec<u16>,
    /// The number of lower-case characters before each position.
    lowers: Vec<u16>,
}

impl Text {
    pub(super) fn with_capacity() -> Self {
        Self {
            chars: Vec::with_capacity(MAX_CHARS),
            offsets: Vec::with_capacity(MAX_CHARS + 1),
            lower: Bytes::with_capacity(),
            reversed: Bytes::with_capacity(),
            uppers: Vec::with_capacity(MAX_CHARS + 1),
            lowers: Vec::with_capacity(MAX_CHARS + 1),
        }
    }

    /// Takes up to [`MAX_CHARS`] characters, and says whether these were all.
    pub(super) fn set(&mut self, candidate: &str) -> bool {
        self.wipe();
        let (mut upper, mut lower_case) = (0_u16, 0_u16);
        for (at, c) in candidate.char_indices().take(MAX_CHARS) {
            self.chars.push(c);
            self.offsets.push(u32::try_from(at).unwrap_or(u32::MAX));
            self.uppers.push(upper);
            self.lowers.push(lower_case);
            upper += u16::from(c.is_uppercase());
            lower_case += u16::from(c.is_lowercase());
            self.lower.push(lower(c));
        }
        let end = candidate.char_indices().nth(MAX_CHARS).map_or(candidate.len(), |(at, _)| at);
        self.offsets.push(u32::try_from(end).unwrap_or(u32::MAX));
        self.uppers.push(upper);
        self.lowers.push(lower_case);
        self.lower.finish();
        for c in self.chars.iter().rev() {
            self.reversed.push(lower(*c));
        }
        self.reversed.finish();
        end == candidate.len()
    }

    pub(super) fn wipe(&mut self) {
        // What was used: the whole capacity would take longer than the estimate.
        self.chars.as_mut_slice().zeroize();
        self.chars.clear();
        self.offsets.clear();
        self.lower.wipe();
        self.reversed.wipe();
        self.uppers.clear();
        self.lowers.clear();
    }

    pub(super) fn len(&self) -> usize {
        self.chars.len()
    }

    pub(super) fn char(&self, at: usize) -> char {
        self.chars.get(at).copied().unwrap_or_default()
    }

    /// Returns the start of a character in the caller's string.
    pub(super) fn offset(&self, at: usize) -> usize {
        self.offsets.get(at).map_or(0, |at| *at as usize)
    }

    /// Returns the numbers of upper-case and lower-case characters between two positions.
    pub(super) fn cases(&self, start: usize, end: usize) -> (usize, usize) {
        (between(&self.uppers, start, end), between(&self.lowers, start, end))
    }
}

fn between(counts: &[u16], start: usize, end: usize) -> usize {
    let count = |at: usize| counts.get(at).copied().unwrap_or_default();
    usize::from(count(end).saturating_sub(count(start)))
}

/// Characters as UTF-8, with the way from bytes to characters and back.
#[derive(Default)]
pub(super) struct Bytes {
    pub(super) bytes: Vec<u8>,
    /// The start of each character, and the end of the last one.
    starts: Vec<u16>,
    /// The character that each byte belongs to.
    chars: Vec<u16>,
}

impl Bytes {
    fn with_capacity() -> Self {
        Self {
            bytes: Vec::with_capacity(4 * MAX_CHARS),
            starts: Vec::with_capacity(MAX_CHARS + 1),
            chars: Vec::with_capacity(4 * MAX_CHARS + 1),
        }
    }

    fn push(&mut self, c: char) {
        let at = u16::try_from(self.starts.len()).unwrap_or(u16::MAX);
        self.starts.push(u16::try_from(self.bytes.len()).unwrap_or(u16::MAX));
        if c.is_ascii() {
            self.bytes.push(c as u8);
            self.chars.push(at);
            return;
        }
        let mut buffer = [0; 4];
        for byte in c.encode_utf8(&mut buffer).bytes() {
            self.bytes.push(byte);
            self.chars.push(at);
        }
        buffer.zeroize();
    }

    fn finish(&mut self) {
        self.chars.push(u16::try_from(self.starts.len()).unwrap_or(u16::MAX));
        self.starts.push(u16::try_from(self.bytes.len()).unwrap_or(u16::MAX));
    }

    fn wipe(&mut self) {
        self.bytes.as_mut_slice().zeroize();
        self.bytes.clear();
        self.starts.clear();
        self.chars.clear();
    }

    /// Returns the byte with which a character begins.
    pub(super) fn start(&self, char: usize) -> usize {
        self.starts.get(char).copied().map_or(self.bytes.len(), usize::from)
    }

    /// Returns the character that begins with a byte.
    pub(super) fn char(&self, byte: usize) -> usize {
        self.chars.get(byte).copied().map_or(0, usize::from)
    }
}

/// One character for one: where Unicode makes several of it, the first.
pub(super) fn lower(c: char) -> char {
    if c.is_ascii() { c.to_ascii_lowercase() } else { c.to_lowercase().next().unwrap_or(c) }
}
