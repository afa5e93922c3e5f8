//! Building a store, and exchanging ranges of it, in constant memory.

use std::io::{BufRead, Read, Seek, SeekFrom, Write};
use std::vec::Vec;

use super::block::Filling;
use super::layout::{HEADER, Layout};
use super::{HashKind, Prefix, RangeBody, Source, Store, StoreError, list};

/// The number of hashes that are sampled to choose the number of bits per hash.
const SAMPLE: usize = 1 << 16;
/// The number of bytes per write.
const CHUNK: usize = 1 << 18;

/// The options of a build.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct BuildOptions {
    /// Only hashes that were seen so often.
    pub min_count: u32,
    /// About how many hashes there will be. Without it the first ones tell, because hashes lie evenly.
    ///
    /// A number too small makes for more false positives, one too large for a larger file.
    pub expected_keys: Option<u64>,
}

impl BuildOptions {
    /// Creates the options for all hashes, however many there will be.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Keeps only hashes that were seen so often.
    #[must_use]
    pub fn with_min_count(mut self, count: u32) -> Self {
        self.min_count = count;
        self
    }

    /// Sets about how many hashes there will be.
    #[must_use]
    pub fn with_expected_keys(mut self, keys: u64) -> Self {
        self.expected_keys = Some(keys);
        self
    }
}

/// The result of a build.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Summary {
    /// The number of hashes in the store.
    pub keys: u64,
    /// The number of hashes that were left out because they were not seen often enough.
    pub below_min_count: u64,
    /// The length of the file in bytes.
    pub length: u64,
    /// The probability that a password that is in no breach is found.
    pub false_positive_rate: f64,
}

/// Writes a store while its hashes arrive, in order.
///
/// The file is a store only after [`finish`](Self::finish): build it under another name, and rename it then.
#[derive(Debug)]
pub struct Builder<W> {
    sink: W,
    kind: HashKind,
    options: BuildOptions,
    /// Hashes that wait for the layout.
    sample: Vec<u64>,
    writer: Option<Writer>,
    last: Option<u64>,
    seen: u64,
    below_min_count: u64,
}

impl<W: Write + Seek> Builder<W> {
    /// Begins an empty store at the beginning of a file.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn new(mut sink: W, kind: HashKind, options: BuildOptions) -> Result<Self, StoreError> {
        // Until the end, what is there is not taken for a store.
        sink.seek(SeekFrom::Start(0))?;
        sink.write_all(&[0; HEADER as usize])?;
        Ok(Self {
            sink,
            kind,
            options,
            sample: Vec::new(),
            writer: None,
            last: None,
            seen: 0,
            below_min_count: 0,
        })
    }

    /// Adds a hash that begins with these 64 bits, the first byte the most significant.
    ///
    /// # Errors
    /// [`StoreError::Unsorted`] if it is smaller than the one before.
    #[inline]
    pub fn push_key(&mut self, key: u64) -> Result<(), StoreError> {
        if self.last.is_some_and(|last| key < last) {
            return Err(StoreError::Unsorted { position: self.seen });
        }
        self.last = Some(key);
        self.seen += 1;
        if let Some(writer) = &mut self.writer {
            return writer.push(key, &mut self.sink);
        }
        self.sample.push(key);
        if self.sample.len() >= SAMPLE { self.begin() } else { Ok(()) }
    }

    /// Adds a range as the service sends it. Ranges come in order.
    ///
    /// # Errors
    /// [`StoreError::List`] if it is no range, [`StoreError::Unsorted`] if it comes too late.
    pub fn push_range(&mut self, prefix: Prefix, body: &[u8]) -> Result<(), StoreError> {
        let body = RangeBody::new(body, prefix, self.kind)?;
        let mut result = Ok(());
        body.for_each_key(|key, count| {
            if result.is_ok() {
                result = self.push_counted(key, count);
            }
        })?;
        result
    }

    /// Adds a sorted list of whole hashes with their counts, one a line. A byte order mark before it is passed over.
    ///
    /// # Errors
    /// [`StoreError::List`] if a line is none, [`StoreError::Unsorted`] if the list is not sorted.
    pub fn push_list(&mut self, mut list: impl BufRead) -> Result<(), StoreError> {
        let mut text = Vec::new();
        for line in 1.. {
            text.clear();
            // A line is short; a file of something else must not fill the memory.
            if list.by_ref().take(256).read_until(b'\n', &mut text)? == 0 {
                break;
            }
            let text = text.strip_suffix(b"\n").unwrap_or(&text);
            let text = if line == 1 { list::without_mark(text)? } else { text };
            let Some((key, count)) = self.whole(text) else {
                return Err(list::refusal(text, self.kind, line, None).into());
            };
            self.push_counted(key, count)?;
        }
        Ok(())
    }

    /// Returns the beginning of the hash on a line, and its count.
    fn whole(&self, line: &[u8]) -> Option<(u64, u64)> {
        let (digits, count) = list::split(line, self.kind.digits())?;
        let (start, rest) = digits.split_at_checked(16)?;
        list::number(rest)?;
        Some((list::number(start)?, count))
    }

    /// Adds what another store holds, except for the ranges given, which replace what it holds of them. They come in
    /// order; an empty one removes.
    ///
    /// The new store keeps the number of bits of the old one, and holds what [`BuildOptions`] demand of the new ranges only.
    ///
    /// # Errors
    /// Those of reading the old store, of the ranges, and of writing.
    pub fn update<S: Source, B: AsRef<[u8]>>(
        old: &Store<S>,
        sink: W,
        options: BuildOptions,
        changes: impl IntoIterator<Item = Result<(Prefix, B), StoreError>>,
    ) -> Result<Self, StoreError> {
        let mut builder = Self::new(sink, old.kind(), options)?;
        let layout = Layout { keys: 0, length: 0, min_count: options.min_count, ..old.layout() };
        builder.writer = Some(Writer::new(layout, &mut builder.sink)?);
        let mut changes = changes.into_iter();
        let mut next = changes.next().transpose()?;
        let mut replaced = None;
        old.for_each_key(|key| {
            let prefix = Prefix::of_key(key);
            while let Some((change, body)) = next.take_if(|(change, _)| *change <= prefix) {
                builder.replace(&mut replaced, change, body.as_ref())?;
                next = changes.next().transpose()?;
            }
            if replaced == Some(prefix) { Ok(()) } else { builder.push_key(key) }
        })?;
        while let Some((change, body)) = next {
            builder.replace(&mut replaced, change, body.as_ref())?;
            next = changes.next().transpose()?;
        }
        Ok(builder)
    }

    /// Writes what is left, and makes the file a store.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn finish(mut self) -> Result<(W, Summary), StoreError> {
        if self.writer.is_none() {
            self.begin()?;
        }
        let Some(mut writer) = self.writer.take() else { return Err(StoreError::Foreign) };
        let layout = writer.finish(&mut self.sink)?;
        self.sink.flush()?;
        let summary = Summary {
            keys: layout.keys,
            below_min_count: self.below_min_count,
            length: layout.length,
            false_positive_rate: layout.keys as f64 / (1_u128 << layout.key_bits()) as f64,
        };
        Ok((self.sink, summary))
    }

    fn push_counted(&mut self, key: u64, count: u64) -> Result<(), StoreError> {
        if count < u64::from(self.options.min_count) {
            self.below_min_count += 1;
            return Ok(());
        }
        self.push_key(key)
    }

    fn replace(&mut self, last: &mut Option<Prefix>, prefix: Prefix, body: &[u8]) -> Result<(), StoreError> {
        if last.is_some_and(|last| prefix <= last) {
            return Err(StoreError::Unsorted { position: self.seen });
        }
        *last = Some(prefix);
        self.push_range(prefix, body)
    }

    /// Decides on the layout, and writes the hashes that waited for it.
    fn begin(&mut self) -> Result<(), StoreError> {
        let sample = core::mem::take(&mut self.sample);
        let told = self.options.expected_keys;
        let keys = told.unwrap_or_else(|| match sample.last() {
            // So many among the hashes up to this one: in proportion among all.
            Some(last) if sample.len() >= SAMPLE => {
                let share = (*last as f64 + 1.0) / 2_f64.powi(64);
                // A little more, for a sample is a sample.
                (sample.len() as f64 / share * 1.02) as u64
            }
            _ => sample.len() as u64,
        });
        let layout = Layout::new(self.kind, keys, self.options.min_count);
        let writer = self.writer.insert(Writer::new(layout, &mut self.sink)?);
        sample.into_iter().try_for_each(|key| writer.push(key, &mut self.sink))
    }
}

/// Writes blocks one after the other, and the index behind the header from time to time.
#[derive(Debug)]
struct Writer {
    layout: Layout,
    filling: Filling,
    /// The block that is being filled.
    block: u64,
    last: Option<(u32, u16)>,
    out: Vec<u8>,
    /// The number of bytes of blocks in the file.
    written: u64,
    index: Vec<u8>,
    /// The number of index entries in the file.
    indexed: u64,
}

impl Writer {
    fn new<W: Write + Seek>(layout: Layout, sink: &mut W) -> Result<Self, StoreError> {
        sink.seek(SeekFrom::Start(layout.blocks_at()))?;
        let (out, index) = (Vec::with_capacity(2 * CHUNK), Vec::with_capacity(CHUNK + 8));
        let (filling, written, indexed) = (Filling::default(), 0, 0);
        Ok(Self { layout, filling, block: 0, last: None, out, written, index, indexed })
    }

    #[inline]
    fn push<W: Write + Seek>(&mut self, key: u64, sink: &mut W) -> Result<(), StoreError> {
        let (block, high, low) = self.layout.split(key);
        while self.block < block {
            self.end_block(sink)?;
        }
        // Hashes that begin with the same bits are one.
        if self.last != Some((high, low)) {
            self.last = Some((high, low));
            self.filling.push(high, low);
            self.layout.keys += 1;
        }
        Ok(())
    }

    fn end_block<W: Write + Seek>(&mut self, sink: &mut W) -> Result<(), StoreError> {
        self.place()?;
        self.filling.write(self.block, &mut self.out);
        self.block += 1;
        self.last = None;
        if self.out.len() >= CHUNK {
            sink.write_all(&self.out)?;
            self.written += self.out.len() as u64;
            self.out.clear();
        }
        if self.index.len() >= CHUNK {
            self.write_index(sink)?;
        }
        Ok(())
    }

    /// Notes where the next block begins.
    fn place(&mut self) -> Result<(), StoreError> {
        let place = (self.written + self.out.len() as u64) / 8;
        let place = u32::try_from(place).map_err(|_| StoreError::TooLarge)?;
        self.index.extend(place.to_le_bytes());
        Ok(())
    }

    fn write_index<W: Write + Seek>(&mut self, sink: &mut W) -> Result<(), StoreError> {
        sink.seek(SeekFrom::Start(HEADER + 4 * self.indexed))?;
        sink.write_all(&self.index)?;
        self.indexed += self.index.len() as u64 / 4;
        self.index.clear();
        sink.seek(SeekFrom::Start(self.layout.blocks_at() + self.written))?;
        Ok(())
    }

    fn finish<W: Write + Seek>(&mut self, sink: &mut W) -> Result<Layout, StoreError> {
        while self.block < self.layout.blocks() {
            self.end_block(sink)?;
        }
        self.place()?;
        sink.write_all(&self.out)?;
        self.written += self.out.len() as u64;
        self.out.clear();
        self.write_index(sink)?;
        self.layout.length = self.layout.blocks_at() + self.written;
        sink.seek(SeekFrom::Start(0))?;
        sink.write_all(&self.layout.to_bytes())?;
        Ok(self.layout)
    }
}
