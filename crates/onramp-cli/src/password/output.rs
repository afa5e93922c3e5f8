//! Output to a reader that may have closed the pipe.

use std::io::{self, Write};

use onramp_core::{Error, ErrorKind, Result};

/// Returns `None` if the reader has closed the pipe, which is no error.
///
/// # Errors
/// Every other error of writing.
pub(super) fn written<T>(result: io::Result<T>) -> Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(None),
        Err(error) => {
            Err(Error::new(ErrorKind::Unavailable, "write to standard output").with_detail(error.to_string()))
        }
    }
}

/// Writes a value as one line of JSON.
pub(super) fn print(out: &mut impl Write, value: &impl serde::Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *out, value)?;
    writeln!(out)
}
