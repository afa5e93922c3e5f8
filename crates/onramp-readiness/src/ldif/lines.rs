//! Logical lines: unfolded, without comments.

use std::io::{self, BufRead, Read};

use crate::source::TextReader;

/// The kind of a logical line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Line {
    /// Text, which is never empty.
    Text,
    /// An empty line, which ends a record.
    Empty,
    /// A line that is longer than the limit; it was skipped.
    TooLong,
    /// The end of the input.
    End,
}

pub(super) struct Lines<R> {
    input: TextReader<R>,
    text: Vec<u8>,
    /// Number of the first physical line of the current one, and of the next.
    number: u64,
    next: u64,
}

impl<R: Read> Lines<R> {
    pub(super) fn new(input: R) -> Self {
        Self { input: TextReader::new(input), text: Vec::new(), number: 1, next: 1 }
    }

    /// The current line, without its end.
    pub(super) fn text(&self) -> &[u8] {
        &self.text
    }

    /// The number of the current line; of the first physical one, if it is folded.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// Reads the next logical line.
    pub(super) fn advance(&mut self, limit: usize) -> io::Result<Line> {
        loop {
            self.text.clear();
            // One huge value must not hold its memory until the end of the file.
            self.text.shrink_to(1 << 20);
            self.number = self.next;
            let Some(mut fits) = self.physical(limit)? else { return Ok(Line::End) };
            if self.text.is_empty() {
                return Ok(Line::Empty);
            }
            let is_comment = self.text.first() == Some(&b'#');
            while self.peek()? == Some(b' ') {
                self.input.consume(1);
                if is_comment || !fits {
                    self.text.truncate(1);
                }
                fits &= self.physical(limit)?.unwrap_or(true);
            }
            if !is_comment {
                return Ok(if fits { Line::Text } else { Line::TooLong });
            }
        }
    }

    /// Appends a physical line; true if it fits, `None` at the end of the input. Of a first line that does not fit one
    /// octet stays, which tells a comment.
    fn physical(&mut self, limit: usize) -> io::Result<Option<bool>> {
        let before = self.text.len();
        let room = limit.saturating_sub(before).saturating_add(2);
        let count = (&mut self.input).take(room as u64).read_until(b'\n', &mut self.text)?;
        if count == 0 {
            return Ok(None);
        }
        self.next += 1;
        let ended = self.text.last() == Some(&b'\n');
        if ended {
            self.text.pop();
        } else if count == room {
            self.text.truncate(before.max(1));
            self.skip_line()?;
            return Ok(Some(false));
        }
        if self.text.len() > before && self.text.last() == Some(&b'\r') {
            self.text.pop();
        }
        if self.text.len() > limit {
            self.text.truncate(before.max(1));
            return Ok(Some(false));
        }
        Ok(Some(true))
    }

    /// Skips the rest of a physical line without keeping it.
    fn skip_line(&mut self) -> io::Result<()> {
        loop {
            let buffer = match self.input.fill_buf() {
                Ok(buffer) => buffer,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            let found = buffer.iter().position(|&byte| byte == b'\n');
            let length = found.map_or(buffer.len(), |index| index + 1);
            self.input.consume(length);
            if found.is_some() || length == 0 {
                return Ok(());
            }
        }
    }

    fn peek(&mut self) -> io::Result<Option<u8>> {
        loop {
            match self.input.fill_buf() {
                Ok(buffer) => return Ok(buffer.first().copied()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}
