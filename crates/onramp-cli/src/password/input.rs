//! The input of candidates: typed at a terminal without echo, or from a file or a pipe, one on a line. Every buffer
//! that held a candidate is wiped.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use onramp_core::{Error, ErrorKind, Result};
use zeroize::{Zeroize, Zeroizing};

/// The maximum length of a line in bytes. A longer line is skipped and not kept.
const MAX_LINE: usize = 64 * 1024;

/// The byte, invalid in UTF-8, that replaces an invalid unit of UTF-16.
const NO_CHARACTER: &[u8] = &[0xFF];

/// Decodes a text file as programs save it: UTF-8 with or without a byte order mark, or UTF-16 with one.
///
/// # Errors
/// A message that says in which encoding the text probably is, and to save it as UTF-8.
pub(super) fn decode(bytes: &[u8]) -> std::result::Result<String, &'static str> {
    const OTHER: &str = "it is not UTF-8, but probably saved in a code page of Windows; save it as UTF-8";
    const UTF16: &str = "it is saved as UTF-16 without a byte order mark, or is no text; save it as UTF-8";
    const BROKEN: &str = "it begins as UTF-16 does and is damaged; save it as UTF-8";
    let text = match Encoding::of(bytes) {
        Some(encoding) if encoding.wide() => {
            let units = bytes.get(encoding.mark()..).unwrap_or_default().chunks(2);
            let units = units.map(|pair| encoding.unit(pair)).collect::<Option<Vec<u16>>>().ok_or(BROKEN)?;
            String::from_utf16(&units).map_err(|_| BROKEN)?
        }
        encoding => {
            let text = bytes.get(encoding.map_or(0, Encoding::mark)..).unwrap_or_default();
            std::str::from_utf8(text).map_err(|_| if bytes.contains(&0) { UTF16 } else { OTHER })?.to_owned()
        }
    };
    if text.contains('\0') { Err(UTF16) } else { Ok(text) }
}

/// Reads a text file as [`decode`] does.
///
/// # Errors
/// If it cannot be read, or is not text.
pub(super) fn read_text(path: &Path) -> Result<String> {
    let failed = |kind, detail: String| {
        Error::new(kind, "read the file").with_object(path.display()).with_detail(detail)
    };
    let bytes = fs::read(path).map_err(|error| failed(ErrorKind::NotFound, error.to_string()))?;
    decode(&bytes).map_err(|detail| failed(ErrorKind::Invalid, detail.to_owned()))
}

/// The encoding that a byte order mark at the beginning indicates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Encoding {
    Utf8,
    Utf16Little,
    Utf16Big,
}

impl Encoding {
    const ALL: [(&[u8], Self); 3] = [
        (&[0xEF, 0xBB, 0xBF], Self::Utf8),
        (&[0xFF, 0xFE], Self::Utf16Little),
        (&[0xFE, 0xFF], Self::Utf16Big),
    ];

    fn of(bytes: &[u8]) -> Option<Self> {
        Self::ALL.into_iter().find(|(mark, _)| bytes.starts_with(mark)).map(|(_, encoding)| encoding)
    }

    /// Returns true if these bytes may be the beginning of a mark.
    fn begins(bytes: &[u8]) -> bool {
        Self::ALL.into_iter().any(|(mark, _)| bytes.len() < mark.len() && mark.starts_with(bytes))
    }

    /// Returns the length of the mark.
    fn mark(self) -> usize {
        Self::ALL.into_iter().find(|(_, one)| *one == self).map_or(0, |(mark, _)| mark.len())
    }

    fn wide(self) -> bool {
        self != Self::Utf8
    }

    fn unit(self, pair: &[u8]) -> Option<u16> {
        let pair = pair.try_into().ok()?;
        Some(if self == Self::Utf16Big { u16::from_be_bytes(pair) } else { u16::from_le_bytes(pair) })
    }
}

/// The content of one line.
#[derive(Debug)]
#[allow(clippy::exhaustive_enums)] // a line is one of these
pub(super) enum Line {
    /// Text.
    Text(Zeroizing<String>),
    /// Bytes that are not UTF-8, or that contain NUL, as UTF-16 without a mark does.
    NotText,
    /// A line that is too long for a password.
    TooLong,
}

/// A reader of lines without their line ends, which keeps none of them. A byte order mark is not part of the first
/// line; after a UTF-16 mark, the text is read as UTF-16.
#[derive(Debug)]
pub(super) struct Lines<R> {
    source: R,
    block: Zeroizing<Vec<u8>>,
    start: usize,
    end: usize,
    /// The encoding of the mark, known once the first bytes were read.
    encoding: Option<Encoding>,
    begun: bool,
    number: u64,
}

impl<R: Read> Lines<R> {
    /// Returns a reader of the lines of a source.
    pub(super) fn new(source: R) -> Self {
        let block = Zeroizing::new(vec![0; MAX_LINE]);
        Self { source, block, start: 0, end: 0, encoding: None, begun: false, number: 0 }
    }

    /// Returns the number of the last line that was read, from 1.
    #[must_use]
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// Reads the next block, and skips a byte order mark at the beginning.
    fn fill(&mut self) -> io::Result<()> {
        (self.start, self.end) = (0, self.source.read(&mut self.block)?);
        if self.begun {
            return Ok(());
        }
        self.begun = true;
        // Waits for no more bytes than a mark can have, because the sender may wait for an answer to each line.
        while self.end > 0 && Encoding::begins(self.block.get(..self.end).unwrap_or_default()) {
            let read = self.source.read(self.block.get_mut(self.end..).unwrap_or_default())?;
            if read == 0 {
                break;
            }
            self.end += read;
        }
        self.encoding = Encoding::of(self.block.get(..self.end).unwrap_or_default());
        self.start = self.encoding.map_or(0, Encoding::mark);
        Ok(())
    }

    /// Reads the next byte; `None` at the end.
    fn byte(&mut self) -> io::Result<Option<u8>> {
        while self.start == self.end {
            self.fill()?;
            if self.end == 0 {
                return Ok(None);
            }
        }
        self.start += 1;
        Ok(self.block.get(self.start - 1).copied())
    }

    /// Reads the next line of UTF-16 as UTF-8, and returns whether it was too long; `None` at the end.
    fn wide_line(&mut self, encoding: Encoding, line: &mut Vec<u8>) -> io::Result<Option<bool>> {
        let (mut any, mut too_long, mut high) = (false, false, None);
        let mut encoded = Zeroizing::new([0; 4]);
        let mut put = |piece: &[u8]| {
            too_long |= line.len() + piece.len() > MAX_LINE;
            if !too_long {
                line.extend_from_slice(piece);
            }
        };
        while let Some(first) = self.byte()? {
            any = true;
            let Some(second) = self.byte()? else {
                put(NO_CHARACTER);
                break;
            };
            let unit = encoding.unit(&[first, second]).unwrap_or_default();
            if unit == u16::from(b'\n') {
                break;
            }
            if (0xD800..0xDC00).contains(&unit) {
                // The second half of the pair should follow; a first half alone is invalid.
                if high.replace(unit).is_some() {
                    put(NO_CHARACTER);
                }
                continue;
            }
            for c in char::decode_utf16(high.take().into_iter().chain([unit])) {
                put(c.map_or(NO_CHARACTER, |c| c.encode_utf8(&mut *encoded).as_bytes()));
            }
        }
        if high.is_some() {
            put(NO_CHARACTER);
        }
        Ok(any.then_some(too_long))
    }

    /// Reads the next line of UTF-8, and returns whether it was too long; `None` at the end.
    fn narrow_line(&mut self, line: &mut Vec<u8>) -> io::Result<Option<bool>> {
        let (mut any, mut too_long) = (false, false);
        loop {
            if self.start == self.end {
                self.fill()?;
                if self.end == 0 {
                    break;
                }
                if self.start == self.end {
                    continue;
                }
            }
            any = true;
            let rest = self.block.get(self.start..self.end).unwrap_or_default();
            let ends = rest.iter().position(|&byte| byte == b'\n');
            let piece = rest.get(..ends.unwrap_or(rest.len())).unwrap_or_default();
            if line.len() + piece.len() <= MAX_LINE {
                line.extend_from_slice(piece);
            } else {
                too_long = true;
            }
            self.start += piece.len() + usize::from(ends.is_some());
            if ends.is_some() {
                break;
            }
        }
        Ok(any.then_some(too_long))
    }

    /// Reads the next line; `None` at the end.
    ///
    /// # Errors
    /// If the source cannot be read.
    pub(super) fn next_line(&mut self) -> io::Result<Option<Line>> {
        // Reserved at once, because a buffer that grows would leave copies behind.
        let mut line = Zeroizing::new(Vec::with_capacity(MAX_LINE));
        if !self.begun {
            self.fill()?;
        }
        let read = match self.encoding.filter(|encoding| encoding.wide()) {
            Some(encoding) => self.wide_line(encoding, &mut line)?,
            None => self.narrow_line(&mut line)?,
        };
        let Some(too_long) = read else { return Ok(None) };
        self.number += 1;
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        Ok(Some(match String::from_utf8(std::mem::take(&mut *line)) {
            _ if too_long => Line::TooLong,
            Ok(mut text) if text.contains('\0') => {
                text.zeroize();
                Line::NotText
            }
            Ok(text) => Line::Text(Zeroizing::new(text)),
            Err(error) => {
                error.into_bytes().zeroize();
                Line::NotText
            }
        }))
    }
}

/// Returns standard input without a buffer that would keep what was read.
///
/// # Errors
/// If there is none.
#[cfg(unix)]
pub(super) fn standard_input() -> io::Result<File> {
    use std::os::fd::AsFd;
    Ok(File::from(io::stdin().as_fd().try_clone_to_owned()?))
}

/// Returns standard input without a buffer that would keep what was read.
///
/// # Errors
/// If there is none.
#[cfg(windows)]
pub(super) fn standard_input() -> io::Result<File> {
    use std::os::windows::io::AsHandle;
    Ok(File::from(io::stdin().as_handle().try_clone_to_owned()?))
}

/// Asks for a password at the terminal and does not show it. Returns `None` if the person gives up with Ctrl-C or
/// Ctrl-D.
///
/// # Errors
/// If there is no terminal.
#[cfg(unix)]
pub(super) fn ask(prompt: &str) -> io::Result<Option<Zeroizing<String>>> {
    use std::io::Write;

    use nix::sys::termios::{LocalFlags, SetArg, SpecialCharacterIndices, tcgetattr, tcsetattr};

    let mut terminal = File::options().read(true).write(true).open("/dev/tty")?;
    let before = tcgetattr(&terminal)?;
    let mut silent = before.clone();
    // Ctrl-C comes as a character, so that the echo is switched on again before the program ends.
    silent.local_flags.remove(LocalFlags::ECHO | LocalFlags::ISIG);
    // A terminal passes input on only at the end of a line, so Ctrl-C ends a line too.
    if let Some(end) = silent.control_chars.get_mut(SpecialCharacterIndices::VEOL as usize) {
        *end = GIVES_UP;
    }
    tcsetattr(&terminal, SetArg::TCSAFLUSH, &silent)?;
    // By now, input typed before the prompt is discarded.
    let typed = write!(terminal, "{prompt}").and_then(|()| type_line(&mut terminal));
    tcsetattr(&terminal, SetArg::TCSAFLUSH, &before)?;
    writeln!(terminal)?;
    typed
}

/// Asks for a password at the terminal and does not show it. Returns `None` if the person gives up with Ctrl-C.
///
/// # Errors
/// If there is no terminal.
#[cfg(windows)]
pub(super) fn ask(prompt: &str) -> io::Result<Option<Zeroizing<String>>> {
    match rpassword::prompt_password(prompt) {
        Ok(typed) => Ok(Some(Zeroizing::new(typed))),
        Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(None),
        Err(error) => Err(error),
    }
}

/// The character of Ctrl-C, which ends the input of a password.
#[cfg(unix)]
const GIVES_UP: u8 = 3;

#[cfg(unix)]
fn type_line(terminal: &mut File) -> io::Result<Option<Zeroizing<String>>> {
    let mut block = Zeroizing::new(vec![0; MAX_LINE]);
    let mut typed = Zeroizing::new(Vec::with_capacity(MAX_LINE));
    loop {
        let read = terminal.read(&mut block)?;
        let piece = block.get(..read).unwrap_or_default();
        if piece.is_empty() || piece.contains(&GIVES_UP) {
            return Ok(None);
        }
        let room = MAX_LINE - typed.len();
        typed.extend(piece.iter().take(room));
        if piece.last() == Some(&b'\n') {
            typed.pop();
            let text = String::from_utf8(std::mem::take(&mut *typed)).map_err(|error| {
                error.into_bytes().zeroize();
                io::Error::new(io::ErrorKind::InvalidData, "what was typed is not UTF-8")
            })?;
            return Ok(Some(Zeroizing::new(text)));
        }
    }
}
