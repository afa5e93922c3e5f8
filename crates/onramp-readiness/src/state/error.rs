//! The reason why a state cannot be used.

use std::io;

use super::FORMAT_VERSION;

/// The reason why a state cannot be used. Whoever has one reads everything, and tells it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StateError {
    /// The file is something else.
    #[error("it is no state of a scan")]
    NotAState,
    /// The file has another version of the format.
    #[error("it has version {0} of the format, and this program reads version {FORMAT_VERSION}")]
    Version(u32),
    /// The file is not as it was written.
    #[error("it is damaged: {0}")]
    Damaged(String),
    /// The container of an object is not known, so that nobody would see another name of it.
    #[error("nothing is known about the container of {0}")]
    UnknownContainer(String),
    /// The file cannot be read.
    #[error("it cannot be read: {0}")]
    Io(#[from] io::Error),
}
