//! Owner-only files and folders, written whole or not at all.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use crate::system;

/// Makes a new file that only its owner can read, open for reading and writing.
///
/// A leftover of the same name is removed first, be it a file or a symbolic link; what a link leads to is not touched.
///
/// # Errors
/// Those of the file system, and a file system that cannot keep a file private.
pub fn create_private(path: impl AsRef<Path>) -> io::Result<File> {
    let path = path.as_ref();
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    system::create_new(path)
}

/// Opens a file for reading and writing at its start, makes it where it is missing, and makes it owner-only also where it existed.
///
/// # Errors
/// Those of the file system; a symbolic link, a file with a second name (hard link), a file of another user, what is no
/// file; and a file system that cannot keep a file private. What the file holds is then as it was.
pub fn open_private(path: impl AsRef<Path>) -> io::Result<File> {
    system::open_or_create(path.as_ref(), false)
}

/// Opens a file as [`open_private`] does, but every write goes to its end.
///
/// # Errors
/// As of [`open_private`].
pub fn open_private_append(path: impl AsRef<Path>) -> io::Result<File> {
    system::open_or_create(path.as_ref(), true)
}

/// Makes a folder that only its owner can enter, and the missing ones above it alike. Folders that exist stay as they are.
///
/// # Errors
/// Those of the file system.
pub fn make_private_folder(path: impl AsRef<Path>) -> io::Result<()> {
    let path = path.as_ref();
    // An empty path is the folder the program is in.
    if path.as_os_str().is_empty() || path.is_dir() {
        return Ok(());
    }
    make_private_folder(folder_of(path))?;
    match system::create_folder(path) {
        // Another program was faster.
        Err(_) if path.is_dir() => Ok(()),
        Err(error) => Err(error),
        Ok(()) => sync_folder(folder_of(path)),
    }
}

/// Writes an owner-only file as a whole: after a crash the path holds the old content or the new one, never a part.
///
/// # Errors
/// As of [`NewFile`]. The file is then as it was before.
pub fn write_private(path: impl AsRef<Path>, bytes: &[u8]) -> io::Result<()> {
    let mut file = NewFile::create(path)?;
    file.write_all(bytes)?;
    file.commit()
}

/// Puts a finished file in the place of another: synced, renamed, the folder synced.
///
/// Both must be in the same file system. A symbolic link at `path` is replaced itself.
///
/// # Errors
/// Those of the file system; where renaming failed, both are as they were.
pub fn replace_with(part: impl AsRef<Path>, path: impl AsRef<Path>) -> io::Result<()> {
    let (part, path) = (part.as_ref(), path.as_ref());
    // Windows flushes only what is open for writing.
    fs::OpenOptions::new().write(true).open(part)?.sync_all()?;
    rename(part, path)
}

fn rename(part: &Path, path: &Path) -> io::Result<()> {
    system::rename(part, path)?;
    sync_folder(folder_of(path))
}

/// Makes the names in a folder durable. Windows has no such call and needs none: NTFS keeps names in its own journal.
///
/// # Errors
/// Those of the file system.
pub fn sync_folder(path: impl AsRef<Path>) -> io::Result<()> {
    let path = path.as_ref();
    system::sync_folder(if path.as_os_str().is_empty() { Path::new(".") } else { path })
}

/// Returns true if nobody but the owner can read the file or folder, as the system tells it.
///
/// On Unix no mode bit is set for the group and for others. On Windows the access control list allows nobody but the
/// owner, SYSTEM and the Administrators, who can take any file as root can. A symbolic link is not followed and not private.
///
/// # Errors
/// Those of the file system.
pub fn is_private(path: impl AsRef<Path>) -> io::Result<bool> {
    system::is_private(path.as_ref())
}

/// The folder a path is in.
pub(crate) fn folder_of(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new(""))
}

/// An owner-only file that appears under its name when it is complete, and not at all if it is dropped before.
///
/// # Examples
/// ```
/// # fn main() -> std::io::Result<()> {
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("plan.jsonl");
/// use std::io::Write as _;
///
/// let mut file = onramp_files::NewFile::create(&path)?;
/// writeln!(file, "the first line")?;
/// file.commit()?;
/// assert!(onramp_files::is_private(&path)?);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct NewFile {
    // Taken when the file is finished: Windows does not rename what is open.
    writer: Option<io::BufWriter<File>>,
    part: PathBuf,
    path: PathBuf,
}

impl NewFile {
    /// Begins a file beside the one it will replace. What has its name now stays until [`commit`](Self::commit).
    ///
    /// # Errors
    /// As of [`create_private`], and a path without a file name.
    pub fn create(path: impl AsRef<Path>) -> io::Result<Self> {
        // Two that write the same file at the same time must not share the part.
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let path = path.as_ref();
        let name =
            path.file_name().ok_or_else(|| refused(io::ErrorKind::InvalidInput, "the path names no file"))?;
        if path.is_dir() {
            return Err(refused(io::ErrorKind::IsADirectory, "a folder has this name"));
        }
        let mut part = OsString::from(".");
        part.push(name);
        part.push(format!(".{}-{}.part", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed)));
        let part = path.with_file_name(part);
        let writer = Some(io::BufWriter::new(create_private(&part)?));
        Ok(Self { writer, part, path: path.to_owned() })
    }

    /// Makes the content durable and gives it its name.
    ///
    /// # Errors
    /// Those of the file system; what had the name before has it still, unless only the last sync of the folder failed.
    pub fn commit(mut self) -> io::Result<()> {
        if let Some(writer) = self.writer.take() {
            let file = writer.into_inner().map_err(io::IntoInnerError::into_error);
            let synced = file.and_then(|file| file.sync_all());
            if let Err(error) = synced.and_then(|()| rename(&self.part, &self.path)) {
                self.remove_part();
                return Err(error);
            }
        }
        Ok(())
    }

    fn remove_part(&self) {
        // Nothing can be done about a part that stays: it is private, and its name says what it is.
        let _ = fs::remove_file(&self.part);
    }
}

impl Write for NewFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writer.as_mut().map_or_else(|| Err(io::ErrorKind::BrokenPipe.into()), |file| file.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.as_mut().map_or(Ok(()), io::Write::flush)
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if let Some(writer) = self.writer.take() {
            // Without writing what is still in the buffer.
            drop(writer.into_parts());
            self.remove_part();
        }
    }
}

pub(crate) fn refused(kind: io::ErrorKind, message: &str) -> io::Error {
    io::Error::new(kind, message)
}

/// The refusals that are the same everywhere: what is at the path is not a plain file of this user's with one name.
pub(crate) fn refuse_unless_plain(metadata: &fs::Metadata, links: u64, own: bool) -> io::Result<()> {
    let message = if metadata.file_type().is_symlink() {
        "it is a symbolic link, which is not followed here: name the file itself"
    } else if !metadata.is_file() {
        "it is not a file"
    } else if !own {
        "it belongs to another user, who could read what is written: remove it or name another file"
    } else if links > 1 {
        "it has a second name (hard link), under which others could find it: copy it and remove the original"
    } else {
        return Ok(());
    };
    Err(refused(io::ErrorKind::PermissionDenied, message))
}

pub(crate) fn refuse_unless_private(private: bool) -> io::Result<()> {
    if private {
        return Ok(());
    }
    let message = "this file system cannot keep a file from other users: use a folder on another one";
    Err(refused(io::ErrorKind::Unsupported, message))
}
