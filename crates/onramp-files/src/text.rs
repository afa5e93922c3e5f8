//! Text as programs save it: UTF-8 or UTF-16, or refused by the name of what it is.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use zeroize::Zeroizing;

const MARK: char = '\u{feff}';

/// Decodes a text file: UTF-8 with or without a byte order mark, or UTF-16 with one. The mark is no part of the text; line
/// ends stay as they are.
///
/// # Errors
/// Every other kind of file, by its name.
///
/// # Examples
/// ```
/// use onramp_files::text::{TextError, decode};
///
/// assert_eq!(decode(b"\xff\xfeh\0i\0").as_deref(), Ok("hi"));
/// assert_eq!(decode(b"PK\x03\x04\x14\0"), Err(TextError::Zip));
/// assert_eq!(decode(b"caf\xe9\r\n"), Err(TextError::CodePage { line: 1, column: 4 }));
/// ```
pub fn decode(bytes: &[u8]) -> Result<String, TextError> {
    let mut text = String::new();
    decode_into(bytes, &mut text)?;
    Ok(text)
}

/// Decodes a secret: as [`decode`], without one line break at the end, and wiped when it is dropped. No other copy is left in
/// memory, and no error repeats any part of it.
///
/// # Errors
/// As of [`decode`], and a byte order mark inside: it cannot be seen and would be taken for a part of the secret.
pub fn decode_secret(bytes: &[u8]) -> Result<Zeroizing<String>, TextError> {
    let mut text = Zeroizing::new(String::new());
    decode_into(bytes, &mut text)?;
    let length = ["\r\n", "\n", "\r"].iter().find_map(|end| text.strip_suffix(end)).unwrap_or(&text).len();
    text.truncate(length);
    if let Some((before, _)) = text.split_once(MARK) {
        let (line, column) = position(before);
        return Err(TextError::MarkInside { line, column });
    }
    Ok(text)
}

/// Reads a text file as [`decode`] does.
///
/// # Errors
/// Those of the file system, and what is no text as [`io::ErrorKind::InvalidData`] with a [`TextError`] in its message; both name
/// the file.
pub fn read_text(path: impl AsRef<Path>) -> io::Result<String> {
    let path = path.as_ref();
    let bytes = std::fs::read(path).map_err(|error| named(path, &error))?;
    decode(&bytes).map_err(|error| no_text(path, &error))
}

/// Reads a secret from a file as [`decode_secret`] does, of a million bytes at most.
///
/// # Errors
/// As of [`read_text`].
pub fn read_secret(path: impl AsRef<Path>) -> io::Result<Zeroizing<String>> {
    const MOST: usize = 1_000_000;
    let path = path.as_ref();
    let mut file = File::open(path).map_err(|error| named(path, &error))?;
    // Never grown, because what is moved elsewhere leaves a copy behind; a pipe does not tell its length.
    let length = file.metadata().map_or(0, |metadata| metadata.len());
    let fits = usize::try_from(length).unwrap_or(usize::MAX).min(MOST);
    let mut bytes = Zeroizing::new(vec![0; if fits == 0 { MOST } else { fits } + 1]);
    let mut filled = 0;
    while let Some(free) = bytes.get_mut(filled..).filter(|free| !free.is_empty()) {
        match file.read(free) {
            Ok(0) => {
                return decode_secret(bytes.get(..filled).unwrap_or_default())
                    .map_err(|error| no_text(path, &error));
            }
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(named(path, &error)),
        }
    }
    let message = format!("{}: too long for a secret, or written at this moment", path.display());
    Err(io::Error::new(io::ErrorKind::InvalidData, message))
}

fn named(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

fn no_text(path: &Path, error: &TextError) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("{}: {error}", path.display()))
}

/// The name of what is no text that can be read. Lines and columns count from 1, columns in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TextError {
    /// UTF-16 without a byte order mark.
    Utf16WithoutMark,
    /// UTF-16 with an odd number of bytes, or half a character in this line.
    Utf16Broken {
        /// The line.
        line: usize,
    },
    /// UTF-32.
    Utf32,
    /// UTF-8 that ends inside a character.
    Utf8CutShort,
    /// A character of an old code page such as Windows-1252, Latin-1 or 850.
    CodePage {
        /// The line of the first such character.
        line: usize,
        /// The column.
        column: usize,
    },
    /// A byte order mark inside a secret.
    MarkInside {
        /// The line.
        line: usize,
        /// The column.
        column: usize,
    },
    /// A certificate, request or key in binary form (DER).
    Der,
    /// Certificates with a private key in a container (PKCS #12, `.pfx`).
    Pkcs12,
    /// A document of Word, Excel or PowerPoint.
    Office,
    /// Formatted text (RTF), as WordPad saves it.
    Rtf,
    /// A PDF document.
    Pdf,
    /// A ZIP archive.
    Zip,
    /// A compressed file (gzip).
    Gzip,
    /// Some other binary file.
    Binary,
}

impl fmt::Display for TextError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SAVE: &str =
            "save it as UTF-8 (in Notepad: Save as, Encoding UTF-8; in PowerShell: -Encoding utf8)";
        const EXPORT: &str = "save it as plain text in UTF-8";
        match self {
            Self::Utf16WithoutMark => write!(f, "this is UTF-16 without a byte order mark: {SAVE}"),
            Self::Utf16Broken { line } => {
                write!(f, "this is UTF-16, and broken or cut short in line {line}: {SAVE}")
            }
            Self::Utf32 => write!(f, "this is UTF-32: {SAVE}"),
            Self::Utf8CutShort => write!(f, "this is UTF-8 that ends inside a character: it was cut short, get it again"),
            Self::CodePage { line, column } => write!(
                f,
                "this is not UTF-8: line {line}, column {column} holds a character of an old code page such as \
                 Windows-1252 or 850. Open it in the program that made it and {SAVE}"
            ),
            Self::MarkInside { line, column } => write!(
                f,
                "line {line}, column {column} holds a byte order mark, which cannot be seen, as when files are joined: \
                 write the secret anew"
            ),
            Self::Der => f.write_str(
                "this is a certificate or key in binary form (DER), not text: write it as PEM with `certutil -encode \
                 FILE FILE.pem` or `openssl x509 -inform der -in FILE -out FILE.pem`",
            ),
            Self::Pkcs12 => f.write_str(
                "this is a PKCS #12 container (.pfx, .p12), not text: write what is needed of it as PEM with `openssl \
                 pkcs12 -in FILE -out FILE.pem`",
            ),
            Self::Office => write!(f, "this is a document of Word, Excel or PowerPoint: {EXPORT}"),
            Self::Rtf => write!(f, "this is formatted text (RTF): {EXPORT}"),
            Self::Pdf => write!(f, "this is a PDF document: {EXPORT}"),
            Self::Zip => f.write_str("this is a ZIP archive: unpack it and name the file inside"),
            Self::Gzip => f.write_str("this is a compressed file (gzip): unpack it first"),
            Self::Binary => f.write_str("this is a binary file, not text: name another one"),
        }
    }
}

impl std::error::Error for TextError {}

/// Decodes into an empty string, which is made as long as it may become at once, so that no part of it is left elsewhere.
fn decode_into(bytes: &[u8], text: &mut String) -> Result<(), TextError> {
    if bytes.starts_with(&[0xff, 0xfe, 0, 0]) || bytes.starts_with(&[0, 0, 0xfe, 0xff]) {
        return Err(TextError::Utf32);
    }
    match bytes {
        [0xff, 0xfe, rest @ ..] => decode_utf16(rest, u16::from_le_bytes, text),
        [0xfe, 0xff, rest @ ..] => decode_utf16(rest, u16::from_be_bytes, text),
        [0xef, 0xbb, 0xbf, rest @ ..] => decode_utf8(rest, text),
        _ => match known(bytes) {
            Some(error) => Err(error),
            None => decode_utf8(bytes, text),
        },
    }
}

fn decode_utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16, text: &mut String) -> Result<(), TextError> {
    text.reserve_exact(bytes.len() / 2 * 3);
    let (pairs, rest) = bytes.as_chunks::<2>();
    for character in char::decode_utf16(pairs.iter().map(|&pair| unit(pair))) {
        match character {
            Ok('\0') => return Err(TextError::Binary),
            Ok(character) => text.push(character),
            Err(_) => return Err(TextError::Utf16Broken { line: position(text).0 }),
        }
    }
    if rest.is_empty() { Ok(()) } else { Err(TextError::Utf16Broken { line: position(text).0 }) }
}

fn decode_utf8(bytes: &[u8], text: &mut String) -> Result<(), TextError> {
    if bytes.contains(&0) {
        return Err(if is_utf16(bytes) { TextError::Utf16WithoutMark } else { TextError::Binary });
    }
    match std::str::from_utf8(bytes) {
        Ok(valid) => {
            text.reserve_exact(valid.len());
            text.push_str(valid);
            Ok(())
        }
        Err(_) if bytes.iter().any(|&byte| byte < 0x20 && !b"\t\n\x0c\r\x1b".contains(&byte)) => {
            Err(TextError::Binary)
        }
        Err(error) if error.error_len().is_none() => Err(TextError::Utf8CutShort),
        Err(error) => {
            let valid = bytes.get(..error.valid_up_to()).unwrap_or_default();
            let (line, column) = position(std::str::from_utf8(valid).unwrap_or_default());
            Err(TextError::CodePage { line, column })
        }
    }
}

/// The line and column behind a text, from 1.
fn position(before: &str) -> (usize, usize) {
    let line = before.matches('\n').count() + 1;
    (line, before.rsplit('\n').next().unwrap_or_default().chars().count() + 1)
}

/// Western text in UTF-16 has a zero in every second byte, and nearly none in the others.
fn is_utf16(bytes: &[u8]) -> bool {
    let zeros = |first: usize| bytes.iter().skip(first).step_by(2).filter(|&&byte| byte == 0).count();
    let (even, odd) = (zeros(0), zeros(1));
    let most = bytes.len() / 2;
    even.max(odd) * 2 > most && even.min(odd) * 20 <= most
}

/// Files that are recognized by their first bytes, some of which would pass for text.
fn known(bytes: &[u8]) -> Option<TextError> {
    let contains = |part: &[u8]| {
        bytes
            .get(..bytes.len().min(4096))
            .unwrap_or_default()
            .windows(part.len())
            .any(|window| window == part)
    };
    match bytes {
        [b'P', b'K', 3, 4, ..]
            if [&b"[Content_Types].xml"[..], b"word/", b"xl/", b"ppt/"].into_iter().any(contains) =>
        {
            Some(TextError::Office)
        }
        [b'P', b'K', 3 | 5, 4 | 6, ..] => Some(TextError::Zip),
        [0xd0, 0xcf, 0x11, 0xe0, ..] => Some(TextError::Office),
        [0x1f, 0x8b, ..] => Some(TextError::Gzip),
        [b'%', b'P', b'D', b'F', b'-', ..] => Some(TextError::Pdf),
        [b'{', b'\\', b'r', b't', b'f', b'1', ..] => Some(TextError::Rtf),
        // A sequence of its two or one bytes of length: with the version number 3 first it is PKCS #12.
        [0x30, 0x82, high, low, rest @ ..]
            if usize::from(u16::from_be_bytes([*high, *low])) == rest.len() =>
        {
            Some(if rest.starts_with(&[2, 1, 3, 0x30]) { TextError::Pkcs12 } else { TextError::Der })
        }
        [0x30, 0x81, length, rest @ ..] if usize::from(*length) == rest.len() => Some(TextError::Der),
        [0x30, 0x80, 2, 1, 3, ..] => Some(TextError::Pkcs12),
        _ => None,
    }
}
