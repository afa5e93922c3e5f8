//! The reader of LDIF.

use std::fmt;
use std::io::{self, Read};
use std::iter::FusedIterator;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use onramp_core::forest::AttributeValue;
use onramp_core::{AttributeName, ObjectGuid};

use super::lines::{Line, Lines};
use super::{AttributeDescription, Change, ChangeRecord, Control, Entry, Modification, Operation, Record};
use crate::source::{Limits, SourceError, SourceErrorKind, shortened};
use crate::{DirectoryObject, attributes};

/// An iterator over the records of an LDIF file. The [module](super) says what it accepts.
///
/// Input needs no buffer of its own. A record that cannot be read is an error, and the next one follows; the iterator
/// ends after an error that [is fatal](SourceError::is_fatal).
///
/// ```
/// use onramp_readiness::ldif::Reader;
/// let text = "dn: CN=Anna\nmail anna@contoso.com\n\ndn: CN=Bert\nmail: bert@contoso.com\n";
/// let records: Vec<_> = Reader::new(text.as_bytes()).collect();
/// assert_eq!(records[0].as_ref().unwrap_err().line(), 2);
/// assert_eq!(records[1].as_ref().unwrap().dn(), "CN=Bert");
/// ```
pub struct Reader<R> {
    lines: Lines<R>,
    limits: Limits,
    source: Option<Arc<str>>,
    /// Octets of the record so far.
    size: usize,
    /// The name in the line before, as it is written.
    previous: Vec<u8>,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Between records.
    Between,
    /// In a record.
    Inside,
    /// At the end, or after a fatal error.
    Ended,
}

/// The kind of a record, without its values.
enum Body {
    Content,
    /// No change is one that adds the values.
    Change(Vec<Control>, Option<Change>),
}

/// The reason a record was given up.
enum Failure {
    Io(io::Error),
    Record(SourceErrorKind, String),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

fn syntax(detail: impl Into<String>) -> Failure {
    Failure::Record(SourceErrorKind::Syntax, detail.into())
}

/// A value as it stands in a line.
#[derive(Clone, Copy)]
enum Raw<'a> {
    Plain(&'a [u8]),
    Base64(&'a [u8]),
    Url,
}

impl<R: Read> Reader<R> {
    /// Creates a reader.
    pub fn new(input: R) -> Self {
        Self {
            lines: Lines::new(input),
            limits: Limits::default(),
            source: None,
            size: 0,
            previous: Vec::new(),
            state: State::Between,
        }
    }

    /// Sets the limits on the size of values and records.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets the name of the source, which every object gets.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Arc<str>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// The objects of the file: of content, and of changes that add one. Other changes are errors, since they hold no
    /// object to judge.
    ///
    /// ```
    /// use onramp_readiness::ldif::Reader;
    /// let text = "dn: CN=Anna\nchangetype: add\nmail: a@x.de\n\ndn: CN=Bert\nchangetype: delete\n";
    /// let objects: Vec<_> = Reader::new(text.as_bytes()).objects().collect();
    /// assert_eq!(objects[0].as_ref().unwrap().dn(), "CN=Anna");
    /// assert!(objects[1].is_err());
    /// ```
    pub fn objects(mut self) -> impl Iterator<Item = Result<DirectoryObject, SourceError>> {
        std::iter::from_fn(move || {
            let record = self.next()?;
            let line = self.lines.number();
            Some(record.and_then(|record| {
                let dn = record.dn().to_owned();
                record.into_object().ok_or_else(|| {
                    let detail = "before this line stands a change of an object, not an object: it holds nothing to judge";
                    SourceError::new(SourceErrorKind::Syntax, line, detail).about(dn)
                })
            }))
        })
    }

    /// Reads a line of the current record.
    fn line(&mut self) -> Result<Line, Failure> {
        let line = self.lines.advance(self.limits.value)?;
        self.state = match line {
            Line::Empty => State::Between,
            Line::End => State::Ended,
            Line::Text | Line::TooLong => State::Inside,
        };
        self.size = self.size.saturating_add(self.lines.text().len() + 64);
        if line == Line::TooLong {
            return Err(Failure::Record(
                SourceErrorKind::TooLong,
                format!(
                    "the value is longer than {} octets; raise the limit if it is right",
                    self.limits.value
                ),
            ));
        }
        if self.size > self.limits.record {
            return Err(Failure::Record(
                SourceErrorKind::TooLong,
                format!(
                    "the record is longer than {} octets; raise the limit if it is right",
                    self.limits.record
                ),
            ));
        }
        Ok(line)
    }

    /// Reads lines up to those of a record; `None` if the line was none of a record and is done with.
    fn begin(&mut self) -> Result<Option<Record>, (Failure, String)> {
        self.size = 0;
        let unnamed = |failure| (failure, String::new());
        if self.line().map_err(unnamed)? != Line::Text {
            return Ok(None);
        }
        if self.lines.text().starts_with(b" ") {
            return Err(unnamed(syntax(
                "the line begins with a space, and no line stands before it to be continued",
            )));
        }
        let (name, raw) = split(self.lines.text()).map_err(unnamed)?;
        if name.eq_ignore_ascii_case(b"dn") {
            let dn = text_of("dn", raw).map_err(unnamed)?;
            return self.record(dn).map(Some);
        }
        // Also where files were joined.
        if name.eq_ignore_ascii_case(b"version") {
            let version = value_of("version", raw).map_err(unnamed)?;
            self.state = State::Between;
            return match version.trim_ascii() {
                b"1" => Ok(None),
                _ => Err(unnamed(syntax("LDIF has version 1 (RFC 2849), and this is another one"))),
            };
        }
        if [&b"search"[..], b"result", b"ref"].iter().any(|word| name.eq_ignore_ascii_case(word)) {
            return self.last_lines().map(|()| None).map_err(unnamed);
        }
        Err(unnamed(syntax(
            "a record begins with `dn:`, and this line does not; is there an empty line inside of a record?",
        )))
    }

    /// Skips what `ldapsearch` prints behind objects.
    fn last_lines(&mut self) -> Result<(), Failure> {
        let mut result = Ok(());
        loop {
            if let (b"result", Raw::Plain(code)) = split(self.lines.text())?
                && code != b"0"
                && !code.starts_with(b"0 ")
            {
                let detail = format!(
                    "the search that wrote this file ended with result “{}”: objects are missing, search again",
                    shortened(&String::from_utf8_lossy(code))
                );
                result = Err(Failure::Record(SourceErrorKind::Incomplete, detail));
            }
            if self.line()? != Line::Text {
                return result;
            }
        }
    }

    fn record(&mut self, dn: String) -> Result<Record, (Failure, String)> {
        let mut object = DirectoryObject::new(dn);
        if let Some(source) = &self.source {
            object = object.with_source(Arc::clone(source));
        }
        let mut entry = Entry::from(object);
        match self.body(&mut entry) {
            Ok(Body::Content) => Ok(Record::Content(entry)),
            Ok(Body::Change(controls, change)) => {
                let dn = entry.object.dn().to_owned();
                let change = change.unwrap_or(Change::Add(entry));
                Ok(Record::Change(ChangeRecord { dn, controls, change }))
            }
            Err(failure) => Err((failure, entry.object.dn().to_owned())),
        }
    }

    /// Reads what follows the name; values come into the entry.
    fn body(&mut self, entry: &mut Entry) -> Result<Body, Failure> {
        let mut controls = Vec::new();
        loop {
            if self.line()? != Line::Text {
                return match controls.is_empty() {
                    true => Ok(Body::Content),
                    false => Err(syntax("`changetype:` must follow `control:`")),
                };
            }
            let (name, raw) = split(self.lines.text())?;
            if name.eq_ignore_ascii_case(b"control") {
                controls.push(control(raw)?);
            } else if name.eq_ignore_ascii_case(b"changetype") {
                let kind = text_of("changetype", raw)?;
                let change = match kind.trim().to_ascii_lowercase().as_str() {
                    "add" => {
                        if self.line()? == Line::Text {
                            self.content(entry)?;
                        }
                        None
                    }
                    "delete" => {
                        if self.line()? == Line::Text {
                            return Err(syntax(
                                "nothing follows `changetype: delete`; an empty line is missing here",
                            ));
                        }
                        Some(Change::Delete)
                    }
                    "modify" => Some(Change::Modify(self.modifications()?)),
                    "modrdn" | "moddn" => Some(self.rename()?),
                    _ => return Err(syntax("a changetype is add, delete, modify, modrdn or moddn")),
                };
                return Ok(Body::Change(controls, change));
            } else if controls.is_empty() {
                self.content(entry)?;
                return Ok(Body::Content);
            } else {
                return Err(syntax("`changetype:` must follow `control:`"));
            }
        }
    }

    /// Reads values, from the current line to the end of the record.
    fn content(&mut self, entry: &mut Entry) -> Result<(), Failure> {
        self.previous.clear();
        let mut target = Target::None;
        let mut values = Vec::new();
        loop {
            let (name, raw) = split(self.lines.text())?;
            if name != self.previous || matches!(target, Target::None) {
                target.take(&mut values, entry);
                target = Target::of(name)?;
                self.previous.clear();
                self.previous.extend_from_slice(name);
            }
            values.push(AttributeValue::bytes(octets(raw, || String::from_utf8_lossy(name).into_owned())?));
            if self.line()? != Line::Text {
                break;
            }
        }
        target.take(&mut values, entry);
        if entry.object.guid().is_none()
            && let Some(guid) = entry.object.text(&attributes::OBJECT_GUID)
            && let Ok(guid) = ObjectGuid::parse(guid)
        {
            // As ldbsearch writes it.
            entry.object = std::mem::take(&mut entry.object).with_guid(guid);
        }
        Ok(())
    }

    fn modifications(&mut self) -> Result<Vec<Modification>, Failure> {
        let mut modifications = Vec::new();
        while self.line()? == Line::Text {
            if is_separator(self.lines.text()) {
                continue;
            }
            let (name, raw) = split(self.lines.text())?;
            let operation = [Operation::Add, Operation::Delete, Operation::Replace]
                .into_iter()
                .find(|operation| name.eq_ignore_ascii_case(operation.as_str().as_bytes()));
            let Some(operation) = operation else {
                return Err(syntax(
                    "a modification begins with `add:`, `delete:` or `replace:` and the name of an attribute, and ends \
                     with `-`",
                ));
            };
            let attribute = AttributeDescription::parse(text_of(operation.as_str(), raw)?.trim())
                .map_err(|error| syntax(error.to_string()))?;
            let written = attribute.to_string();
            let mut values = Vec::new();
            let mut ended = false;
            loop {
                if self.line()? != Line::Text {
                    ended = true;
                    break;
                }
                if is_separator(self.lines.text()) {
                    break;
                }
                let (name, raw) = split(self.lines.text())?;
                if !name.eq_ignore_ascii_case(written.as_bytes()) {
                    return Err(syntax(format!(
                        "below `{}: {written}` stand values of {written} only; a line with `-` ends them",
                        operation.as_str()
                    )));
                }
                values.push(AttributeValue::bytes(octets(raw, || written.clone())?));
            }
            if values.is_empty() && operation == Operation::Add {
                return Err(syntax(format!("`add: {written}` names no value")));
            }
            modifications.push(Modification { operation, attribute, values });
            if ended {
                break;
            }
        }
        Ok(modifications)
    }

    fn rename(&mut self) -> Result<Change, Failure> {
        let mut new_rdn = None;
        let mut delete_old_rdn = None;
        let mut new_superior = None;
        while self.line()? == Line::Text {
            let (name, raw) = split(self.lines.text())?;
            if name.eq_ignore_ascii_case(b"newrdn") && new_rdn.is_none() {
                new_rdn = Some(text_of("newrdn", raw)?);
            } else if name.eq_ignore_ascii_case(b"deleteoldrdn") && delete_old_rdn.is_none() {
                delete_old_rdn = Some(match text_of("deleteoldrdn", raw)?.trim() {
                    "0" => false,
                    "1" => true,
                    _ => return Err(syntax("`deleteoldrdn:` is 0 or 1")),
                });
            } else if name.eq_ignore_ascii_case(b"newsuperior") && new_superior.is_none() {
                new_superior = Some(text_of("newsuperior", raw)?);
            } else {
                return Err(syntax(
                    "a rename has `newrdn:`, `deleteoldrdn:` and perhaps `newsuperior:`, each once",
                ));
            }
        }
        match (new_rdn, delete_old_rdn) {
            (Some(new_rdn), Some(delete_old_rdn)) => {
                Ok(Change::Rename { new_rdn, delete_old_rdn, new_superior })
            }
            _ => Err(syntax("a rename needs `newrdn:` and `deleteoldrdn:`")),
        }
    }
}

impl<R: Read> Iterator for Reader<R> {
    type Item = Result<Record, SourceError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if self.state == State::Ended {
                return None;
            }
            let (failure, dn) = match self.begin() {
                Ok(Some(record)) => return Some(Ok(record)),
                Ok(None) => continue,
                Err(failed) => failed,
            };
            let line = self.lines.number();
            let error = match failure {
                Failure::Io(error) => {
                    self.state = State::Ended;
                    SourceError::io(line, error)
                }
                Failure::Record(kind, detail) => SourceError::new(kind, line, detail),
            };
            // The rest of the record is skipped; a failure in it is the next record's.
            while self.state == State::Inside {
                self.size = 0;
                if let Err(Failure::Io(error)) = self.line() {
                    self.state = State::Ended;
                    return Some(Err(SourceError::io(self.lines.number(), error)));
                }
            }
            return Some(Err(if dn.is_empty() { error } else { error.about(dn) }));
        }
    }
}

impl<R: Read> FusedIterator for Reader<R> {}

impl<R> fmt::Debug for Reader<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader")
            .field("limits", &self.limits)
            .field("source", &self.source)
            .finish_non_exhaustive()
    }
}

/// The place of values in an entry.
enum Target {
    None,
    Attribute(AttributeName),
    Described(AttributeDescription),
}

impl Target {
    fn of(name: &[u8]) -> Result<Self, Failure> {
        let text = std::str::from_utf8(name).map_err(|_| syntax("the name of an attribute is ASCII"))?;
        if text.eq_ignore_ascii_case("dn") {
            return Err(syntax("a second `dn:` in one record: put an empty line before it"));
        }
        if text.eq_ignore_ascii_case("changetype") {
            return Err(syntax("`changetype:` must follow `dn:`"));
        }
        let parsed = match text.contains(';') {
            false => attributes::parse(text).map(Self::Attribute),
            true => AttributeDescription::parse(text).map(Self::Described),
        };
        parsed.map_err(|error| syntax(error.to_string()))
    }

    fn take(&mut self, values: &mut Vec<AttributeValue>, entry: &mut Entry) {
        let values = std::mem::take(values);
        match std::mem::replace(self, Self::None) {
            Self::None => {}
            Self::Attribute(name) => entry.object.append(name, values),
            Self::Described(description) if description.is_plain() => {
                entry.object.append(description.name().clone(), values);
                if !entry.descriptions.contains(&description) {
                    entry.descriptions.push(description);
                }
            }
            Self::Described(description) => {
                match entry.tagged.iter_mut().find(|(present, _)| *present == description) {
                    Some((_, present)) => present.extend(values),
                    None => entry.tagged.push((description, values)),
                }
            }
        }
    }
}

fn is_separator(text: &[u8]) -> bool {
    text.trim_ascii_end() == b"-"
}

/// Splits a line into name and value.
fn split(text: &[u8]) -> Result<(&[u8], Raw<'_>), Failure> {
    let colon = text.iter().position(|&byte| byte == b':');
    let Some((name, rest)) = colon.and_then(|colon| Some((text.get(..colon)?, text.get(colon + 1..)?)))
    else {
        return Err(syntax(
            "a line is `attribute: value`, and this one has no colon; if it continues the line before, it begins with a \
             space",
        ));
    };
    let raw = match rest.split_first() {
        Some((b':', base64)) => Raw::Base64(base64.trim_ascii()),
        Some((b'<', _)) => Raw::Url,
        _ => {
            let blanks = rest.iter().take_while(|&&byte| byte == b' ').count();
            Raw::Plain(rest.get(blanks..).unwrap_or_default())
        }
    };
    Ok((name, raw))
}

fn octets(raw: Raw<'_>, name: impl Fn() -> String) -> Result<Vec<u8>, Failure> {
    match raw {
        Raw::Plain(octets) if std::str::from_utf8(octets).is_ok() => Ok(octets.to_vec()),
        Raw::Plain(_) => Err(syntax(format!(
            "the value of {} is not UTF-8: save the file as UTF-8, or the value in base64 after two colons",
            shortened(&name())
        ))),
        Raw::Base64(base64) => STANDARD.decode(base64).map_err(|_| {
            syntax(format!(
                "the value of {} stands after two colons and is not base64; one colon is for text",
                shortened(&name())
            ))
        }),
        Raw::Url => Err(Failure::Record(
            SourceErrorKind::Refused,
            format!(
                "the value of {} is to be read from a URL (`:<`), which is refused: put the value itself here, after two \
                 colons in base64",
                shortened(&name())
            ),
        )),
    }
}

fn value_of(name: &str, raw: Raw<'_>) -> Result<Vec<u8>, Failure> {
    octets(raw, || name.to_owned())
}

fn text_of(name: &str, raw: Raw<'_>) -> Result<String, Failure> {
    String::from_utf8(value_of(name, raw)?)
        .map_err(|_| syntax(format!("the value of `{name}:` is not UTF-8: save the file as UTF-8")))
}

/// Parses `OID [true|false] [: value]`.
fn control(raw: Raw<'_>) -> Result<Control, Failure> {
    let Raw::Plain(octets) = raw else {
        return Err(syntax("`control:` names an object identifier"));
    };
    let (words, value) = match octets.iter().position(|&byte| byte == b':') {
        Some(_) => {
            let (words, raw) = split(octets)?;
            (words, Some(value_of("control", raw)?))
        }
        None => (octets, None),
    };
    let words = String::from_utf8_lossy(words);
    let mut words = words.split_ascii_whitespace();
    let oid = words.next().unwrap_or_default();
    let is_critical = match words.next() {
        None => false,
        Some(word) if word.eq_ignore_ascii_case("true") => true,
        Some(word) if word.eq_ignore_ascii_case("false") => false,
        Some(_) => return Err(syntax("after the object identifier of `control:` stands true or false")),
    };
    if words.next().is_some() {
        return Err(syntax("the value of `control:` stands after a colon"));
    }
    Control::new(oid, is_critical, value).map_err(|error| syntax(error.to_string()))
}
