//! Reading a spec from TOML, with errors that say where and what was probably meant.

use onramp_core::{Error, ErrorKind};
use serde::de::DeserializeOwned;

use super::Spec;

/// Why a spec cannot be read, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpecError {
    line: usize,
    column: usize,
    message: String,
    suggestion: Option<String>,
}

impl SpecError {
    /// Line, counted from 1; 0 if unknown.
    pub fn line(&self) -> usize {
        self.line
    }

    /// Column in characters, counted from 1; 0 if unknown.
    pub fn column(&self) -> usize {
        self.column
    }

    /// The known key that an unknown one was probably meant to be.
    pub fn suggestion(&self) -> Option<&str> {
        self.suggestion.as_deref()
    }

    /// Reads any configuration type from TOML with the same care as a spec: for programs that keep a spec inside
    /// a larger file.
    ///
    /// # Errors
    /// Where the text is not TOML or does not fit the type.
    pub fn read_toml<T: DeserializeOwned>(text: &str) -> Result<T, Self> {
        toml::from_str(text).map_err(|error| Self::of(text, &error))
    }

    fn of(text: &str, error: &toml::de::Error) -> Self {
        let at = error.span().map(|span| span.start);
        let before = at.and_then(|at| text.get(..at));
        let (line, column) = before.map_or((0, 0), |before| {
            let last = before.rsplit('\n').next().unwrap_or_default();
            (before.matches('\n').count() + 1, last.chars().count() + 1)
        });
        let message = error.message().trim().to_owned();
        let suggestion =
            unknown_key(&message).and_then(|(key, known)| nearest(&key, known.iter().map(String::as_str)));
        Self { line, column, message, suggestion }
    }
}

impl Spec {
    /// Reads a spec from TOML.
    ///
    /// # Errors
    /// Where the text is not TOML, has a key that does not exist, or a value that does not fit.
    ///
    /// ```
    /// let error = onramp::Spec::from_toml("domain = \"contoso.com\"\n[users]\nexlude = []\n").unwrap_err();
    /// assert_eq!((error.line(), error.suggestion()), (3, Some("exclude")));
    /// ```
    pub fn from_toml(text: &str) -> Result<Self, SpecError> {
        SpecError::read_toml(text)
    }
}

impl std::fmt::Display for SpecError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.line > 0 {
            write!(f, "line {}, column {}: ", self.line, self.column)?;
        }
        f.write_str(&self.message)?;
        match &self.suggestion {
            Some(known) => write!(f, ". Did you mean `{known}`?"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for SpecError {}

impl From<SpecError> for Error {
    fn from(error: SpecError) -> Self {
        Error::new(ErrorKind::Invalid, "read the configuration").with_detail(error.to_string())
    }
}

/// Takes serde's message "unknown field `a`, expected one of `b`, `c`" apart.
fn unknown_key(message: &str) -> Option<(String, Vec<String>)> {
    let mut quoted = message.strip_prefix("unknown ")?.split('`').skip(1).step_by(2).map(str::to_owned);
    let key = quoted.next()?;
    Some((key, quoted.collect()))
}

/// The name most like `wanted`, if one is like it at all.
pub(crate) fn nearest<'a>(wanted: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let (distance, name) = known.into_iter().map(|name| (distance(wanted, name), name)).min()?;
    (distance <= 2.max(name.chars().count() / 3)).then(|| name.to_owned())
}

/// Returns the number of letters that two names differ in, without case.
pub(crate) fn distance(one: &str, other: &str) -> usize {
    strsim::damerau_levenshtein(&one.to_lowercase(), &other.to_lowercase())
}
