//! The file with the state of a scan, which one scan uses at a time.

use std::fs::{File, TryLockError};
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};

use onramp_core::{Clock, Error, ErrorKind, Result, SystemClock, visible};
use onramp_files::{NewFile, open_private};
use onramp_readiness::state::{ScanState, StateError, StateRecord, StateSource, StateWriter};
use time::{Duration, OffsetDateTime};

use super::messages::io_error;

/// The time after which everything is read again. It is shorter than the life of tombstones, 60 or 180 days, from which a
/// scan learns what was deleted.
const MAX_AGE: Duration = Duration::days(30);

/// The state of the scan before, and that of this scan, which takes its place when it is complete.
#[derive(Debug)]
pub(super) struct StateFile {
    path: PathBuf,
    /// The state, or the reason why everything is read.
    old: std::result::Result<ScanState, String>,
    new: StateWriter<NewFile>,
    now: OffsetDateTime,
    _lock: Lock,
}

/// The lock of a file: one of the operating system on a file beside it, which stays.
#[derive(Debug)]
struct Lock(File);

impl StateFile {
    /// Opens a state for one scan.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let lock = Lock::of(path)?;
        let now = SystemClock::new().now();
        let new = NewFile::create(path).and_then(StateWriter::new);
        let new = new.map_err(|error| write_error(path, &error))?;
        let old = match File::open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err(format!("there is no state in {} yet", path.display()))
            }
            Err(error) => return Err(read_error(path, &error.into())),
            Ok(file) => match ScanState::read(BufReader::new(file)) {
                Err(StateError::Io(error)) => return Err(read_error(path, &error.into())),
                read => read
                    .map_err(|error| error.to_string())
                    .and_then(|state| young(state, now))
                    .map_err(|why| format!("the state in {} is not used: {why}", path.display())),
            },
        };
        Ok(Self { path: path.to_owned(), old, new, now, _lock: lock })
    }

    /// Returns the state of the scan before, or the reason why everything is read.
    pub(super) fn old(&self) -> std::result::Result<&ScanState, String> {
        self.old.as_ref().map_err(Clone::clone)
    }

    /// Reads the records of the scan before.
    pub(super) fn records(
        &self,
        old: &ScanState,
    ) -> Result<impl Iterator<Item = std::result::Result<StateRecord, StateError>> + use<>> {
        Ok(old.records(self.reader()?))
    }

    /// Reads the users of the tenant as the scan before read them.
    pub(super) fn cloud_users(
        &self,
        old: &ScanState,
    ) -> Result<impl Iterator<Item = std::result::Result<StateRecord, StateError>> + use<>> {
        Ok(old.cloud_users(self.reader()?))
    }

    /// Adds a record to the state of this scan.
    pub(super) fn write(&mut self, record: &StateRecord) -> Result<()> {
        self.new.write(record).map_err(|error| write_error(&self.path, &error))
    }

    /// Completes the state of this scan.
    pub(super) fn finish(self, sources: Vec<StateSource>) -> Result<()> {
        let written = self.new.finish(sources, self.now).and_then(NewFile::commit);
        written.map_err(|error| write_error(&self.path, &error))
    }

    /// The error of a state that changed after it was read the first time.
    pub(super) fn read_error(&self, error: &StateError) -> Error {
        read_error(&self.path, error)
    }

    fn reader(&self) -> Result<BufReader<File>> {
        let file = File::open(&self.path).map_err(|error| read_error(&self.path, &error.into()))?;
        Ok(BufReader::new(file))
    }
}

impl Lock {
    fn of(path: &Path) -> Result<Self> {
        let what = format!("use the state {}", path.display());
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(".lock");
        let file = open_private(path.with_file_name(name)).map_err(|error| io_error(&what, &error))?;
        match file.try_lock() {
            Ok(()) => Ok(Self(file)),
            Err(TryLockError::WouldBlock) => Err(Error::new(ErrorKind::InUse, visible(&what))
                .with_detail("another scan uses it")
                .with_hint("Wait until it has ended, or name another file.")),
            Err(TryLockError::Error(error)) => Err(io_error(&what, &error)),
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing the file is not enough: a process that another thread is starting has it, too, for a moment.
        let _ = self.0.unlock();
    }
}

/// Returns the state if nothing can have been forgotten since.
fn young(state: ScanState, now: OffsetDateTime) -> std::result::Result<ScanState, String> {
    match now - state.written_at {
        age if age > MAX_AGE => Err(format!("it is {} days old", age.whole_days())),
        age if age < Duration::ZERO => Err("it is from the future".to_owned()),
        _ => Ok(state),
    }
}

fn read_error(path: &Path, error: &StateError) -> Error {
    let what = format!("read the state {}", path.display());
    match error {
        StateError::Io(error) => io_error(&what, error),
        error => Error::new(ErrorKind::Invalid, visible(&what)).with_detail(error.to_string()),
    }
}

fn write_error(path: &Path, error: &io::Error) -> Error {
    io_error(&format!("write the state {}", path.display()), error)
}
