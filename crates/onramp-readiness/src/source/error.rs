//! The error of all readers.

use std::{fmt, io};

use super::EncodingError;

/// The kind of a reader's error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SourceErrorKind {
    /// The input could not be read; nothing follows.
    Io,
    /// The input is not text, or text that is broken; nothing follows.
    Encoding,
    /// A record is not what the format asks for.
    Syntax,
    /// A value or a record is longer than the [limits](super::Limits) allow.
    TooLong,
    /// A record asks for something that is refused, such as the content of a file.
    Refused,
    /// The program that wrote the file says that objects are missing in it.
    Incomplete,
}

/// The reason a record could not be read: the line, the object if it is known by then, and what to do. It repeats no
/// values, because they may be secrets.
///
/// ```
/// use onramp_readiness::ldif::Reader;
/// use onramp_readiness::source::SourceErrorKind;
/// let text = "dn: CN=Anna\nthumbnailPhoto:< file:///etc/passwd\n\ndn: CN=Bert\n";
/// let records: Vec<_> = Reader::new(text.as_bytes()).collect();
/// let error = records[0].as_ref().unwrap_err();
/// assert_eq!((error.kind(), error.line(), error.object()), (SourceErrorKind::Refused, 2, Some("CN=Anna")));
/// assert!(error.to_string().starts_with("line 2: "), "{error}");
/// assert!(records[1].is_ok());
/// ```
pub struct SourceError(Box<Inner>);

#[derive(Debug)]
struct Inner {
    kind: SourceErrorKind,
    line: u64,
    object: Option<String>,
    detail: String,
    source: Option<io::Error>,
}

impl SourceError {
    pub(crate) fn new(kind: SourceErrorKind, line: u64, detail: impl Into<String>) -> Self {
        Self(Box::new(Inner { kind, line, object: None, detail: detail.into(), source: None }))
    }

    pub(crate) fn io(line: u64, error: io::Error) -> Self {
        let encoding = error.get_ref().and_then(|inner| inner.downcast_ref::<EncodingError>());
        let (kind, detail) = match encoding {
            Some(encoding) => (SourceErrorKind::Encoding, encoding.to_string()),
            None => (SourceErrorKind::Io, format!("the input could not be read: {error}")),
        };
        let mut this = Self::new(kind, line, detail);
        this.0.source = Some(error);
        this
    }

    pub(crate) fn about(mut self, object: impl Into<String>) -> Self {
        self.0.object = Some(object.into());
        self
    }

    /// The kind.
    pub fn kind(&self) -> SourceErrorKind {
        self.0.kind
    }

    /// The line of the input, from 1.
    pub fn line(&self) -> u64 {
        self.0.line
    }

    /// The object of the record, as the record names it, if that could be read.
    pub fn object(&self) -> Option<&str> {
        self.0.object.as_deref()
    }

    /// Returns true if the reader ends with this error.
    pub fn is_fatal(&self) -> bool {
        matches!(self.0.kind, SourceErrorKind::Io | SourceErrorKind::Encoding)
    }
}

impl fmt::Display for SourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.0.line, self.0.detail)?;
        match &self.0.object {
            Some(object) => write!(f, " (record of “{}”)", shortened(object)),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for SourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl std::error::Error for SourceError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_ref().map(|error| error as _)
    }
}

/// A name from the input as it can be shown: without control characters, and not endless.
pub(crate) fn shortened(text: &str) -> String {
    const MOST: usize = 200;
    let cut = text.char_indices().nth(MOST).map_or(text.len(), |(index, _)| index);
    let shown = text.get(..cut).unwrap_or_default();
    let mark = if cut < text.len() { "…" } else { "" };
    format!("{}{mark}", onramp_core::visible(shown))
}
