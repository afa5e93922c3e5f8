//! The readers and writers of files, through the public API, in one binary.

// Helpers of tests may fail loudly, as tests themselves may.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod attribute_map;
mod csv;
mod graph_json;
mod idfix_files;
mod ldif_programs;
mod ldif_reader;
mod ldif_writer;
mod text;

use std::io::{self, Read};

/// Input that comes in small pieces, and is interrupted before each.
struct Trickle<'a> {
    rest: &'a [u8],
    piece: usize,
    interrupted: bool,
}

impl<'a> Trickle<'a> {
    fn new(bytes: &'a [u8], piece: usize) -> Self {
        Self { rest: bytes, piece, interrupted: false }
    }
}

impl Read for Trickle<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.interrupted = !self.interrupted;
        if self.interrupted {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let count = self.piece.min(self.rest.len()).min(out.len());
        let (given, rest) = self.rest.split_at(count);
        out[..count].copy_from_slice(given);
        self.rest = rest;
        Ok(count)
    }
}

/// Text as UTF-16 with a byte order mark.
fn utf16(text: &str, bytes_of: fn(u16) -> [u8; 2]) -> Vec<u8> {
    std::iter::once(0xfeff).chain(text.encode_utf16()).flat_map(bytes_of).collect()
}
