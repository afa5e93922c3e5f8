//! The writer of a state.

use std::borrow::Cow;
use std::fmt;
use std::io::{self, Write};

use onramp_core::AttributeName;
use serde::Serialize;
use sha2::{Digest, Sha256};
use time::OffsetDateTime;

use super::record::{End, Head, Line};
use super::{FORMAT, FORMAT_VERSION, StateRecord, StateSource};

/// The writer of a state: one record after the other, of which it keeps nothing, in any order.
///
/// The file holds names and addresses of people, so it should be one that only its owner can read. What was not finished is
/// refused by [`ScanState::read`](super::ScanState::read).
pub struct StateWriter<W> {
    out: W,
    digest: Sha256,
    attributes: Vec<AttributeName>,
}

impl<W: Write> StateWriter<W> {
    /// Begins a state.
    ///
    /// # Errors
    /// Those of the output.
    pub fn new(out: W) -> io::Result<Self> {
        let mut writer = Self { out, digest: Sha256::new(), attributes: Vec::new() };
        writer.line(&Head { format: Cow::Borrowed(FORMAT), format_version: FORMAT_VERSION })?;
        Ok(writer)
    }

    /// Writes a record.
    ///
    /// # Errors
    /// Those of the output; `InvalidInput` for an object without a GUID.
    pub fn write(&mut self, record: &StateRecord) -> io::Result<()> {
        let line = Line::of(record, &mut self.attributes)
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "an object without a GUID"))?;
        self.line(&line)
    }

    /// Ends the state with its sources and the time.
    ///
    /// # Errors
    /// Those of the output.
    pub fn finish(mut self, sources: Vec<StateSource>, written_at: OffsetDateTime) -> io::Result<W> {
        let attributes = std::mem::take(&mut self.attributes);
        self.line(&Line::End(End { attributes, sources, written_at }))?;
        let digest = hexadecimal(&std::mem::take(&mut self.digest).finalize());
        self.line(&Line::Sha256(digest))?;
        Ok(self.out)
    }

    fn line(&mut self, line: &impl Serialize) -> io::Result<()> {
        let mut text = serde_json::to_vec(line)?;
        text.push(b'\n');
        self.digest.update(&text);
        self.out.write_all(&text)
    }
}

impl<W> fmt::Debug for StateWriter<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StateWriter").field("attributes", &self.attributes).finish_non_exhaustive()
    }
}

pub(super) fn hexadecimal(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}
