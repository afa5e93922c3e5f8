//! Specs in TOML, with errors that have a position and a suggestion.

use onramp_core::{Error, ErrorKind};
use serde::de::DeserializeOwned;

use super::Spec;

/// An error in a spec, with its position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpecError {
    line: usize,
    column: usize,
    message: String,
    suggestion: Option<String>,
}

impl SpecError {
    /// Returns the line, counted from 1; 0 if unknown.
    ///
    /// ```
    /// use onramp::Spec;
    /// let error = Spec::from_toml("domain = \"contoso.com\"\n[sync]\nenabel = true\n").unwrap_err();
    /// assert_eq!(error.line(), 3);
    /// ```
    pub fn line(&self) -> usize {
        self.line
    }

    /// Returns the column in characters, counted from 1; 0 if unknown.
    pub fn column(&self) -> usize {
        self.column
    }

    /// Returns the known key that is most similar to an unknown one.
    pub fn suggestion(&self) -> Option<&str> {
        self.suggestion.as_deref()
    }

    /// Reads any type from TOML with the same errors: for programs with a spec inside a larger file.
    ///
    /// # Errors
    /// The position at which the text is not TOML or does not fit the type.
    pub fn read_toml<T: DeserializeOwned>(text: &str) -> Result<T, Self> {
        toml::from_str(text).map_err(|error| Self::of(text, &error))
    }

    fn of(text: &str, error: &toml::de::Error) -> Self {
        // An error about a whole section begins with the key that it is about.
        let at = place_of_key(text, error.message()).or(error.span().map(|span| span.start));
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
    /// The position at which the text is not TOML, or has an unknown key or an invalid value.
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

/// Returns the place of the key with which a message begins.
fn place_of_key(text: &str, message: &str) -> Option<usize> {
    let (key, _) = message.strip_prefix('`')?.split_once('`')?;
    let mut place = 0;
    for line in text.split_inclusive('\n') {
        let indented = line.trim_start();
        if indented.strip_prefix(key).is_some_and(|rest| rest.trim_start().starts_with('=')) {
            return Some(place + line.len() - indented.len());
        }
        place += line.len();
    }
    None
}

/// Parses the message of serde "unknown field `a`, expected one of `b`, `c`".
fn unknown_key(message: &str) -> Option<(String, Vec<String>)> {
    let mut quoted = message.strip_prefix("unknown ")?.split('`').skip(1).step_by(2).map(str::to_owned);
    let key = quoted.next()?;
    Some((key, quoted.collect()))
}

/// Returns the name that is most similar to `wanted`, if one is similar enough.
pub(crate) fn nearest<'a>(wanted: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let (distance, name) = known.into_iter().map(|name| (distance(wanted, name), name)).min()?;
    (distance <= 2.max(name.chars().count() / 3)).then(|| name.to_owned())
}

/// Returns the number of letters in which two names differ, ignoring case.
pub(crate) fn distance(one: &str, other: &str) -> usize {
    strsim::damerau_levenshtein(&one.to_lowercase(), &other.to_lowercase())
}
