//! Writing to whoever may have stopped reading.

use std::io;

use onramp_core::{Error, ErrorKind, Result};

/// `None` when nobody reads what is written any more, which is no error.
///
/// # Errors
/// What else can go wrong.
pub fn written<T>(result: io::Result<T>) -> Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(None),
        Err(error) => {
            Err(Error::new(ErrorKind::Unavailable, "write to standard output").with_detail(error.to_string()))
        }
    }
}
