//! Physical lines, bounded.

use std::io::{self, BufRead, Read};

/// A line with its end.
pub(super) struct Physical {
    pub(super) number: u64,
    pub(super) octets: Vec<u8>,
    /// True if the line is longer than the limit; the rest of it was skipped.
    pub(super) is_cut: bool,
}

pub(super) struct PhysicalLines<R> {
    input: R,
    limit: u64,
    number: u64,
}

impl<R: BufRead> PhysicalLines<R> {
    pub(super) fn new(input: R) -> Self {
        Self { input, limit: u64::MAX, number: 0 }
    }

    pub(super) fn with_limit(mut self, octets: usize) -> Self {
        self.limit = octets as u64;
        self
    }

    /// The number of the line that was read last.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    pub(super) fn next(&mut self) -> io::Result<Option<Physical>> {
        let mut octets = Vec::new();
        if (&mut self.input).take(self.limit).read_until(b'\n', &mut octets)? == 0 {
            return Ok(None);
        }
        self.number += 1;
        let is_cut =
            octets.last() != Some(&b'\n') && octets.len() as u64 == self.limit && self.skip_line()?;
        Ok(Some(Physical { number: self.number, octets, is_cut }))
    }

    /// Skips up to the end of the line; true if anything but the end was there.
    fn skip_line(&mut self) -> io::Result<bool> {
        let mut skipped = 0;
        loop {
            let mut part = Vec::new();
            let count = (&mut self.input).take(64 * 1024).read_until(b'\n', &mut part)?;
            skipped += part.iter().filter(|byte| !b"\r\n".contains(byte)).count();
            if count == 0 || part.last() == Some(&b'\n') {
                return Ok(skipped > 0);
            }
        }
    }
}
