//! The reader of a state.

use std::io::{BufRead, Read};

use onramp_core::{AttributeName, ObjectGuid};
use sha2::{Digest, Sha256};
use time::OffsetDateTime;

use super::record::{End, Head, Line};
use super::writer::hexadecimal;
use super::{FORMAT, FORMAT_VERSION, StateContainer, StateError, StateRecord, StateSource};

/// The maximum length of a line, far above that of an object with all of its addresses.
const MAX_LINE: u64 = 64 << 20;

/// A state that is whole, with what has to be known before its records are read again.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ScanState {
    /// The sources.
    pub sources: Vec<StateSource>,
    /// The time of the scan.
    pub written_at: OffsetDateTime,
    /// The groups that have members, each with the number.
    pub groups: Vec<(ObjectGuid, usize)>,
    /// The containers.
    pub containers: Vec<StateContainer>,
    attributes: Vec<AttributeName>,
}

impl ScanState {
    /// Reads a state to its end, and makes sure that it is as it was written. Objects are not kept.
    ///
    /// # Errors
    /// Why it cannot be used.
    pub fn read(input: impl BufRead) -> Result<Self, StateError> {
        let mut lines = Lines { input, text: Vec::new() };
        let mut digest = Sha256::new();
        check_head(lines.next()?.ok_or(StateError::NotAState)?)?;
        digest.update(&lines.text);
        let (mut groups, mut containers) = (Vec::new(), Vec::new());
        let mut end: Option<End> = None;
        while let Some(line) = lines.next()? {
            // Objects are most of the file, and nothing of them is needed here.
            if !line.starts_with(br#"{"o":"#) {
                match parse(line)? {
                    Line::G(guid, _, _, members) => groups.push((guid, members)),
                    Line::C(guid, dn) => containers.push(StateContainer { guid, dn }),
                    Line::End(found) => end = Some(found),
                    Line::Sha256(expected) => {
                        let End { attributes, sources, written_at } =
                            end.ok_or_else(|| damaged("a part is missing"))?;
                        if hexadecimal(&digest.finalize()) != expected {
                            return Err(damaged("its digest is another one"));
                        }
                        if lines.next()?.is_some() {
                            return Err(damaged("there is something after its end"));
                        }
                        return Ok(Self { sources, written_at, groups, containers, attributes });
                    }
                    Line::O(..) | Line::U(_) => {}
                }
            }
            digest.update(&lines.text);
        }
        Err(damaged("its end is missing"))
    }

    /// Returns a source by its name.
    pub fn source(&self, name: &str) -> Option<&StateSource> {
        self.sources.iter().find(|source| source.name == name)
    }

    /// Reads the records of the same state again, one after the other.
    ///
    /// # Errors
    /// Items are errors of the input, or of a file that is not the one that was read before.
    pub fn records<R: BufRead>(
        &self,
        input: R,
    ) -> impl Iterator<Item = Result<StateRecord, StateError>> + use<R> {
        self.lines(input, |_| true)
    }

    /// Reads the users of the tenant again, one after the other.
    ///
    /// # Errors
    /// As of [`records`](Self::records).
    pub fn cloud_users<R: BufRead>(
        &self,
        input: R,
    ) -> impl Iterator<Item = Result<StateRecord, StateError>> + use<R> {
        self.lines(input, |line| line.starts_with(br#"{"u":"#))
    }

    fn lines<R: BufRead>(
        &self,
        input: R,
        is_wanted: fn(&[u8]) -> bool,
    ) -> impl Iterator<Item = Result<StateRecord, StateError>> + use<R> {
        let attributes = self.attributes.clone();
        let mut lines = Lines { input, text: Vec::new() };
        let mut is_head = true;
        let mut read = move || -> Result<Option<StateRecord>, StateError> {
            loop {
                let Some(line) = lines.next()? else { return Err(damaged("its end is missing")) };
                if std::mem::take(&mut is_head) {
                    check_head(line)?;
                    continue;
                }
                let is_end = line.starts_with(br#"{"end":"#);
                if !is_end && !is_wanted(line) {
                    continue;
                }
                return match parse(line)? {
                    Line::End(_) => Ok(None),
                    line => line
                        .into_record(&attributes)
                        .map(Some)
                        .ok_or_else(|| damaged("a line holds something else")),
                };
            }
        };
        let mut is_over = false;
        std::iter::from_fn(move || {
            if is_over {
                return None;
            }
            let item = read().transpose();
            is_over = !matches!(item, Some(Ok(_)));
            item
        })
    }
}

/// The lines of a file, of which one is kept.
struct Lines<R> {
    input: R,
    text: Vec<u8>,
}

impl<R: BufRead> Lines<R> {
    /// Returns the next line with its end.
    fn next(&mut self) -> Result<Option<&[u8]>, StateError> {
        self.text.clear();
        let read = self.input.by_ref().take(MAX_LINE).read_until(b'\n', &mut self.text)?;
        match self.text.last() {
            None if read == 0 => Ok(None),
            Some(b'\n') => Ok(Some(&self.text)),
            _ => Err(damaged("a line is cut off")),
        }
    }
}

fn check_head(line: &[u8]) -> Result<(), StateError> {
    let head: Head<'_> = serde_json::from_slice(line).map_err(|_| StateError::NotAState)?;
    match head.format_version {
        _ if head.format != FORMAT => Err(StateError::NotAState),
        FORMAT_VERSION => Ok(()),
        other => Err(StateError::Version(other)),
    }
}

fn parse(line: &[u8]) -> Result<Line<'static>, StateError> {
    // The message of the parser may quote a value.
    serde_json::from_slice(line).map_err(|_| damaged("a line holds something else"))
}

fn damaged(why: &str) -> StateError {
    StateError::Damaged(why.to_owned())
}
