//! Where candidates come from: typed at a terminal without echo, or from a file or a pipe, one on a line. Every buffer
//! that held one is wiped.

use std::fs::File;
use std::io::{self, Read, Write};

use zeroize::{Zeroize, Zeroizing};

/// A longer line is no password, and is passed over without being kept.
const MAX_LINE: usize = 64 * 1024;

/// What stands on one line.
#[derive(Debug)]
#[allow(clippy::exhaustive_enums)] // a line is one of these
pub enum Line {
    /// Text.
    Text(Zeroizing<String>),
    /// Bytes that are not UTF-8.
    NotText,
    /// More than any password has.
    TooLong,
}

/// Reads lines, without the end of line, and keeps none of them.
#[derive(Debug)]
pub struct Lines<R> {
    source: R,
    block: Zeroizing<Vec<u8>>,
    start: usize,
    end: usize,
}

impl<R: Read> Lines<R> {
    /// The lines of a source.
    pub fn new(source: R) -> Self {
        Self { source, block: Zeroizing::new(vec![0; MAX_LINE]), start: 0, end: 0 }
    }

    /// The next line; `None` at the end.
    ///
    /// # Errors
    /// When the source cannot be read.
    pub fn next_line(&mut self) -> io::Result<Option<Line>> {
        // Reserved at once: a buffer that grows would leave copies behind.
        let mut line = Zeroizing::new(Vec::with_capacity(MAX_LINE));
        let (mut any, mut too_long) = (false, false);
        loop {
            if self.start == self.end {
                self.start = 0;
                self.end = self.source.read(&mut self.block)?;
                if self.end == 0 {
                    break;
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
        if !any {
            return Ok(None);
        }
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        Ok(Some(match String::from_utf8(std::mem::take(&mut *line)) {
            _ if too_long => Line::TooLong,
            Ok(text) => Line::Text(Zeroizing::new(text)),
            Err(error) => {
                error.into_bytes().zeroize();
                Line::NotText
            }
        }))
    }
}

/// Standard input without a buffer that would keep what was read.
///
/// # Errors
/// When there is none.
#[cfg(unix)]
pub fn standard_input() -> io::Result<File> {
    use std::os::fd::AsFd;
    Ok(File::from(io::stdin().as_fd().try_clone_to_owned()?))
}

/// Standard input without a buffer that would keep what was read.
///
/// # Errors
/// When there is none.
#[cfg(windows)]
pub fn standard_input() -> io::Result<File> {
    use std::os::windows::io::AsHandle;
    Ok(File::from(io::stdin().as_handle().try_clone_to_owned()?))
}

/// Asks for a password at the terminal and does not show what is typed. `None` when the person gives up with Ctrl-C or
/// Ctrl-D.
///
/// # Errors
/// When there is no terminal.
#[cfg(unix)]
pub fn ask(prompt: &str) -> io::Result<Option<Zeroizing<String>>> {
    use nix::sys::termios::{LocalFlags, SetArg, SpecialCharacterIndices, tcgetattr, tcsetattr};

    let mut terminal = File::options().read(true).write(true).open("/dev/tty")?;
    let before = tcgetattr(&terminal)?;
    let mut silent = before.clone();
    // Ctrl-C comes as a character, so that the echo is switched on again before the program ends.
    silent.local_flags.remove(LocalFlags::ECHO | LocalFlags::ISIG);
    // And at once: a terminal gives a program what was typed only at the end of a line, so Ctrl-C ends one too.
    if let Some(end) = silent.control_chars.get_mut(SpecialCharacterIndices::VEOL as usize) {
        *end = GIVES_UP;
    }
    tcsetattr(&terminal, SetArg::TCSAFLUSH, &silent)?;
    // After what was typed ahead is forgotten.
    let typed = write!(terminal, "{prompt}").and_then(|()| type_line(&mut terminal));
    tcsetattr(&terminal, SetArg::TCSAFLUSH, &before)?;
    writeln!(terminal)?;
    typed
}

/// Asks for a password at the terminal and does not show what is typed.
///
/// # Errors
/// Always: use `--stdin`.
#[cfg(not(unix))]
pub fn ask(_prompt: &str) -> io::Result<Option<Zeroizing<String>>> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "typing without echo is not supported here; use --stdin"))
}

/// Ctrl-C.
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
