//! Rows of CSV, bounded and with their lines.

use std::io::{self, BufRead, Chain, Cursor, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ::csv::{ByteRecord, ReaderBuilder, StringRecord, Terminator};

use super::{Limits, SourceError, SourceErrorKind};

/// Octets that the reader takes at once.
const BUFFER: usize = 64 * 1024;
/// Octets that a cell takes beyond its text.
const CELL: usize = 8;

/// A row with the lines that it stands in.
pub(super) struct Row {
    pub(super) cells: StringRecord,
    pub(super) line: u64,
    pub(super) last_line: u64,
}

pub(super) struct Rows<R> {
    reader: ::csv::Reader<Metered<Chain<Cursor<Vec<u8>>, R>>>,
    left: Arc<AtomicU64>,
    limit: u64,
    delimiter: u8,
    /// Lines before the first row.
    skipped: u64,
    /// True if lines end with CRLF.
    is_crlf: bool,
    has_ended: bool,
}

/// Input that fails when a row takes too much of it.
struct Metered<R> {
    input: R,
    left: Arc<AtomicU64>,
    delimiter: u8,
}

impl<R: Read> Read for Metered<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let left = self.left.load(Ordering::Relaxed);
        if left == 0 {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let most = usize::try_from(left).unwrap_or(usize::MAX).min(out.len());
        let out = out.get_mut(..most).unwrap_or_default();
        let count = loop {
            match self.input.read(out) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => break other?,
            }
        };
        // The place of each cell is kept, too.
        let cells = out.iter().take(count).filter(|&&byte| byte == self.delimiter).count();
        let taken = count.saturating_add(cells.saturating_mul(CELL)) as u64;
        self.left.store(left.saturating_sub(taken), Ordering::Relaxed);
        Ok(count)
    }
}

impl<R: BufRead> Rows<R> {
    /// Reads up to the first row, which names the columns.
    pub(super) fn open(mut input: R, delimiter: Option<u8>, limits: Limits) -> Result<Self, SourceError> {
        let limit = limits.record as u64;
        let mut skipped = 0;
        let mut told = None;
        let mut first = Vec::new();
        loop {
            first.clear();
            (&mut input)
                .take(limit)
                .read_until(b'\n', &mut first)
                .map_err(|error| SourceError::io(skipped + 1, error))?;
            let line = first.trim_ascii();
            let lower = line.get(..line.len().min(5)).unwrap_or_default().to_ascii_lowercase();
            match (lower.as_slice(), line) {
                (b"#type", _) => {}
                // As Excel reads it.
                ([b's', b'e', b'p', b'=', sign], line) if line.len() == 5 => told = Some(*sign),
                // A tab was trimmed.
                (b"sep=", _) => told = Some(b'\t'),
                (_, []) if !first.is_empty() => {}
                _ => break,
            }
            skipped += 1;
        }
        let delimiter = delimiter.or(told).unwrap_or_else(|| delimiter_of(&first));
        let is_crlf = first.ends_with(b"\r\n");
        let left = Arc::new(AtomicU64::new(0));
        let input = Metered { input: Cursor::new(first).chain(input), left: Arc::clone(&left), delimiter };
        let reader = ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(delimiter)
            // With CRLF a row would end before its LF, and lines could not be counted.
            .terminator(Terminator::Any(b'\n'))
            .buffer_capacity(BUFFER)
            .from_reader(input);
        Ok(Self { reader, left, limit, delimiter, skipped, is_crlf, has_ended: false })
    }

    pub(super) fn delimiter(&self) -> u8 {
        self.delimiter
    }

    /// Reads the names of the columns.
    pub(super) fn header(&mut self) -> Result<Vec<String>, SourceError> {
        match self.next() {
            Some(row) => row.map(|row| row.cells.iter().map(str::to_owned).collect()),
            None => Err(SourceError::new(
                SourceErrorKind::Syntax,
                1,
                "the file is empty: its first row names the columns",
            )),
        }
    }

    /// Reads the next row that is not blank.
    pub(super) fn next(&mut self) -> Option<Result<Row, SourceError>> {
        let mut record = ByteRecord::new();
        loop {
            if self.has_ended {
                return None;
            }
            self.left.store(self.limit.saturating_add((BUFFER * (CELL + 1)) as u64), Ordering::Relaxed);
            let before = self.reader.position().line();
            match self.reader.read_byte_record(&mut record) {
                Ok(true) => {}
                Ok(false) => {
                    self.has_ended = true;
                    return None;
                }
                Err(error) => {
                    self.has_ended = true;
                    return Some(Err(self.failed(before, error)));
                }
            }
            let inside: u64 =
                record.iter().map(|cell| cell.iter().filter(|&&byte| byte == b'\n').count() as u64).sum();
            // Empty lines before the row were skipped.
            let line = before.max(self.reader.position().line().saturating_sub(inside + 1)) + self.skipped;
            if self.is_crlf {
                record = without_last_cr(&record);
            }
            if record.iter().all(<[u8]>::is_empty) {
                continue;
            }
            let last_line = line + inside;
            return Some(match StringRecord::from_byte_record(std::mem::take(&mut record)) {
                Ok(cells) => Ok(Row { cells, line, last_line }),
                Err(_) => Err(SourceError::new(
                    SourceErrorKind::Syntax,
                    line,
                    "the row is not UTF-8: save the file as \"CSV UTF-8\", or export it with -Encoding UTF8",
                )),
            });
        }
    }

    fn failed(&self, line: u64, error: ::csv::Error) -> SourceError {
        let line = line + self.skipped;
        match error.into_kind() {
            ::csv::ErrorKind::Io(error) if error.kind() == io::ErrorKind::FileTooLarge => SourceError::new(
                SourceErrorKind::TooLong,
                line,
                format!(
                    "the row is longer than {} octets, and nothing behind it can be read: is a quote not closed? If it is \
                     right, raise the limit",
                    self.limit
                ),
            ),
            ::csv::ErrorKind::Io(error) => SourceError::io(line, error),
            other => SourceError::new(SourceErrorKind::Syntax, line, format!("{other:?}")),
        }
    }
}

/// The row without the CR of its line end.
fn without_last_cr(record: &ByteRecord) -> ByteRecord {
    let last = record.len().saturating_sub(1);
    record
        .iter()
        .enumerate()
        .map(|(index, cell)| match cell {
            [rest @ .., b'\r'] if index == last => rest,
            cell => cell,
        })
        .collect()
}

/// The most frequent of the usual delimiters outside of quotes; a comma, if there is none.
fn delimiter_of(first: &[u8]) -> u8 {
    let mut quoted = false;
    let mut counts = [(b',', 0), (b';', 0), (b'\t', 0)];
    for &byte in first {
        quoted ^= byte == b'"';
        if let Some((_, count)) = counts.iter_mut().find(|(delimiter, _)| !quoted && *delimiter == byte) {
            *count += 1;
        }
    }
    // The last of equals is the maximum, and a comma comes before the others.
    counts.iter().rev().max_by_key(|(_, count)| *count).map_or(b',', |(delimiter, _)| *delimiter)
}
