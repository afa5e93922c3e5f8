//! The event log: the events of a run in a file, one line each.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use onramp_core::{Error, ErrorKind, Result};
use time::OffsetDateTime;

use crate::event::{Event, EventRecord};

/// A file with the events of a run, which only its owner can read: JSON Lines, each an [`EventRecord`].
///
/// It is for people and for programs that look at a run later. What a run did is in its journal.
///
/// ```
/// use onramp::{Event, EventLog, ObservedRun};
/// # let folder = std::env::temp_dir().join(format!("onramp-event-log-example-{}", std::process::id()));
/// # std::fs::create_dir_all(&folder)?;
/// # let path = folder.join("events.jsonl");
/// let log = EventLog::create(&path)?;
/// log.record(time::OffsetDateTime::UNIX_EPOCH, &Event::Reading { what: "users".into(), count: 1 })?;
///
/// let mut run = ObservedRun::default();
/// for record in EventLog::read(&path)? {
///     let record = record?;
///     run.observe(record.at, &record.event);
/// }
/// assert_eq!(run.read["users"], 1);
/// # std::fs::remove_dir_all(&folder)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct EventLog {
    path: PathBuf,
    file: Mutex<File>,
}

impl EventLog {
    /// Creates the file; one that exists is continued.
    ///
    /// # Errors
    /// An error of the file system.
    pub fn create(path: impl Into<PathBuf>) -> Result<Self> {
        let path = path.into();
        let file = onramp_files::open_private_append(&path)
            .map_err(|error| failed("create the event log", &path, &error))?;
        Ok(Self { path, file: Mutex::new(file) })
    }

    /// Appends an event.
    ///
    /// # Errors
    /// An error of the file system.
    pub fn record(&self, at: OffsetDateTime, event: &Event) -> Result<()> {
        let failed = |error: std::io::Error| failed("write the event log", &self.path, &error);
        let mut line =
            serde_json::to_vec(&EventRecord::new(at, event.clone())).map_err(|error| failed(error.into()))?;
        line.push(b'\n');
        self.file.lock().unwrap_or_else(PoisonError::into_inner).write_all(&line).map_err(failed)
    }

    /// Reads the events of a file, in order. A last line that was cut off ends them.
    ///
    /// # Errors
    /// An error of the file system; `Invalid`, with the line, for what is no event.
    pub fn read(path: impl AsRef<Path>) -> Result<impl Iterator<Item = Result<EventRecord>>> {
        let path = path.as_ref().to_owned();
        let file = File::open(&path).map_err(|error| failed("read the event log", &path, &error))?;
        let mut lines = BufReader::new(file);
        let mut number = 0_u64;
        Ok(std::iter::from_fn(move || {
            let mut line = Vec::new();
            number += 1;
            if let Err(error) = lines.read_until(b'\n', &mut line) {
                return Some(Err(failed("read the event log", &path, &error)));
            }
            match serde_json::from_slice(&line) {
                Ok(record) => Some(Ok(record)),
                Err(_) if !line.ends_with(b"\n") => None,
                Err(error) => Some(Err(Error::new(ErrorKind::Invalid, "read the event log")
                    .with_object(path.display())
                    .with_detail(format!("line {number}: {error}")))),
            }
        }))
    }
}

fn failed(action: &str, path: &Path, error: &std::io::Error) -> Error {
    let kind = match error.kind() {
        std::io::ErrorKind::NotFound => ErrorKind::NotFound,
        _ => ErrorKind::Unavailable,
    };
    Error::new(kind, action).with_object(path.display()).with_detail(error.to_string())
}
