//! The journal: what a run did, one JSON line each, durable before the run goes on where that matters.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Write};
use std::path::Path;

use onramp_core::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

/// How a change ended.
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
    /// When.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// What.
    #[serde(flatten)]
    pub entry: JournalEntry,
}

/// What a line of the journal says. Holds no secret.
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
    /// A change is about to be made. Not written for single UPN changes: the plan itself says they may have been.
    ChangeStarted {
        /// Its number in the plan.
        number: u64,
        /// What it does.
        title: String,
    },
    /// A change ended.
    ChangeEnded {
        /// Its number in the plan.
        number: u64,
        /// How.
        outcome: Outcome,
        /// Of which object.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        object: Option<String>,
        /// The value there was, where a value was replaced.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        before: Option<String>,
        /// The value there is now, where a value was replaced.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after: Option<String>,
        /// What there is to say about it.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        detail: String,
    },
    /// The run ended.
    RunEnded {
        /// How, in words.
        ending: String,
    },
}

/// Where a run writes down what it does.
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

/// A journal in a file, one JSON record a line, only ever appended to.
#[derive(Debug)]
pub struct FileJournal {
    path: String,
    file: BufWriter<File>,
}

impl FileJournal {
    /// Opens the journal at a path, creating it if need be; what is in it stays.
    ///
    /// # Errors
    /// As of the file system.
    pub fn create(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let name = path.display().to_string();
        let file = OpenOptions::new().create(true).append(true).open(path).map_err(|e| failed(&name, e))?;
        Ok(Self { path: name, file: BufWriter::new(file) })
    }

    /// Reads a journal. A last line that a crash cut short is left out.
    ///
    /// # Errors
    /// As of the file system; `Invalid` names a line in the middle that is no record.
    pub fn read(path: impl AsRef<Path>) -> Result<Vec<JournalRecord>> {
        let name = path.as_ref().display().to_string();
        let text = std::fs::read_to_string(path).map_err(|e| failed(&name, e))?;
        let mut records = Vec::new();
        for (index, line) in text.split_inclusive('\n').enumerate() {
            match serde_json::from_str(line) {
                Ok(record) => records.push(record),
                Err(_) if !line.ends_with('\n') => break,
                Err(error) => {
                    let detail = format!("line {} is no record: {error}", index + 1);
                    return Err(Error::new(ErrorKind::Invalid, "read the journal")
                        .object(name)
                        .detail(detail));
                }
            }
        }
        Ok(records)
    }
}

impl Journal for FileJournal {
    fn append(&mut self, record: &JournalRecord) -> Result<()> {
        let mut line = serde_json::to_vec(record).map_err(|e| failed(&self.path, e.into()))?;
        line.push(b'\n');
        self.file.write_all(&line).map_err(|e| failed(&self.path, e))
    }

    fn flush(&mut self) -> Result<()> {
        self.file.flush().map_err(|e| failed(&self.path, e))?;
        self.file.get_ref().sync_data().map_err(|e| failed(&self.path, e))
    }
}

fn failed(path: &str, error: std::io::Error) -> Error {
    let hint =
        "Nothing was changed that is not written down; free space or choose another place and run again.";
    Error::new(ErrorKind::Unavailable, "write the journal").object(path).detail(error.to_string()).hint(hint)
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
