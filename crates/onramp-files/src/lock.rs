//! One program at a time in a folder.

use std::fmt;
use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::private::{create_private, open_private};
use crate::system;

/// The file that is locked, and the one that tells by whom: a locked file cannot be read on Windows.
const LOCK: &str = ".lock";
const HOLDER: &str = ".lock-holder";

/// A folder that this program alone works in, until the value is dropped or the process ends, however it ends.
///
/// The lock is one of the operating system on `.lock` in the folder. The file stays; a file that a dead process left is
/// no lock. `.lock-holder` beside it says in words who holds the lock.
///
/// # Examples
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// use onramp_files::{FolderLock, LockError};
///
/// let lock = FolderLock::acquire(folder.path(), "onboard")?;
/// let refusal = FolderLock::acquire(folder.path(), "onboard").unwrap_err();
/// assert!(matches!(refusal, LockError::Held { .. }));
/// drop(lock);
/// FolderLock::acquire(folder.path(), "onboard")?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct FolderLock {
    folder: PathBuf,
    file: File,
}

impl FolderLock {
    /// Takes the lock of a folder that exists, saying for what; others are told the purpose.
    ///
    /// # Errors
    /// [`LockError::Held`] if another process, or another value in this one, holds it; [`LockError::Io`] if the file system
    /// refuses the files or has no locks.
    pub fn acquire(folder: impl AsRef<Path>, purpose: &str) -> Result<Self, LockError> {
        let folder = folder.as_ref();
        let failed = |error| LockError::Io { folder: folder.to_owned(), error };
        let file = open_private(folder.join(LOCK)).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(LockError::Held {
                    folder: folder.to_owned(),
                    by: Holder::read(folder).map(Box::new),
                });
            }
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        Holder::write(folder, purpose).map_err(failed)?;
        Ok(Self { folder: folder.to_owned(), file })
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

impl Drop for FolderLock {
    fn drop(&mut self) {
        // While the lock is still held, so that it is never the text of the next holder that is removed.
        let _ = fs::remove_file(self.folder.join(HOLDER));
        // Closing the file is not enough: a process that another thread is starting has it, too, for a moment.
        let _ = self.file.unlock();
    }
}

/// Reason why a folder could not be locked.
#[derive(Debug)]
#[non_exhaustive]
pub enum LockError {
    /// Another program works in the folder.
    Held {
        /// The folder.
        folder: PathBuf,
        /// The one that holds it, if it has said so yet.
        by: Option<Box<Holder>>,
    },
    /// The files of the lock cannot be made or locked.
    Io {
        /// The folder.
        folder: PathBuf,
        /// The system's words.
        error: io::Error,
    },
}

impl fmt::Display for LockError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Held { folder, by } => {
                write!(f, "the folder {} is in use", folder.display())?;
                if let Some(by) = by {
                    write!(f, " by {by}")?;
                }
                f.write_str(": wait until that program has ended, or end it")
            }
            Self::Io { folder, error } => {
                write!(f, "the folder {} cannot be locked: {error}", folder.display())
            }
        }
    }
}

impl std::error::Error for LockError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { error, .. } => Some(error),
            Self::Held { .. } => None,
        }
    }
}

/// The program that holds a lock, as it described itself. Empty where it did not know.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Holder {
    /// The number of its process.
    pub pid: String,
    /// The computer it runs on, which may be another one if the folder is shared.
    pub host: String,
    /// The user it runs as.
    pub user: String,
    /// The purpose it gave.
    pub purpose: String,
    /// The time it took the lock, in UTC as of RFC 3339, by the clock of the file system.
    pub since: String,
}

impl Holder {
    fn write(folder: &Path, purpose: &str) -> io::Result<()> {
        let mut file = create_private(folder.join(HOLDER))?;
        let made = OffsetDateTime::from(file.metadata()?.modified()?);
        let made = made.replace_nanosecond(0).unwrap_or(made);
        let holder = Self {
            pid: std::process::id().to_string(),
            host: system::host_name(),
            user: system::user_name(),
            purpose: purpose.to_owned(),
            since: made.format(&Rfc3339).unwrap_or_default(),
        };
        let text: String =
            holder.fields().map(|(name, value)| format!("{name}: {}\n", shown(value))).concat();
        file.write_all(text.as_bytes())
    }

    fn read(folder: &Path) -> Option<Self> {
        let text = fs::read(folder.join(HOLDER)).ok()?;
        let mut holder = Self::default();
        for line in String::from_utf8_lossy(&text).lines() {
            if let Some((name, value)) = line.split_once(": ") {
                let field = match name {
                    "pid" => &mut holder.pid,
                    "host" => &mut holder.host,
                    "user" => &mut holder.user,
                    "purpose" => &mut holder.purpose,
                    "since" => &mut holder.since,
                    _ => continue,
                };
                *field = shown(value);
            }
        }
        // The holder may be about to write.
        (!holder.pid.is_empty()).then_some(holder)
    }

    fn fields(&self) -> [(&'static str, &str); 5] {
        [
            ("pid", &self.pid),
            ("host", &self.host),
            ("user", &self.user),
            ("purpose", &self.purpose),
            ("since", &self.since),
        ]
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { pid, host, user, purpose, since } = self;
        write!(f, "process {pid}")?;
        let told = [("on", host), ("of the user", user), ("for", purpose), ("since", since)];
        told.iter()
            .filter(|(_, value)| !value.is_empty())
            .try_for_each(|(word, value)| write!(f, " {word} {value}"))
    }
}

/// A value on one line, safe on a terminal: the file may have been written by anybody.
fn shown(value: &str) -> String {
    value.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).take(200).collect()
}
