//! The journal: what a run did, one JSON line each, durable before the run goes on where that matters.

use std::fmt;
use std::fs::{File, TryLockError};
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::Path;

use onramp_core::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

/// The outcome of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Outcome {
    /// It was made.
    Done,
    /// It had been made already; nothing was written.
    AlreadySo,
    /// Somebody else changed the value since the survey; it was left untouched.
    Stale,
    /// It was refused, or could not be tried.
    Failed,
    /// The reply was lost and nothing tells whether it was made. The next run looks.
    Unknown,
    /// The run was stopped before it.
    Cancelled,
}

impl Outcome {
    /// Whether what was wanted is so now.
    pub fn is_good(self) -> bool {
        matches!(self, Self::Done | Self::AlreadySo)
    }

    pub(crate) fn of(error: &Error) -> Self {
        match error.kind() {
            ErrorKind::Stale => Self::Stale,
            ErrorKind::OutcomeUnknown => Self::Unknown,
            ErrorKind::Cancelled => Self::Cancelled,
            _ => Self::Failed,
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Done => "done",
            Self::AlreadySo => "already so",
            Self::Stale => "stale, left untouched",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
            Self::Cancelled => "cancelled",
        })
    }
}

/// One line of the journal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct JournalRecord {
    /// The time.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// The entry.
    #[serde(flatten)]
    pub entry: JournalEntry,
}

/// The content of a line of the journal. Holds no secret.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "entry")]
#[non_exhaustive]
pub enum JournalEntry {
    /// A run began on a plan.
    RunStarted {
        /// Digest of the plan.
        plan: String,
        /// The consequences that were accepted.
        accepted: Vec<String>,
    },
    /// A change is about to be made. Durable before anything is sent, so that the value there was is never lost.
    ChangeStarted {
        /// Its number in the plan.
        number: u64,
        /// Title; empty for a UPN change, which the values tell.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        title: String,
        /// The object's ID.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        object: Option<String>,
        /// The value there is, where a value is replaced.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        before: Option<String>,
        /// The value there will be, where a value is replaced.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after: Option<String>,
    },
    /// A change ended.
    ChangeEnded {
        /// Its number in the plan.
        number: u64,
        /// The outcome.
        outcome: Outcome,
        /// The object's ID.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        object: Option<String>,
        /// The value there was, where a value was replaced.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        before: Option<String>,
        /// The value there is now, where a value was replaced.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after: Option<String>,
        /// Details in words.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        detail: String,
    },
    /// The run ended.
    RunEnded {
        /// The ending, in words.
        ending: String,
    },
}

/// The record that a run keeps of what it does.
///
/// An implementation that answers `Ok` to [`Journal::flush`] promises that everything appended before survives a
/// crash of the machine.
pub trait Journal: fmt::Debug + Send {
    /// Appends a record.
    ///
    /// # Errors
    /// Those of the medium; the run then stops before its next change.
    fn append(&mut self, record: &JournalRecord) -> Result<()>;

    /// Makes everything appended so far durable.
    ///
    /// # Errors
    /// Those of the medium.
    fn flush(&mut self) -> Result<()>;
}

/// The length of the lines in memory from which on they are written without being asked for.
const BUFFER: usize = 256 * 1024;

/// The beginning of every line of a journal.
const LINE_START: &[u8] = b"{\"at\":";

/// A journal in a file that only its owner can read, one JSON record a line, only ever appended to.
///
/// One program at a time has it open; the lock ends with the value or the process. The file holds whole lines only: what
/// could not be written is kept, and written by the next [`Journal::flush`] that works.
#[derive(Debug)]
pub struct FileJournal {
    path: String,
    file: File,
    /// Lines that are not in the file yet.
    buffer: Vec<u8>,
    /// Bytes of whole lines in the file.
    whole: u64,
}

impl FileJournal {
    /// Opens the journal at a path, creating it if need be; what is in it stays. A last line that a crash cut short is
    /// removed, so that the next record has a line of its own.
    ///
    /// # Errors
    /// `InUse` if another run has it open; `Invalid` if the file ends with something that no journal ends with; else as
    /// of the file system.
    pub fn create(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let name = path.display().to_string();
        let failed = |error| not_opened(&name, &error);
        let mut file = onramp_files::open_private(path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(Error::new(ErrorKind::InUse, "open the journal")
                    .with_object(name)
                    .with_detail("another run is writing it")
                    .with_hint("Wait until it has ended, or choose another folder."));
            }
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        let mut whole = end_of_last_line(&mut file).map_err(failed)?;
        let tail = read_from(&mut file, whole).map_err(failed)?;
        if serde_json::from_slice::<JournalRecord>(&tail).is_ok() {
            // Cut short between a record and its line break.
            file.write_all(b"\n").map_err(failed)?;
            whole += tail.len() as u64 + 1;
        } else if is_fragment(&tail) {
            file.set_len(whole).and_then(|()| file.seek(SeekFrom::End(0))).map_err(failed)?;
        } else {
            return Err(Error::new(ErrorKind::Invalid, "open the journal")
                .with_object(name)
                .with_detail("the file does not end like a journal")
                .with_hint("Nothing in it was changed. Choose another file."));
        }
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            onramp_files::sync_folder(folder).map_err(failed)?;
        }
        Ok(Self { path: name, file, buffer: Vec::new(), whole })
    }

    /// Reads a journal whole. A last line that a crash cut short is left out.
    ///
    /// # Errors
    /// As of [`FileJournal::records`].
    pub fn read(path: impl AsRef<Path>) -> Result<Vec<JournalRecord>> {
        Self::records(path)?.collect()
    }

    /// Reads a journal record by record: that of a run on a large forest need not be held in memory. A last line that a
    /// crash cut short is left out.
    ///
    /// # Errors
    /// As of the file system; an item is `Invalid` that names a line in the middle which is not a valid journal record.
    pub fn records(path: impl AsRef<Path>) -> Result<impl Iterator<Item = Result<JournalRecord>>> {
        let name = path.as_ref().display().to_string();
        let file = File::open(path).map_err(|error| not_opened(&name, &error))?;
        let (mut reader, mut line, mut number) = (BufReader::new(file), Vec::new(), 0);
        Ok(std::iter::from_fn(move || {
            line.clear();
            number += 1;
            match reader.read_until(b'\n', &mut line) {
                Ok(0) => return None,
                Ok(_) => {}
                Err(error) => return Some(Err(not_opened(&name, &error))),
            }
            match serde_json::from_slice(&line) {
                Ok(record) => Some(Ok(record)),
                Err(_) if !line.ends_with(b"\n") => None,
                Err(error) => {
                    let detail = format!("line {number} is not a valid journal record: {error}");
                    Some(Err(Error::new(ErrorKind::Invalid, "read the journal")
                        .with_object(&name)
                        .with_detail(detail)))
                }
            }
        }))
    }
}

fn read_from(file: &mut File, start: u64) -> std::io::Result<Vec<u8>> {
    file.seek(SeekFrom::Start(start))?;
    let mut bytes = Vec::new();
    Read::by_ref(file).take(1 << 20).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Returns true if that may be left of a line that a crash cut short. Some file systems leave zeros in place of it.
fn is_fragment(tail: &[u8]) -> bool {
    let written =
        tail.iter().position(|byte| *byte == 0).map_or(tail, |zeros| tail.get(..zeros).unwrap_or(tail));
    let compared = written.len().min(LINE_START.len());
    written.get(..compared) == LINE_START.get(..compared)
}

/// Where the last line that ends with a line break ends.
fn end_of_last_line(file: &mut File) -> std::io::Result<u64> {
    const CHUNK: u64 = 64 * 1024;
    let mut end = file.seek(SeekFrom::End(0))?;
    while end > 0 {
        let start = end.saturating_sub(CHUNK);
        file.seek(SeekFrom::Start(start))?;
        let mut chunk = Vec::new();
        Read::by_ref(file).take(end - start).read_to_end(&mut chunk)?;
        if let Some(place) = chunk.iter().rposition(|byte| *byte == b'\n') {
            return Ok(start + place as u64 + 1);
        }
        end = start;
    }
    Ok(0)
}

impl Journal for FileJournal {
    fn append(&mut self, record: &JournalRecord) -> Result<()> {
        let mut line = serde_json::to_vec(record).map_err(|e| not_written(&self.path, &e.into()))?;
        line.push(b'\n');
        self.buffer.append(&mut line);
        if self.buffer.len() < BUFFER {
            return Ok(());
        }
        self.write_out().map_err(|e| not_written(&self.path, &e))
    }

    fn flush(&mut self) -> Result<()> {
        self.write_out().map_err(|e| not_written(&self.path, &e))?;
        self.file.sync_data().map_err(|e| not_written(&self.path, &e))
    }
}

impl FileJournal {
    fn write_out(&mut self) -> std::io::Result<()> {
        if let Err(error) = self.file.write_all(&self.buffer) {
            // What was written of it would be half a line in the middle once there is room again.
            let cut = self.file.set_len(self.whole);
            let _ = cut.and_then(|()| self.file.seek(SeekFrom::Start(self.whole)));
            return Err(error);
        }
        self.whole += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }
}

impl Drop for FileJournal {
    fn drop(&mut self) {
        // Whoever wants to know whether it worked calls `flush`.
        let _ = self.write_out();
    }
}

fn not_opened(path: &str, error: &std::io::Error) -> Error {
    Error::new(ErrorKind::Unavailable, "open the journal").with_object(path).with_detail(error.to_string())
}

fn not_written(path: &str, error: &std::io::Error) -> Error {
    Error::new(ErrorKind::Unavailable, "write the journal").with_object(path).with_detail(error.to_string())
}

/// A journal in memory, for tests and for programs that keep records of their own.
#[derive(Debug, Clone, Default)]
pub struct MemoryJournal {
    records: Vec<JournalRecord>,
}

impl MemoryJournal {
    /// What was appended.
    pub fn records(&self) -> &[JournalRecord] {
        &self.records
    }
}

impl Journal for MemoryJournal {
    fn append(&mut self, record: &JournalRecord) -> Result<()> {
        self.records.push(record.clone());
        Ok(())
    }

    fn flush(&mut self) -> Result<()> {
        Ok(())
    }
}
