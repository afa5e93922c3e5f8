//! The output folder: a folder for each run, and a folder of secrets that all runs share.

use std::path::{Path, PathBuf};

use onramp::{
    ApplyStatus, FileJournal, FileSecretStore, History, JournalEntry, OtherRuns, Plan, RecordedRun,
};
use onramp_core::{Error, ErrorKind, Result};
use onramp_files::FolderLock;
use time::OffsetDateTime;

/// The name of a plan in the folder of its run.
pub const PLAN: &str = "plan.jsonl";
/// The name of a journal in the folder of its run.
pub const JOURNAL: &str = "journal.jsonl";
/// The name of an event log in the folder of its run.
pub const EVENTS: &str = "events.jsonl";
/// The name of a report in the folder of its run.
pub const REPORT: &str = "report.html";
/// The name of the file with the DNS records to publish in the folder of its run.
pub const DNS_RECORDS: &str = "dns-records.txt";
/// The name of a recording in the folder of its run.
pub const RECORDING: &str = "wire.har";

/// An output folder, locked against other programs if this one writes to it.
#[derive(Debug)]
pub struct Output {
    folder: PathBuf,
    _lock: Option<FolderLock>,
}

/// A run in its folder.
#[derive(Debug)]
#[non_exhaustive]
pub struct StoredRun {
    /// The name of the folder.
    pub name: String,
    /// The plan, with the changes that the journal records.
    pub run: RecordedRun,
    /// True if its folder has a journal.
    pub has_journal: bool,
    /// The consequences that were accepted.
    pub accepted: Vec<String>,
    /// The time at which it was started last; `None` if it was only planned.
    pub started: Option<OffsetDateTime>,
    /// The person who ran it last, if known.
    pub operator: Option<String>,
    /// The author of the plan, if it was approved in a plan store.
    pub author: Option<String>,
    /// The people who approved the plan.
    pub approvers: Vec<String>,
    /// The status at its end; `None` if it was never started, or ended without a record.
    pub status: Option<ApplyStatus>,
    /// True if its verification was green, false if not; `None` if there is no record of one.
    pub verified: Option<bool>,
}

impl StoredRun {
    /// Reads a run from its folder.
    ///
    /// # Errors
    /// A file that cannot be read, with its line.
    pub fn read(folder: &Path) -> Result<Self> {
        let wrong = |detail: String| {
            Error::new(ErrorKind::Invalid, "read the run").with_object(folder.display()).with_detail(detail)
        };
        let unread = |error: &dyn std::fmt::Display| wrong(format!("{PLAN}: {error}"));
        let file = std::fs::File::open(folder.join(PLAN)).map_err(|error| unread(&error))?;
        let plan = Plan::read(std::io::BufReader::new(file)).map_err(|error| unread(&error))?;
        let name = folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let (run, journal) = (RecordedRun::new(plan), folder.join(JOURNAL));
        let has_journal = journal.is_file();
        let mut stored = Self {
            name,
            run,
            has_journal,
            accepted: Vec::new(),
            started: None,
            operator: None,
            author: None,
            approvers: Vec::new(),
            status: None,
            verified: None,
        };
        if !has_journal {
            return Ok(stored);
        }
        let mut is_of_another = false;
        for record in FileJournal::records(&journal)? {
            let record = record?;
            stored.run.add(&record);
            match &record.entry {
                JournalEntry::RunStarted { accepted, plan, operator, author, approvers, .. } => {
                    is_of_another |= *plan != stored.run.plan().digest();
                    stored.started = Some(record.at);
                    (stored.status, stored.verified) = (None, None);
                    stored.accepted.clone_from(accepted);
                    stored.operator.clone_from(operator);
                    stored.author.clone_from(author);
                    stored.approvers.clone_from(approvers);
                }
                JournalEntry::RunEnded { status } => stored.status = Some(status.clone()),
                JournalEntry::RunVerified { is_green } => stored.verified = Some(*is_green),
                _ => {}
            }
        }
        if is_of_another && !stored.run.is_started() {
            return Err(wrong(format!("{JOURNAL} belongs to another plan than {PLAN}")));
        }
        Ok(stored)
    }

    /// Returns its end in words, with the result of its verification.
    pub fn end_text(&self) -> String {
        let status = match (&self.started, &self.status) {
            (None, _) if self.has_journal => {
                return "its journal is empty: what it changed is not known".to_owned();
            }
            (None, _) => return "only planned, or its journal is missing".to_owned(),
            (Some(_), None) => return "no end was recorded".to_owned(),
            (Some(_), Some(status)) => status,
        };
        let is_canary = self.run.plan().header().canary.is_some();
        match self.verified {
            Some(true) if is_canary => format!("{status}, and verified; the rest waits for approval"),
            Some(true) => format!("{status}, and verified"),
            Some(false) => {
                format!("{status}, but its verification found something else: its report says what")
            }
            None if is_canary => format!("{status}, and not verified: the same command does it"),
            None => status.to_string(),
        }
    }

    /// Returns true if it was started and did not complete.
    pub fn is_unfinished(&self) -> bool {
        self.started.is_some() && self.status != Some(ApplyStatus::Completed)
    }
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
        Ok(Self { folder: folder.to_owned(), _lock: Some(lock) })
    }

    /// Looks at the folder without locking it, to read only.
    pub fn view(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), _lock: None }
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

    /// Returns the store of secrets in a folder that all runs share.
    pub fn secrets(&self) -> FileSecretStore {
        FileSecretStore::new(self.folder.join("secrets"))
    }

    /// Returns the folders of earlier runs, the latest first, and then the output folder itself if an older version
    /// left its files there.
    pub fn runs(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(&self.folder).into_iter().flatten().flatten();
        // A run whose plan is missing is listed, too: its journal tells that something was changed.
        let is_run = |path: &PathBuf| path.join(PLAN).is_file() || path.join(JOURNAL).is_file();
        let mut found: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(is_run).collect();
        found.sort_by_cached_key(|path| std::cmp::Reverse(age(path)));
        found.extend(self.folder.join(PLAN).is_file().then(|| self.folder.clone()));
        found
    }

    /// Returns a run to look at, by the name of its folder, by the first digits of its plan's digest (at least 6), or for `latest` the
    /// first one that `onramp runs` lists.
    ///
    /// # Errors
    /// `NotFound` if no run fits; `Invalid` if several fit, or if the run cannot be read.
    pub fn find_to_view(&self, wanted: &str) -> Result<StoredRun> {
        match self.runs().first().filter(|_| wanted == "latest" && !self.folder.join(wanted).is_dir()) {
            Some(latest) => StoredRun::read(latest),
            None => self.find(wanted),
        }
    }

    /// Returns a run to undo, by the name of its folder, by the first digits of its plan's digest (at least 6), or for `latest`
    /// the latest one that made changes.
    ///
    /// # Errors
    /// `NotFound` if no run fits; `Invalid` if several fit, or if it is `latest` and that run is an undo or cannot be read:
    /// to take another one instead could undo what nobody meant.
    pub fn find(&self, wanted: &str) -> Result<StoredRun> {
        let wrong = |kind: ErrorKind, detail: String| {
            Error::new(kind, "find the run").with_object(wanted).with_detail(detail)
        };
        let named = self.folder.join(wanted);
        if !wanted.is_empty() && named.parent() == Some(self.folder.as_path()) && named.is_dir() {
            return StoredRun::read(&named);
        }
        if wanted == "latest" {
            for path in self.runs() {
                let stored = StoredRun::read(&path)?;
                if stored.run.changes_made() == 0 {
                    continue;
                }
                if stored.run.plan().header().undoes.is_some() {
                    return Err(wrong(ErrorKind::Invalid, format!("{} is an undo itself", stored.name)).with_hint(
                        "Name the run: that of the undo gives back what it restored, the one before it continues an undo that \
                         was stopped. `onramp runs` lists them.",
                    ));
                }
                return Ok(stored);
            }
            let detail = format!("{} has no such run: no run made a change", self.folder.display());
            return Err(wrong(ErrorKind::NotFound, detail).with_hint("`onramp runs` lists the runs."));
        }
        let fits = |stored: &StoredRun| {
            wanted.len() >= 6 && stored.run.plan().digest().starts_with(&wanted.to_lowercase())
        };
        let mut found: Vec<StoredRun> =
            self.runs().iter().filter_map(|path| StoredRun::read(path).ok()).filter(fits).collect();
        // A plan that was reviewed first and then applied is in two folders.
        if found.iter().any(|stored| stored.run.changes_made() > 0) {
            found.retain(|stored| stored.run.changes_made() > 0);
        }
        match (found.pop(), found.is_empty()) {
            (Some(stored), true) => Ok(stored),
            (Some(_), false) => Err(wrong(ErrorKind::Invalid, "several runs fit".to_owned())
                .with_hint("Name it by its folder: `onramp runs` lists them.")),
            (None, _) => {
                Err(wrong(ErrorKind::NotFound, format!("{} has no such run", self.folder.display()))
                    .with_hint("`onramp runs` lists the runs."))
            }
        }
    }

    /// Returns the folder of a run.
    pub fn folder_of(&self, run: &StoredRun) -> PathBuf {
        let named = self.folder.join(&run.name);
        // An older version left the files of a run in the output folder itself.
        if named.is_dir() { named } else { self.folder.clone() }
    }

    /// Returns the runs other than that one which did not complete, made changes, and were not undone since.
    pub fn others_to_undo(&self, than: &StoredRun) -> Vec<StoredRun> {
        let mut undone: Vec<String> = Vec::new();
        let mut found = Vec::new();
        for stored in self.runs().iter().filter_map(|path| StoredRun::read(path).ok()) {
            let plan = stored.run.plan();
            let (made, header) = (stored.run.changes_made() > 0, plan.header());
            match &header.undoes {
                Some(digest) if made => undone.push(digest.clone()),
                Some(_) => {}
                None => {
                    let is_same_job =
                        header.tenant == than.run.plan().header().tenant && stored.name != than.name;
                    if made && is_same_job && stored.is_unfinished() && !undone.contains(&plan.digest()) {
                        found.push(stored);
                    }
                }
            }
        }
        found
    }

    /// Returns what the other runs wrote to the values that a run wrote.
    pub fn other_runs(&self, than: &StoredRun) -> OtherRuns {
        let (mut others, own) = (OtherRuns::of(&than.run), self.folder_of(than));
        for path in self.runs().iter().filter(|path| **path != own) {
            let name = || path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            match StoredRun::read(path) {
                Ok(other) => others.add(name(), &other.run),
                // Without a journal, nothing was written.
                Err(_) if !path.join(JOURNAL).is_file() => {}
                Err(_) => others.add_unreadable(name()),
            }
        }
        others
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

    /// Returns the latest run that was started, if it did not complete: what was accepted for it is accepted for the rest
    /// of it.
    pub fn unfinished(&self) -> Option<StoredRun> {
        self.last_started().filter(StoredRun::is_unfinished)
    }

    /// Returns the latest run that was started.
    pub fn last_started(&self) -> Option<StoredRun> {
        let mut stored = self.runs().into_iter().filter_map(|path| StoredRun::read(&path).ok());
        stored.find(|stored| stored.started.is_some())
    }

    /// Returns the plans of earlier runs that can be read, the latest first.
    pub fn plans(&self) -> impl Iterator<Item = Plan> {
        let files = self.runs().into_iter().filter_map(|run| std::fs::File::open(run.join(PLAN)).ok());
        files.filter_map(|file| Plan::read(std::io::BufReader::new(file)).ok())
    }
}

/// Returns the sort key of the folder of a run: its time, and its number among those of the same second.
fn age(path: &Path) -> (String, u32) {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    match name.split_once("Z-") {
        Some((time, number)) => (time.to_owned(), number.parse().unwrap_or_default()),
        None => (name.trim_end_matches('Z').to_owned(), 0),
    }
}

/// Returns the error for a file that cannot be written.
pub(crate) fn not_written(path: &Path, error: &std::io::Error) -> Error {
    Error::new(ErrorKind::Unavailable, "write").with_object(path.display()).with_detail(error.to_string())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    #[test]
    fn runs_of_one_second_are_in_the_order_of_their_numbers() {
        let folder = tempfile::tempdir().unwrap();
        let names =
            ["2026-11-30T101500Z", "2026-11-30T101500Z-2", "2026-11-30T101500Z-10", "2026-11-30T101501Z"];
        for name in names {
            std::fs::create_dir(folder.path().join(name)).unwrap();
            std::fs::write(folder.path().join(name).join(PLAN), "").unwrap();
        }
        let found = Output::view(folder.path()).runs();
        let found: Vec<_> = found.iter().map(|path| path.file_name().unwrap().to_str().unwrap()).collect();
        assert_eq!(found, names.into_iter().rev().collect::<Vec<_>>());
    }
}
