//! Text of any encoding that programs of Windows save, as UTF-8.

use std::fmt;
use std::io::{self, BufRead, BufReader, Read};

const CHUNK: usize = 64 * 1024;
const HEAD: usize = 8;

/// A reader that turns text into UTF-8 while it is read: UTF-8 with or without a byte order mark, and UTF-16 of either
/// byte order, with a mark or recognized by its first characters.
///
/// Octets of UTF-8 pass unchanged and unchecked: a value of LDIF may hold any, and it is for the reader above to say what
/// is not text. UTF-32, archives, workbooks and other binary files are refused by their name, with an error of the kind
/// [`InvalidData`](io::ErrorKind::InvalidData) that holds an [`EncodingError`]. Memory is bounded.
///
/// ```
/// use std::io::Read;
/// use onramp_readiness::source::TextReader;
/// let mut text = String::new();
/// TextReader::new(&b"\xff\xfed\0n\0:\0"[..]).read_to_string(&mut text)?;
/// assert_eq!(text, "dn:");
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct TextReader<R> {
    input: BufReader<R>,
    encoding: Option<Encoding>,
    /// Octets that were decoded already, and the place of the first that was not given yet.
    decoded: Vec<u8>,
    given: usize,
    /// Octets of UTF-16 that are less than a character.
    undecoded: Vec<u8>,
    line: u64,
}

#[derive(Clone, Copy)]
enum Encoding {
    Utf8,
    Utf16(fn([u8; 2]) -> u16),
}

/// The reason input is not text that can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum EncodingError {
    /// UTF-32.
    Utf32,
    /// UTF-16 with half a character in this line.
    Utf16Broken {
        /// The line, from 1.
        line: u64,
    },
    /// A ZIP archive, or a workbook of Excel.
    Zip,
    /// An old workbook of Excel, or another old document of Office.
    Office,
    /// A compressed file (gzip).
    Gzip,
    /// A PDF document.
    Pdf,
}

impl fmt::Display for EncodingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Utf32 => f.write_str("this is UTF-32: save it as UTF-8"),
            Self::Utf16Broken { line } => {
                write!(f, "this is UTF-16, and broken or cut short in line {line}: save it as UTF-8")
            }
            Self::Zip => f.write_str(
                "this is a ZIP archive or an Excel workbook, not text: unpack it, or save the sheet as \"CSV UTF-8\"",
            ),
            Self::Office => {
                f.write_str("this is an old document of Office, not text: save the sheet as \"CSV UTF-8\"")
            }
            Self::Gzip => f.write_str("this is a compressed file (gzip), not text: unpack it first"),
            Self::Pdf => f.write_str("this is a PDF document, not text: export the objects once more"),
        }
    }
}

impl std::error::Error for EncodingError {}

impl From<EncodingError> for io::Error {
    fn from(error: EncodingError) -> Self {
        Self::new(io::ErrorKind::InvalidData, error)
    }
}

impl<R: Read> TextReader<R> {
    /// Creates a reader over input, which needs no buffer of its own.
    pub fn new(input: R) -> Self {
        Self {
            input: BufReader::with_capacity(CHUNK, input),
            encoding: None,
            decoded: Vec::new(),
            given: 0,
            undecoded: Vec::new(),
            line: 1,
        }
    }

    /// Reads the first octets and decides.
    fn detect(&mut self) -> io::Result<Encoding> {
        let mut head = Vec::with_capacity(HEAD);
        (&mut self.input).take(HEAD as u64).read_to_end(&mut head)?;
        let (encoding, mark) = match head.as_slice() {
            [0xff, 0xfe, 0, 0, ..] | [0, 0, 0xfe, 0xff, ..] => return Err(EncodingError::Utf32.into()),
            [b'P', b'K', 3 | 5, 4 | 6, ..] => return Err(EncodingError::Zip.into()),
            [0xd0, 0xcf, 0x11, 0xe0, ..] => return Err(EncodingError::Office.into()),
            [0x1f, 0x8b, ..] => return Err(EncodingError::Gzip.into()),
            [b'%', b'P', b'D', b'F', b'-', ..] => return Err(EncodingError::Pdf.into()),
            [0xff, 0xfe, ..] => (Encoding::Utf16(u16::from_le_bytes), 2),
            [0xfe, 0xff, ..] => (Encoding::Utf16(u16::from_be_bytes), 2),
            [0xef, 0xbb, 0xbf, ..] => (Encoding::Utf8, 3),
            [1..=255, 0, 1..=255, 0, ..] => (Encoding::Utf16(u16::from_le_bytes), 0),
            [0, 1..=255, 0, 1..=255, ..] => (Encoding::Utf16(u16::from_be_bytes), 0),
            _ => (Encoding::Utf8, 0),
        };
        head.drain(..mark);
        match encoding {
            Encoding::Utf8 => self.decoded = head,
            Encoding::Utf16(_) => self.undecoded = head,
        }
        self.encoding = Some(encoding);
        Ok(encoding)
    }

    /// Fills `decoded` with the next characters; it stays empty at the end of the input.
    fn decode_utf16(&mut self, unit: fn([u8; 2]) -> u16) -> io::Result<()> {
        self.decoded.clear();
        self.given = 0;
        loop {
            let mut used = 0;
            let mut units = self.undecoded.chunks_exact(2).map(|pair| match pair {
                [first, second] => unit([*first, *second]),
                _ => 0,
            });
            while let Some(first) = units.next() {
                let (character, octets) = match first {
                    0xd800..=0xdbff => match units.next() {
                        Some(second) => (char::decode_utf16([first, second]).next(), 4),
                        None => break,
                    },
                    _ => (char::decode_utf16([first]).next(), 2),
                };
                let Some(Ok(character)) = character else {
                    // What stands before it comes first.
                    if used > 0 {
                        break;
                    }
                    return Err(EncodingError::Utf16Broken { line: self.line }.into());
                };
                if character == '\n' {
                    self.line += 1;
                }
                self.decoded.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                used += octets;
            }
            self.undecoded.drain(..used);
            if !self.decoded.is_empty() {
                return Ok(());
            }
            let chunk = self.input.fill_buf()?;
            let length = chunk.len();
            self.undecoded.extend_from_slice(chunk);
            self.input.consume(length);
            if length == 0 {
                return match self.undecoded.is_empty() {
                    true => Ok(()),
                    false => Err(EncodingError::Utf16Broken { line: self.line }.into()),
                };
            }
        }
    }
}

impl<R: Read> BufRead for TextReader<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        let encoding = match self.encoding {
            Some(encoding) => encoding,
            None => self.detect()?,
        };
        if self.given == self.decoded.len() {
            match encoding {
                Encoding::Utf8 => return self.input.fill_buf(),
                Encoding::Utf16(unit) => self.decode_utf16(unit)?,
            }
        }
        Ok(self.decoded.get(self.given..).unwrap_or_default())
    }

    fn consume(&mut self, octets: usize) {
        if self.given < self.decoded.len() {
            self.given = (self.given + octets).min(self.decoded.len());
        } else {
            self.input.consume(octets);
        }
    }
}

impl<R: Read> Read for TextReader<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(out)?;
        self.consume(count);
        Ok(count)
    }
}

impl<R> fmt::Debug for TextReader<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TextReader").finish_non_exhaustive()
    }
}
