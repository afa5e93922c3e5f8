//! Owner-only by an access control list.

mod acl;

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::windows::fs::OpenOptionsExt;
use std::path::Path;

use windows_sys::Win32::Foundation::{ERROR_ACCESS_DENIED, ERROR_SHARING_VIOLATION};
use windows_sys::Win32::Storage::FileSystem::{
    FILE_APPEND_DATA, FILE_FLAG_BACKUP_SEMANTICS, FILE_FLAG_OPEN_REPARSE_POINT, FILE_GENERIC_READ,
    FILE_GENERIC_WRITE, FILE_READ_ATTRIBUTES, FILE_WRITE_DATA, READ_CONTROL, WRITE_DAC,
};

use crate::private::{refuse_unless_plain, refuse_unless_private};

const READ_AND_WRITE: u32 = FILE_GENERIC_READ | FILE_GENERIC_WRITE | READ_CONTROL;
const READ_AND_APPEND: u32 = READ_AND_WRITE & !FILE_WRITE_DATA | FILE_APPEND_DATA;

pub(crate) fn create_new(path: &Path) -> io::Result<File> {
    create(path, READ_AND_WRITE)
}

fn create(path: &Path, access: u32) -> io::Result<File> {
    let file = acl::create_file(path, access, &acl::Descriptor::of_owner("")?)?;
    // FAT takes the list and forgets it.
    if let Err(error) = acl::is_private(&file).and_then(refuse_unless_private) {
        drop(file);
        let _ = fs::remove_file(path);
        return Err(error);
    }
    Ok(file)
}

pub(crate) fn open_or_create(path: &Path, append: bool) -> io::Result<File> {
    let access = if append { READ_AND_APPEND } else { READ_AND_WRITE };
    match open(path, access) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => match create(path, access) {
            // Another program was faster.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => open(path, access),
            made => made,
        },
        opened => opened,
    }
}

fn open(path: &Path, access: u32) -> io::Result<File> {
    let opened = OpenOptions::new()
        .access_mode(access | WRITE_DAC)
        .custom_flags(FILE_FLAG_OPEN_REPARSE_POINT)
        .open(path);
    let file = match opened {
        Err(error) => {
            if let Ok(metadata) = fs::symlink_metadata(path) {
                refuse_unless_plain(&metadata, 1, true)?;
            }
            return Err(error);
        }
        Ok(file) => file,
    };
    refuse_unless_plain(&file.metadata()?, acl::number_of_names(&file)?, acl::is_own(&file)?)?;
    if !acl::is_private(&file)? {
        acl::protect(&file, &acl::Descriptor::of_owner("")?)?;
        acl::is_private(&file).and_then(refuse_unless_private)?;
    }
    Ok(file)
}

pub(crate) fn create_folder(path: &Path) -> io::Result<()> {
    // What other programs make in the folder inherits the list.
    acl::create_folder(path, &acl::Descriptor::of_owner("OICI")?)
}

/// Renames; a virus scanner or an indexer that has just opened the new file is waited for, a quarter of a second at most.
// Waiting goes through no clock here: it is for a foreign program, and no test can make it happen.
#[allow(clippy::disallowed_methods)]
pub(crate) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    for pause in [10, 20, 40, 80, 100] {
        match fs::rename(from, to) {
            Err(error) if is_passing(&error) => std::thread::sleep(std::time::Duration::from_millis(pause)),
            done => return done,
        }
    }
    fs::rename(from, to)
}

fn is_passing(error: &io::Error) -> bool {
    let code = error.raw_os_error().and_then(|code| u32::try_from(code).ok());
    matches!(code, Some(ERROR_ACCESS_DENIED | ERROR_SHARING_VIOLATION))
}

pub(crate) fn sync_folder(path: &Path) -> io::Result<()> {
    // A folder cannot be opened as a file; that it is there is all that can be said.
    fs::metadata(path).map(drop)
}

pub(crate) fn is_private(path: &Path) -> io::Result<bool> {
    let opened = OpenOptions::new()
        .access_mode(READ_CONTROL | FILE_READ_ATTRIBUTES)
        .custom_flags(FILE_FLAG_BACKUP_SEMANTICS | FILE_FLAG_OPEN_REPARSE_POINT)
        .open(path)?;
    Ok(!opened.metadata()?.file_type().is_symlink() && acl::is_private(&opened)?)
}

pub(crate) fn user_name() -> String {
    std::env::var("USERNAME").unwrap_or_default()
}

pub(crate) fn host_name() -> String {
    std::env::var("COMPUTERNAME").unwrap_or_default()
}
