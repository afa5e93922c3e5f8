//! The store of plans in a folder.

use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, ErrorKind as IoErrorKind, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use onramp_core::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::{ApprovalRecord, ApprovalsEnded, PlanApproval, PlanStore, StoredPlan, not_found};
use crate::blocking::run_blocking;
use crate::plan::Plan;

const PLAN: &str = "plan.jsonl";
const AUTHOR: &str = "author.json";
const APPROVALS: &str = "approvals.jsonl";

/// A store of plans in a folder that only its owner can read: a folder for each plan, named by its digest.
///
/// Several programs may use it at the same time.
#[derive(Debug, Clone)]
pub struct FolderPlanStore {
    folder: PathBuf,
    /// True if its files are as accessible as the folder.
    is_shared: bool,
}

#[derive(Serialize, Deserialize)]
struct Author {
    author: String,
    #[serde(with = "time::serde::rfc3339")]
    saved_at: OffsetDateTime,
}

impl FolderPlanStore {
    /// Creates a store in a folder, which is created with the first plan.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into(), is_shared: false }
    }

    /// Creates a store in an existing folder that several people can access, such as one on a file server.
    ///
    /// What is stored is as accessible as the folder: on Windows by inheritance, on Unix with the same permission bits. Its access
    /// control decides who can read plans, and who can approve them.
    pub fn shared(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into(), is_shared: true }
    }

    /// Returns the folder of a plan, if the digest can be one.
    fn folder_of(&self, digest: &str) -> Result<PathBuf> {
        let is_digest = digest.len() == 64 && digest.bytes().all(|byte| byte.is_ascii_hexdigit());
        if is_digest { Ok(self.folder.join(digest)) } else { Err(not_found(digest)) }
    }

    fn save_files(&self, plan: &Plan, author: &Author) -> Result<()> {
        let digest = plan.digest();
        let folder = self.folder_of(&digest)?;
        let failed = |error| storage("store the plan", &folder, &error);
        self.make_folder(&folder).map_err(failed)?;
        if folder.join(PLAN).exists() {
            match self.load_files(&digest) {
                // An approval of files that were damaged is none. They are kept beside the new ones.
                Err(error) if error.kind() == ErrorKind::Invalid => {
                    set_aside(&folder).map_err(failed)?;
                    self.make_folder(&folder).map_err(failed)?;
                }
                loaded => return loaded.map(|_| ()),
            }
        }
        let author = serde_json::to_vec(author).map_err(|error| failed(error.into()))?;
        if self.is_shared {
            self.write_shared(&folder.join(AUTHOR), |file| file.write_all(&author)).map_err(failed)?;
            return self.write_shared(&folder.join(PLAN), |file| plan.write(file)).map_err(failed);
        }
        onramp_files::write_private(folder.join(AUTHOR), &author).map_err(failed)?;
        // Last, because a plan without this file is not stored.
        plan.save(folder.join(PLAN)).map_err(failed)
    }

    fn make_folder(&self, folder: &Path) -> std::io::Result<()> {
        if !self.is_shared {
            return onramp_files::make_private_folder(folder);
        }
        match std::fs::create_dir(folder) {
            Err(error) if error.kind() == IoErrorKind::AlreadyExists => Ok(()),
            made => made.and_then(|()| self.share(folder, false)),
        }
    }

    /// Writes a file as accessible as the folder, whole or not at all.
    fn write_shared(
        &self,
        path: &Path,
        write: impl FnOnce(&mut BufWriter<File>) -> std::io::Result<()>,
    ) -> std::io::Result<()> {
        let part = path.with_extension("part");
        let mut file = BufWriter::new(File::create(&part)?);
        write(&mut file)?;
        file.flush()?;
        file.get_ref().sync_all()?;
        self.share(&part, true)?;
        onramp_files::replace_with(part, path)
    }

    /// Makes a file or a folder as accessible as the folder of the store. Windows does so by inheritance.
    #[cfg(unix)]
    fn share(&self, path: &Path, is_file: bool) -> std::io::Result<()> {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(&self.folder)?.permissions().mode();
        let mode = if is_file { mode & 0o666 } else { mode };
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))
    }

    #[cfg(not(unix))]
    #[allow(clippy::unused_self, clippy::unnecessary_wraps, reason = "the signature is that of Unix")]
    fn share(&self, _: &Path, _: bool) -> std::io::Result<()> {
        Ok(())
    }

    fn append_record(&self, digest: &str, record: &ApprovalRecord) -> Result<()> {
        let folder = self.folder_of(digest)?;
        if !folder.join(PLAN).exists() {
            return Err(not_found(digest));
        }
        let path = folder.join(APPROVALS);
        let failed = |error| storage("store the approval in", &path, &error);
        let file = match (self.is_shared, path.exists()) {
            (false, _) => onramp_files::open_private(&path),
            (true, is_there) => {
                let opened = File::options().read(true).write(true).create(true).truncate(false).open(&path);
                // Only its owner may change the access of a file.
                if is_there { opened } else { opened.and_then(|file| self.share(&path, true).map(|()| file)) }
            }
        };
        append_line(file.map_err(failed)?, &path, record).map_err(failed)
    }

    fn load_files(&self, digest: &str) -> Result<StoredPlan> {
        let folder = self.folder_of(digest)?;
        let file = match File::open(folder.join(PLAN)) {
            Err(error) if error.kind() == IoErrorKind::NotFound => return Err(not_found(digest)),
            file => file.map_err(|error| storage("read the stored plan", &folder, &error))?,
        };
        let invalid = |detail: String| {
            Error::new(ErrorKind::Invalid, "read the stored plan")
                .with_object(folder.display())
                .with_detail(detail)
                .with_hint(
                    "Do not apply it. The command with which the plan was made stores it again, without its approvals.",
                )
        };
        let plan = Plan::read(BufReader::new(file)).map_err(|error| invalid(error.to_string()))?;
        if !plan.digest().eq_ignore_ascii_case(digest) {
            return Err(invalid("it is another plan: its digest is not the name of its folder".to_owned()));
        }
        let author = read_author(&folder).map_err(|error| match error.kind() {
            IoErrorKind::NotFound | IoErrorKind::InvalidData | IoErrorKind::UnexpectedEof => {
                invalid(format!("{AUTHOR}: {error}"))
            }
            _ => storage("read the stored plan", &folder, &error),
        })?;
        let mut stored = StoredPlan::new(plan, author.author, author.saved_at);
        for record in records(&folder.join(APPROVALS), &invalid)? {
            stored.add(record);
        }
        Ok(stored)
    }

    fn list(&self) -> Result<Vec<String>> {
        let failed = |error| storage("list the stored plans in", &self.folder, &error);
        let entries = match std::fs::read_dir(&self.folder) {
            Err(error) if error.kind() == IoErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(failed)?,
        };
        let mut plans = Vec::new();
        for entry in entries {
            let folder = entry.map_err(failed)?.path();
            let name = folder.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
            if self.folder_of(&name).is_ok() && folder.join(PLAN).exists() {
                // One damaged plan does not hide the others; loading it tells what is wrong.
                let saved_at = read_author(&folder).map(|author| author.saved_at);
                plans.push((saved_at.unwrap_or(OffsetDateTime::UNIX_EPOCH), name));
            }
        }
        plans.sort_unstable_by(|one, other| other.cmp(one));
        Ok(plans.into_iter().map(|(_, digest)| digest).collect())
    }
}

fn read_author(folder: &Path) -> std::io::Result<Author> {
    Ok(serde_json::from_slice(&std::fs::read(folder.join(AUTHOR))?)?)
}

/// Renames the folder of a damaged plan.
fn set_aside(folder: &Path) -> std::io::Result<()> {
    for number in 1.. {
        let aside = folder.with_extension(format!("damaged-{number}"));
        if !aside.exists() {
            return std::fs::rename(folder, aside);
        }
    }
    Ok(())
}

/// Reads approvals and their ends. An incomplete last line after a crash is left out.
fn records(path: &Path, invalid: &dyn Fn(String) -> Error) -> Result<Vec<ApprovalRecord>> {
    let bytes = match std::fs::read(path) {
        Err(error) if error.kind() == IoErrorKind::NotFound => return Ok(Vec::new()),
        bytes => bytes.map_err(|error| storage("read the approvals in", path, &error))?,
    };
    let mut all = Vec::new();
    for (place, line) in bytes.split_inclusive(|byte| *byte == b'\n').enumerate() {
        match serde_json::from_slice(line) {
            Ok(record) => all.push(record),
            Err(_) if !line.ends_with(b"\n") => {}
            Err(error) => return Err(invalid(format!("line {} of {APPROVALS}: {error}", place + 1))),
        }
    }
    Ok(all)
}

/// Appends a line to a file that several programs may write, in the place of an incomplete last one.
fn append_line(mut file: File, path: &Path, record: &ApprovalRecord) -> std::io::Result<()> {
    let mut line = serde_json::to_vec(record)?;
    line.push(b'\n');
    file.lock()?;
    let mut whole = 0;
    let mut reader = BufReader::new(&file);
    let mut read = Vec::new();
    while reader.read_until(b'\n', &mut read)? > 0 {
        if read.ends_with(b"\n") {
            whole += read.len() as u64;
        }
        read.clear();
    }
    file.set_len(whole)?;
    file.seek(SeekFrom::Start(whole))?;
    file.write_all(&line)?;
    file.sync_all()?;
    path.parent().map_or(Ok(()), onramp_files::sync_folder)
}

fn storage(action: &str, path: &Path, error: &std::io::Error) -> Error {
    Error::new(ErrorKind::Unavailable, action).with_object(path.display()).with_detail(error.to_string())
}

#[async_trait]
impl PlanStore for FolderPlanStore {
    async fn save(&self, plan: &Plan, author: &str, saved_at: OffsetDateTime) -> Result<()> {
        let (this, plan) = (self.clone(), plan.clone());
        let author = Author { author: author.to_owned(), saved_at };
        run_blocking("store a plan", move || this.save_files(&plan, &author)).await
    }

    async fn approve(&self, digest: &str, approval: &PlanApproval) -> Result<()> {
        let (this, digest) = (self.clone(), digest.to_owned());
        let record = ApprovalRecord::Approval(approval.clone());
        run_blocking("store an approval", move || this.append_record(&digest, &record)).await
    }

    async fn end_approvals(&self, digest: &str, end: &ApprovalsEnded) -> Result<()> {
        let (this, digest) = (self.clone(), digest.to_owned());
        let record = ApprovalRecord::Ended(end.clone());
        run_blocking("end the approvals of a plan", move || this.append_record(&digest, &record)).await
    }

    async fn load(&self, digest: &str) -> Result<StoredPlan> {
        let (this, digest) = (self.clone(), digest.to_owned());
        run_blocking("read a stored plan", move || this.load_files(&digest)).await
    }

    async fn digests(&self) -> Result<Vec<String>> {
        let this = self.clone();
        run_blocking("list the stored plans", move || this.list()).await
    }
}
