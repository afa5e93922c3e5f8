//! The journal in a file.

use std::fs::{File, TryLockError};
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use futures_util::{StreamExt, TryStreamExt, stream};
use onramp_core::{BoxStream, Error, ErrorKind, Result};

use super::{Journal, JournalRecord, JournalState, check_epoch};
use crate::blocking::run_blocking;

/// The length of the buffered lines above which they are written without a flush.
const BUFFER: usize = 256 * 1024;

/// The number of records that are read at once.
const AT_ONCE: usize = 1000;

type Records = Box<dyn Iterator<Item = Result<JournalRecord>> + Send>;

/// The beginning of every line of a journal.
const LINE_START: &[u8] = b"{\"at\":";

/// A journal in a file that only its owner can read, with one JSON record in each line. Lines are only appended.
///
/// One program at a time has it open; the lock ends with the value or the process. The file has whole lines only: lines
/// that could not be written are kept, and written by the next successful [`Journal::flush`]. Files are written on a
/// thread for blocking work if there is a tokio runtime, else on the thread of the caller.
#[derive(Debug)]
pub struct FileJournal {
    epoch: u64,
    lines: Arc<Mutex<Lines>>,
}

/// The lines of a journal, in its file and in memory.
#[derive(Debug)]
struct Lines {
    path: PathBuf,
    file: File,
    /// The lines that are not in the file yet.
    buffer: Vec<u8>,
    /// The length of the whole lines in the file.
    whole: u64,
}

impl FileJournal {
    /// Opens the file at a path, or creates it; existing records are kept. An incomplete last line after a crash is
    /// removed, so that the next record has its own line.
    ///
    /// # Errors
    /// `InUse` if another run has it open; `Invalid` if the end of the file is not that of a journal; errors of the file
    /// system.
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
            // A crash between a record and its line break.
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
        let lines = Lines { path: path.to_owned(), file, buffer: Vec::new(), whole };
        Ok(Self { epoch: 0, lines: Arc::new(Mutex::new(lines)) })
    }

    /// Reads all records of a journal. An incomplete last line after a crash is left out.
    ///
    /// # Errors
    /// Those of [`FileJournal::records`].
    pub fn read(path: impl AsRef<Path>) -> Result<Vec<JournalRecord>> {
        Self::records(path)?.collect()
    }

    /// Reads a journal record by record, so that a large one is not held in memory. An incomplete last line after a crash
    /// is left out.
    ///
    /// # Errors
    /// Errors of the file system; `Invalid` for a line in the middle that is not a valid journal record.
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

/// Returns true if the bytes may be the beginning of a line after a crash. Some file systems leave zeros at the end.
fn is_fragment(tail: &[u8]) -> bool {
    let written =
        tail.iter().position(|byte| *byte == 0).map_or(tail, |zeros| tail.get(..zeros).unwrap_or(tail));
    let compared = written.len().min(LINE_START.len());
    written.get(..compared) == LINE_START.get(..compared)
}

/// Returns the end of the last line that has a line break.
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

impl FileJournal {
    /// Runs blocking work on the lines.
    async fn with_lines<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Lines) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let lines = Arc::clone(&self.lines);
        run_blocking("use the journal", move || work(&mut lock(&lines))).await
    }
}

fn lock(lines: &Mutex<Lines>) -> MutexGuard<'_, Lines> {
    lines.lock().unwrap_or_else(PoisonError::into_inner)
}

#[async_trait]
impl Journal for FileJournal {
    async fn open(&mut self) -> Result<JournalState> {
        let mut state = self.with_lines(Lines::state).await?;
        state.epoch = state.epoch.max(self.epoch);
        let state = state.next_epoch();
        self.epoch = state.epoch;
        Ok(state)
    }

    async fn append(&mut self, epoch: u64, records: &[JournalRecord]) -> Result<()> {
        check_epoch(self.epoch, epoch)?;
        let is_long = {
            let mut lines = lock(&self.lines);
            for record in records {
                let line = serde_json::to_vec(record).map_err(|error| lines.not_written(&error.into()))?;
                lines.buffer.extend(line);
                lines.buffer.push(b'\n');
            }
            lines.buffer.len() >= BUFFER
        };
        if is_long {
            self.with_lines(|lines| lines.write_out().map_err(|error| lines.not_written(&error))).await?;
        }
        Ok(())
    }

    fn read_all(&self) -> BoxStream<'static, Result<JournalRecord>> {
        let path = lock(&self.lines).path.clone();
        let read = move |records: Option<Records>| {
            let path = path.clone();
            run_blocking("read the journal", move || {
                let mut records = match records {
                    Some(records) => records,
                    None => Box::new(Self::records(path)?),
                };
                let some: Vec<_> = records.by_ref().take(AT_ONCE).collect();
                Ok((!some.is_empty()).then_some((stream::iter(some), Some(records))))
            })
        };
        stream::try_unfold(None, read).try_flatten().boxed()
    }

    async fn flush(&mut self) -> Result<()> {
        let flush = |lines: &mut Lines| {
            let written = lines.write_out().and_then(|()| lines.file.sync_data());
            written.map_err(|error| lines.not_written(&error))
        };
        self.with_lines(flush).await
    }
}

impl Lines {
    /// Reads the state of the journal from its records. Lines that are not valid records are ignored.
    fn state(&mut self) -> Result<JournalState> {
        self.write_out().map_err(|error| self.not_written(&error))?;
        let mut state = JournalState::default();
        let failed = |error| not_opened(&self.path, &error);
        self.file.seek(SeekFrom::Start(0)).map_err(failed)?;
        let mut reader = BufReader::new(Read::by_ref(&mut self.file).take(self.whole));
        let mut line = Vec::new();
        loop {
            line.clear();
            if reader.read_until(b'\n', &mut line).map_err(|error| not_opened(&self.path, &error))? == 0 {
                break;
            }
            if let Ok(record) = serde_json::from_slice(&line) {
                state.add(&record);
            }
        }
        self.file.seek(SeekFrom::Start(self.whole)).map_err(|error| not_opened(&self.path, &error))?;
        Ok(state)
    }

    fn not_written(&self, error: &std::io::Error) -> Error {
        not_written(&self.path, error)
    }
}

impl Lines {
    /// Writes the buffered lines to the file.
    fn write_out(&mut self) -> std::io::Result<()> {
        if let Err(error) = self.file.write_all(&self.buffer) {
            // A part of the lines may be written: the file must not have half a line in the middle.
            let cut = self.file.set_len(self.whole);
            let _ = cut.and_then(|()| self.file.seek(SeekFrom::Start(self.whole)));
            return Err(error);
        }
        self.whole += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        // `flush` returns errors; this is for a journal that is dropped without one.
        let _ = self.write_out();
    }
}

fn not_opened(path: impl AsRef<Path>, error: &std::io::Error) -> Error {
    Error::new(ErrorKind::Unavailable, "open the journal")
        .with_object(path.as_ref().display())
        .with_detail(error.to_string())
}

fn not_written(path: &Path, error: &std::io::Error) -> Error {
    Error::new(ErrorKind::Unavailable, "write the journal")
        .with_object(path.display())
        .with_detail(error.to_string())
}
