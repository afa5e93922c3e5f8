//! Files that hold what others must not read: owner-only, durable, locked; and text as Windows programs save it.
//!
//! * **Owner-only**: [`create_private`], [`open_private`], [`open_private_append`], [`make_private_folder`] and
//!   [`is_private`]. On Unix these are mode bits; on Windows an access control list that names the owner alone. A file
//!   system that keeps neither (FAT, some mounts) is refused, because a secret there is everybody's.
//! * **Whole or not at all**: [`write_private`], [`NewFile`] and [`replace_with`] write under another name, sync, rename
//!   and sync the folder ([`sync_folder`]).
//! * **Locked**: [`FolderLock`] lets one program at a time work in a folder and names the one that does.
//! * **Text**: [`text::decode`], [`read_text`] and [`read_secret`] understand what Windows programs save, and refuse the
//!   rest by the name of what it is.
//!
//! ```
//! # fn main() -> std::io::Result<()> {
//! # let folder = std::env::temp_dir().join(format!("onramp-files-example-{}", std::process::id()));
//! onramp_files::make_private_folder(&folder)?;
//! let path = folder.join("secret.txt");
//! onramp_files::write_private(&path, b"not for others")?;
//! assert!(onramp_files::is_private(&path)?);
//! # std::fs::remove_dir_all(&folder)?;
//! # Ok(())
//! # }
//! ```
//!
//! Everything blocks and returns [`std::io::Error`]. As in the standard library, an error of a function that takes one path does
//! not repeat it, except from those whose name starts with `read_`.

mod lock;
mod private;
#[cfg(any(windows, test))]
mod sddl;
pub mod text;

#[cfg(unix)]
#[path = "unix.rs"]
mod system;
#[cfg(windows)]
#[path = "windows/mod.rs"]
mod system;

pub use lock::{FolderLock, Holder, LockError};
pub use private::{
    NewFile, create_private, is_private, make_private_folder, open_private, open_private_append,
    replace_with, sync_folder, write_private,
};
pub use text::{read_secret, read_text};
