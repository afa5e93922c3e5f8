//! Owner-only by mode bits.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use nix::libc::{O_NOFOLLOW, O_NONBLOCK};
use nix::unistd::{User, geteuid, gethostname};

use crate::private::{refuse_unless_plain, refuse_unless_private};

const OTHERS: u32 = 0o077;

pub(crate) fn create_new(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(path)?;
    if let Err(error) = refuse_unless_private(file.metadata()?.mode() & OTHERS == 0) {
        let _ = fs::remove_file(path);
        return Err(error);
    }
    Ok(file)
}

pub(crate) fn open_or_create(path: &Path, append: bool) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).append(append).create(true).truncate(false).mode(0o600);
    // Without O_NONBLOCK, a named pipe would wait for its other end; for a file it means nothing.
    let file = match options.custom_flags(O_NOFOLLOW | O_NONBLOCK).open(path) {
        Err(error) => {
            if let Ok(metadata) = fs::symlink_metadata(path) {
                refuse_unless_plain(&metadata, 1, true)?;
            }
            return Err(error);
        }
        Ok(file) => file,
    };
    let metadata = file.metadata()?;
    refuse_unless_plain(&metadata, metadata.nlink(), metadata.uid() == geteuid().as_raw())?;
    if metadata.mode() & OTHERS != 0 {
        file.set_permissions(Permissions::from_mode(0o600))?;
        refuse_unless_private(file.metadata()?.mode() & OTHERS == 0)?;
    }
    Ok(file)
}

pub(crate) fn create_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().mode(0o700).create(path)
}

pub(crate) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to)
}

pub(crate) fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

pub(crate) fn is_private(path: &Path) -> io::Result<bool> {
    let metadata = fs::symlink_metadata(path)?;
    Ok(!metadata.file_type().is_symlink() && metadata.mode() & OTHERS == 0)
}

pub(crate) fn user_name() -> String {
    let user = geteuid();
    // A user without an entry still has a number.
    User::from_uid(user).ok().flatten().map_or_else(|| user.to_string(), |user| user.name)
}

pub(crate) fn host_name() -> String {
    gethostname().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}
