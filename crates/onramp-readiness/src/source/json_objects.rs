//! The objects in a stream of JSON: their octets, one after the other, without a tree of the whole.

use std::io::{self, BufRead};

use super::{Limits, SourceError, SourceErrorKind};

/// Most arrays and pages inside of each other.
const MOST_CONTAINERS: usize = 8;

/// A place whose values are objects, or further containers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Container {
    Array,
    /// The array `value` of a page; an object ends behind it.
    Page,
}

/// The octets of an object, and its first line.
pub(crate) struct JsonObject {
    pub(crate) octets: Vec<u8>,
    pub(crate) line: u64,
}

pub(crate) struct JsonObjects<R> {
    input: R,
    limits: Limits,
    line: u64,
    containers: Vec<Container>,
    /// Line of the last page that names a further one.
    more: Option<u64>,
    has_ended: bool,
}

/// The end of a scan through an object.
enum Scanned {
    Whole,
    /// The array of a page began.
    Page,
    /// A line began with another object, so this one is not whole.
    Cut,
    End,
}

impl<R: BufRead> JsonObjects<R> {
    pub(crate) fn new(input: R) -> Self {
        let limits = Limits::default();
        Self { input, limits, line: 1, containers: Vec::new(), more: None, has_ended: false }
    }

    pub(super) fn set_limits(&mut self, limits: Limits) {
        self.limits = limits;
    }

    pub(crate) fn next(&mut self) -> Option<Result<JsonObject, SourceError>> {
        if self.has_ended {
            return None;
        }
        let result = self.advance();
        match &result {
            Ok(None) => self.has_ended = true,
            Err(error) if error.is_fatal() => self.has_ended = true,
            _ => {}
        }
        result.transpose()
    }

    fn advance(&mut self) -> Result<Option<JsonObject>, SourceError> {
        loop {
            let Some(byte) = self.peek()? else {
                self.has_ended = true;
                return self.end();
            };
            match byte {
                b'{' => {
                    if let Some(object) = self.object()? {
                        return Ok(Some(object));
                    }
                }
                b'[' if self.containers.len() < MOST_CONTAINERS => {
                    self.consume(byte);
                    self.containers.push(Container::Array);
                }
                b']' if !self.containers.is_empty() => {
                    self.consume(byte);
                    if self.containers.pop() == Some(Container::Page) {
                        self.rest_of_page()?;
                    }
                }
                b',' | b' ' | b'\t' | b'\r' | b'\n' | 0x1e => self.consume(byte),
                _ => {
                    let line = self.line;
                    self.skip_value()?;
                    let detail = "an object `{…}` is expected here: the file is an array of objects, pages of Microsoft \
                                  Graph (`{\"value\": […]}`), or an object in each line";
                    return Err(SourceError::new(SourceErrorKind::Syntax, line, detail));
                }
            }
        }
    }

    fn end(&mut self) -> Result<Option<JsonObject>, SourceError> {
        if !self.containers.is_empty() {
            let detail = "the file ends inside of an array: it was cut short";
            return Err(SourceError::new(SourceErrorKind::Incomplete, self.line, detail));
        }
        match self.more {
            Some(line) => Err(SourceError::new(
                SourceErrorKind::Incomplete,
                line,
                "the last page names a further one (`@odata.nextLink`), which the file does not have: objects are missing",
            )),
            None => Ok(None),
        }
    }

    /// Reads an object; `None` for a page, whose objects follow.
    fn object(&mut self) -> Result<Option<JsonObject>, SourceError> {
        let line = self.line;
        let mut octets = Vec::new();
        let is_in_lines = self.containers.is_empty();
        let (scanned, fits) = self.scan(&mut octets, 0, is_in_lines)?;
        let fail = |kind, detail: String| Err(SourceError::new(kind, line, detail));
        match scanned {
            Scanned::Page if self.containers.len() >= MOST_CONTAINERS => {
                fail(SourceErrorKind::Syntax, "pages stand too deep inside of each other".to_owned())
            }
            Scanned::Page => {
                // A link stands before the objects in what Graph sends.
                self.more = octets.windows(NEXT.len()).any(|part| part == NEXT).then_some(line);
                self.containers.push(Container::Page);
                Ok(None)
            }
            Scanned::Cut => fail(SourceErrorKind::Syntax, "the object of this line is not closed".to_owned()),
            Scanned::End => fail(
                SourceErrorKind::Syntax,
                "the object that begins here is not closed; nothing behind it was read".to_owned(),
            ),
            Scanned::Whole if !fits => fail(
                SourceErrorKind::TooLong,
                format!(
                    "the object is longer than {} octets; raise the limit if it is right",
                    self.limits.record
                ),
            ),
            Scanned::Whole => Ok(Some(JsonObject { octets, line })),
        }
    }

    /// Reads what follows the array of a page.
    fn rest_of_page(&mut self) -> Result<(), SourceError> {
        let mut octets = Vec::new();
        let line = self.line;
        let (scanned, _) = self.scan(&mut octets, 1, false)?;
        if octets.windows(NEXT.len()).any(|part| part == NEXT) {
            self.more = Some(line);
        }
        match scanned {
            Scanned::Whole => Ok(()),
            _ => {
                self.has_ended = true;
                Err(SourceError::new(
                    SourceErrorKind::Incomplete,
                    line,
                    "the file ends inside of a page: it was cut short",
                ))
            }
        }
    }

    /// Reads up to the end of the object that is open `depth` levels; true if all of it is in `octets`.
    fn scan(
        &mut self,
        octets: &mut Vec<u8>,
        mut depth: usize,
        is_in_lines: bool,
    ) -> Result<(Scanned, bool), SourceError> {
        let begins = depth == 0;
        let mut in_string = false;
        let mut escaped = false;
        // The last string of the outermost object, and whether a colon came after it.
        let mut string = 0..0;
        let mut is_key = false;
        let mut before = b' ';
        let mut fits = true;
        // Short values take more memory than they are long.
        let mut weight = 0;
        loop {
            let chunk = match self.input.fill_buf() {
                Ok(chunk) => chunk,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(SourceError::io(self.line, error)),
            };
            if chunk.is_empty() {
                return Ok((Scanned::End, fits));
            }
            let mut used = 0;
            let mut found = None;
            for &byte in chunk {
                if byte == b'{'
                    && is_in_lines
                    && before == b'\n'
                    && depth > 0
                    && (in_string || !matches!(last_of(octets), b':' | b',' | b'[' | b'{'))
                {
                    found = Some(Scanned::Cut);
                    break;
                }
                used += 1;
                before = byte;
                if byte == b'\n' {
                    self.line += 1;
                }
                let place = octets.len();
                if place + weight < self.limits.record {
                    octets.push(byte);
                } else {
                    fits = false;
                }
                if in_string {
                    match byte {
                        _ if escaped => escaped = false,
                        b'\\' => escaped = true,
                        b'"' => {
                            in_string = false;
                            if depth == 1 {
                                string.end = place + 1;
                            }
                        }
                        _ => {}
                    }
                    continue;
                }
                if matches!(byte, b',' | b'[' | b'{') {
                    weight += 64;
                }
                match byte {
                    b' ' | b'\t' | b'\r' | b'\n' => continue,
                    b'"' => {
                        in_string = true;
                        if depth == 1 {
                            string = place..place;
                        }
                    }
                    b':' if depth == 1 => {
                        is_key = true;
                        continue;
                    }
                    b'[' if begins
                        && depth == 1
                        && is_key
                        && octets.get(string.clone()) == Some(b"\"value\"") =>
                    {
                        found = Some(Scanned::Page);
                        break;
                    }
                    b'{' | b'[' => depth += 1,
                    b'}' | b']' => {
                        depth = depth.saturating_sub(1);
                        if depth == 0 {
                            found = Some(Scanned::Whole);
                            break;
                        }
                    }
                    _ => {}
                }
                is_key = false;
            }
            self.input.consume(used);
            if let Some(found) = found {
                return Ok((found, fits));
            }
        }
    }

    /// Skips a value that is no object, at least one octet of it.
    fn skip_value(&mut self) -> Result<(), SourceError> {
        let mut is_first = true;
        while let Some(byte) = self.peek()? {
            if byte == b'\n' || (!is_first && !self.containers.is_empty() && matches!(byte, b',' | b']')) {
                return Ok(());
            }
            is_first = false;
            self.consume(byte);
        }
        Ok(())
    }

    fn peek(&mut self) -> Result<Option<u8>, SourceError> {
        loop {
            match self.input.fill_buf() {
                Ok(buffer) => return Ok(buffer.first().copied()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(SourceError::io(self.line, error)),
            }
        }
    }

    fn consume(&mut self, byte: u8) {
        if byte == b'\n' {
            self.line += 1;
        }
        self.input.consume(1);
    }
}

/// The key of a page that is not the last one.
const NEXT: &[u8] = b"\"@odata.nextLink\"";

/// The last octet that is no white space.
fn last_of(octets: &[u8]) -> u8 {
    octets.iter().rev().copied().find(|byte| !byte.is_ascii_whitespace()).unwrap_or(b' ')
}
