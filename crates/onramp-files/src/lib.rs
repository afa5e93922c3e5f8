#![doc = include_str!("../README.md")]

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
