//! The output folder: a folder for each run, and a folder of secrets that all runs share.

use std::path::{Path, PathBuf};

use onramp::{FileJournal, History, Plan};
use onramp_core::{Error, ErrorKind, Result};
use onramp_files::FolderLock;
use time::OffsetDateTime;

/// The name of a plan in the folder of its run.
pub const PLAN: &str = "plan.jsonl";
/// The name of a journal in the folder of its run.
pub const JOURNAL: &str = "journal.jsonl";
/// The name of a report in the folder of its run.
pub const REPORT: &str = "report.html";
/// The name of a recording in the folder of its run.
pub const RECORDING: &str = "wire.har";

/// An output folder, locked against other programs.
#[derive(Debug)]
pub struct Output {
    folder: PathBuf,
    _lock: FolderLock,
}

impl Output {
    /// Makes the folder if it does not exist, and locks it.
    ///
    /// # Errors
    /// `InUse`, with the program that works in the folder; else an error of the file system.
    pub fn open(folder: &Path, purpose: &str) -> Result<Self> {
        onramp_files::make_private_folder(folder).map_err(|error| {
            Error::new(ErrorKind::Unavailable, "make the folder")
                .with_object(folder.display())
                .with_detail(error.to_string())
        })?;
        let lock = FolderLock::acquire(folder, purpose).map_err(|error| {
            let kind = match error {
                onramp_files::LockError::Held { .. } => ErrorKind::InUse,
                _ => ErrorKind::Unavailable,
            };
            Error::new(kind, "work in the output folder").with_detail(error.to_string())
        })?;
        Ok(Self { folder: folder.to_owned(), _lock: lock })
    }

    /// Makes a new folder for a run that begins now.
    ///
    /// # Errors
    /// An error of the file system.
    pub fn new_run(&self, now: OffsetDateTime) -> Result<PathBuf> {
        let now = now.to_offset(time::UtcOffset::UTC);
        let (hour, minute, second) = now.time().as_hms();
        let name = format!("{}T{hour:02}{minute:02}{second:02}Z", now.date());
        for number in 1.. {
            let path = self.folder.join(if number == 1 { name.clone() } else { format!("{name}-{number}") });
            if path.exists() {
                continue;
            }
            onramp_files::make_private_folder(&path).map_err(|error| not_written(&path, &error))?;
            return Ok(path);
        }
        Err(Error::new(ErrorKind::Unavailable, "make a folder for the run").with_object(name))
    }

    /// Returns the folder of the secrets, which all runs share.
    pub fn secrets(&self) -> PathBuf {
        self.folder.join("secrets")
    }

    /// Returns the folders of earlier runs, the latest first, and then the output folder itself if an older version
    /// left its files there.
    pub fn runs(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let mut found: Vec<PathBuf> =
            entries.map(|entry| entry.path()).filter(|path| path.join(PLAN).is_file()).collect();
        found.sort();
        found.reverse();
        found.extend(self.folder.join(PLAN).is_file().then(|| self.folder.clone()));
        found
    }

    /// Returns the history of earlier runs. If a journal cannot be read to its end, `tell` is called with the reason
    /// and the rest is left out.
    pub fn history(&self, mut tell: impl FnMut(String)) -> History {
        let mut history = History::default();
        for run in self.runs() {
            let path = run.join(JOURNAL);
            if !path.is_file() {
                continue;
            }
            let read = FileJournal::records(&path).and_then(|mut records| {
                records.try_for_each(|record| {
                    history.add([&record?]);
                    Ok(())
                })
            });
            if let Err(error) = read {
                tell(format!("not all of the journal of an earlier run is used: {error}"));
            }
        }
        history
    }

    /// Returns the plans of earlier runs that can be read, the latest first.
    pub fn plans(&self) -> impl Iterator<Item = Plan> {
        let files = self.runs().into_iter().filter_map(|run| std::fs::File::open(run.join(PLAN)).ok());
        files.filter_map(|file| Plan::read(std::io::BufReader::new(file)).ok())
    }
}

/// Returns the error for a file that cannot be written.
pub(crate) fn not_written(path: &Path, error: &std::io::Error) -> Error {
    Error::new(ErrorKind::Unavailable, "write").with_object(path.display()).with_detail(error.to_string())
}
