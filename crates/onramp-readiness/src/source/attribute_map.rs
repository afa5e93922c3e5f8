//! Maps of attributes: files by which people say which objects get which values.
//!
//! In **CSV**, the first column names the object, by `objectGUID`, distinguished name or UPN; its heading is `object`, `name`, `dn`,
//! `distinguishedName`, `guid`, `objectGUID`, `upn` or `userPrincipalName`. Each other column is an attribute:
//!
//! | heading | meaning of a cell |
//! |---|---|
//! | `department` | the attribute gets this value in place of those that it has |
//! | `+proxyAddresses` | the value is added |
//! | `-proxyAddresses` | the value is removed; `*` removes all |
//!
//! An empty cell changes nothing. Several values stand in several rows of one object, or in several columns of one heading.
//!
//! In **TOML**, the same is written so:
//!
//! ```toml
//! [[object]]
//! name = "anna@contoso.com"
//! set = { department = "Sales", proxyAddresses = ["SMTP:anna@contoso.com", "smtp:a@contoso.com"] }
//! add = { otherMailbox = "anna@example.org" }
//! remove = { otherTelephone = ["1", "2"] }
//! clear = ["info"]
//! ```
//!
//! ```
//! use onramp_readiness::source::attribute_map::{AttributeMap, MapFormat, MapKind};
//!
//! let text = "object,department,+proxyAddresses\r\nanna@contoso.com,Sales,smtp:a@contoso.com\r\n";
//! let map = AttributeMap::read(text.as_bytes(), MapFormat::Csv).map_err(|mut errors| errors.remove(0))?;
//! let [anna] = map.objects() else { panic!() };
//! assert_eq!((anna.line, anna.changes[0].kind, anna.changes[1].kind), (2, MapKind::Set, MapKind::Add));
//! # Ok::<(), onramp_readiness::source::SourceError>(())
//! ```

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::io::{BufReader, Read};

use onramp_core::{AttributeName, DistinguishedName, ObjectGuid, Upn};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::rows::Rows;
use super::{Limits, SourceError, SourceErrorKind, TextReader, shortened};

/// The headings of the first column.
const NAMES: [&str; 8] =
    ["object", "name", "dn", "distinguishedName", "guid", "objectGUID", "upn", "userPrincipalName"];
/// The most octets of a value.
const MOST_OCTETS: usize = 64 * 1024;
/// The most errors that are collected.
const MOST_ERRORS: usize = 100;
/// The most octets of a file in TOML.
const MOST_TOML: u64 = 256 << 20;

/// The format of a map.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum MapFormat {
    /// Comma-separated values; also with semicolons or tabs.
    Csv,
    /// TOML.
    Toml,
}

/// A map of attributes, as a file has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttributeMap {
    objects: Vec<MappedObject>,
    digest: String,
}

/// An object of a map, with the changes of its attributes.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct MappedObject {
    /// The name of the object.
    pub name: MappedName,
    /// The line that names it first.
    pub line: u64,
    /// The changes; each attribute at most once of each kind.
    pub changes: Vec<MappedChange>,
}

/// The name of an object of a map.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MappedName {
    /// `objectGUID`.
    Guid(ObjectGuid),
    /// Distinguished name.
    Dn(DistinguishedName),
    /// `userPrincipalName`.
    Upn(Upn),
}

/// A change of one attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct MappedChange {
    /// The attribute.
    pub attribute: AttributeName,
    /// The kind of change.
    pub kind: MapKind,
    /// The values; none for [`MapKind::Clear`].
    pub values: Vec<String>,
    /// The line of the first of them.
    pub line: u64,
}

/// The kind of change of an attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MapKind {
    /// The attribute gets these values in place of those that it has.
    Set,
    /// These values are added.
    Add,
    /// These values are removed.
    Remove,
    /// All values are removed.
    Clear,
}

impl AttributeMap {
    /// Reads a map.
    ///
    /// # Errors
    /// Up to a hundred errors, each with its line. A map with an error is none, because people expect all of it.
    pub fn read(input: impl Read, format: MapFormat) -> Result<Self, Vec<SourceError>> {
        let mut draft = Draft::default();
        match format {
            MapFormat::Csv => draft.read_csv(input),
            MapFormat::Toml => draft.read_toml(input),
        }
        if draft.objects.is_empty() && draft.errors.is_empty() {
            draft.fail(1, None, "no object is named in it");
        }
        draft.check();
        if !draft.errors.is_empty() {
            return Err(draft.errors);
        }
        let digest = draft.digest();
        Ok(Self { objects: draft.objects, digest })
    }

    /// Returns the objects, in the order of the file.
    pub fn objects(&self) -> &[MappedObject] {
        &self.objects
    }

    /// Returns the SHA-256 digest of the objects with their changes, in hexadecimal.
    pub fn digest(&self) -> &str {
        &self.digest
    }
}

impl MappedName {
    /// Parses a GUID, a distinguished name or a UPN.
    fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let bare = text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).unwrap_or(text);
        if let Ok(guid) = ObjectGuid::parse(bare) {
            return Some(Self::Guid(guid));
        }
        // A UPN may have `=`, but a DN begins with an attribute.
        let is_dn = text.split_once('=').is_some_and(|(name, _)| AttributeName::parse(name.trim()).is_ok());
        match is_dn {
            true => DistinguishedName::parse(text).ok().map(Self::Dn),
            false => Upn::parse(text).ok().map(Self::Upn),
        }
    }
}

impl fmt::Display for MappedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Guid(guid) => fmt::Display::fmt(guid, f),
            Self::Dn(dn) => fmt::Display::fmt(dn, f),
            Self::Upn(upn) => fmt::Display::fmt(upn, f),
        }
    }
}

impl fmt::Display for MapKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Set => "set",
            Self::Add => "add",
            Self::Remove => "remove",
            Self::Clear => "clear",
        })
    }
}

/// The map in the making.
#[derive(Default)]
struct Draft {
    objects: Vec<MappedObject>,
    places: HashMap<String, usize>,
    errors: Vec<SourceError>,
}

impl Draft {
    fn fail(&mut self, line: u64, object: Option<&str>, detail: impl Into<String>) {
        self.fail_with(SourceErrorKind::Syntax, line, object, detail);
    }

    fn fail_with(
        &mut self,
        kind: SourceErrorKind,
        line: u64,
        object: Option<&str>,
        detail: impl Into<String>,
    ) {
        if self.errors.len() < MOST_ERRORS {
            let error = SourceError::new(kind, line, detail);
            self.errors.push(match object {
                Some(object) => error.about(object),
                None => error,
            });
        }
    }

    fn read_csv(&mut self, input: impl Read) {
        let limits = Limits::default();
        let mut rows = match Rows::open(BufReader::new(TextReader::new(input)), None, limits) {
            Ok(rows) => rows,
            Err(error) => return self.errors.push(error),
        };
        let header = match rows.header() {
            Ok(header) => header,
            Err(error) => return self.errors.push(error),
        };
        let mut columns: Vec<(MapKind, AttributeName)> = Vec::new();
        for (place, heading) in header.iter().enumerate() {
            let heading = heading.trim();
            if place == 0 {
                if !NAMES.iter().any(|name| name.eq_ignore_ascii_case(heading)) {
                    let detail = format!(
                        "the first column names the objects, and its heading is one of {}; it is \"{}\"",
                        NAMES.join(", "),
                        shortened(heading)
                    );
                    self.fail(1, None, detail);
                }
                continue;
            }
            let (kind, name) = match heading.strip_prefix('+') {
                Some(name) => (MapKind::Add, name),
                None => match heading.strip_prefix('-') {
                    Some(name) => (MapKind::Remove, name),
                    None => (MapKind::Set, heading),
                },
            };
            match AttributeName::parse(name.trim()) {
                Ok(attribute) => columns.push((kind, attribute)),
                Err(_) => {
                    self.fail(1, None, format!("the heading \"{}\" is no attribute", shortened(heading)))
                }
            }
        }
        if columns.is_empty() && self.errors.is_empty() {
            self.fail(1, None, "no column has an attribute");
        }
        if !self.errors.is_empty() {
            return;
        }
        while let Some(row) = rows.next() {
            let row = match row {
                Ok(row) => row,
                Err(error) => {
                    let is_last = self.errors.len() >= MOST_ERRORS;
                    self.errors.push(error);
                    if is_last {
                        return;
                    }
                    continue;
                }
            };
            if row.cells.len() != columns.len() + 1 {
                let (has, wanted) = (row.cells.len(), columns.len() + 1);
                let name = row.cells.get(0);
                self.fail(row.line, name, format!("the row has {has} cells, and the first row has {wanted}"));
                continue;
            }
            let Some(place) = self.object(row.cells.get(0).unwrap_or_default(), row.line) else { continue };
            for ((kind, attribute), cell) in columns.iter().zip(row.cells.iter().skip(1)) {
                match (kind, cell) {
                    (_, "") => {}
                    (MapKind::Remove, "*") => self.add(place, attribute, MapKind::Clear, None, row.line),
                    (kind, cell) => self.add(place, attribute, *kind, Some(cell), row.line),
                }
            }
        }
    }

    fn read_toml(&mut self, input: impl Read) {
        let mut text = String::new();
        if let Err(error) = TextReader::new(input).take(MOST_TOML).read_to_string(&mut text) {
            return self.errors.push(SourceError::io(1, error));
        }
        let line_of = |at: usize| text.get(..at).map_or(1, |before| before.matches('\n').count() as u64 + 1);
        let file: File = match toml::from_str(&text) {
            Ok(file) => file,
            Err(error) => {
                let line = error.span().map_or(1, |span| line_of(span.start));
                return self.fail(line, None, error.message().trim().to_owned());
            }
        };
        for object in file.object {
            let line = line_of(object.name.span().start);
            let Some(place) = self.object(object.name.get_ref(), line) else { continue };
            for (kind, values) in
                [(MapKind::Set, object.set), (MapKind::Add, object.add), (MapKind::Remove, object.remove)]
            {
                for (name, values) in values {
                    let line = line_of(values.span().start);
                    let Some(attribute) = self.attribute(&name, line) else { continue };
                    let values = match values.into_inner() {
                        OneOrMore::One(value) => vec![value],
                        OneOrMore::More(values) => values,
                    };
                    if values.is_empty() {
                        self.fail(line, None, format!("{attribute} has no value; `clear` removes all"));
                    }
                    for value in values {
                        if value.is_empty() {
                            self.fail(line, None, format!("{attribute} has an empty value"));
                        } else {
                            self.add(place, &attribute, kind, Some(&value), line);
                        }
                    }
                }
            }
            for name in object.clear {
                let line = line_of(name.span().start);
                if let Some(attribute) = self.attribute(name.get_ref(), line) {
                    self.add(place, &attribute, MapKind::Clear, None, line);
                }
            }
        }
    }

    fn attribute(&mut self, name: &str, line: u64) -> Option<AttributeName> {
        let parsed = AttributeName::parse(name.trim()).ok();
        if parsed.is_none() {
            self.fail(line, None, format!("\"{}\" is no attribute", shortened(name)));
        }
        parsed
    }

    /// Returns the place of an object, which several rows may name.
    fn object(&mut self, text: &str, line: u64) -> Option<usize> {
        let Some(name) = MappedName::parse(text) else {
            self.fail(
                line,
                Some(text),
                "the object is named by none of objectGUID, distinguished name and UPN",
            );
            return None;
        };
        let key = name.to_string().to_lowercase();
        let (objects, next) = (&mut self.objects, self.places.len());
        Some(*self.places.entry(key).or_insert_with(|| {
            objects.push(MappedObject { name, line, changes: Vec::new() });
            next
        }))
    }

    fn add(
        &mut self,
        place: usize,
        attribute: &AttributeName,
        kind: MapKind,
        value: Option<&str>,
        line: u64,
    ) {
        if let Some(value) = value {
            let problem = match value {
                value if value.len() > MOST_OCTETS => {
                    Some((SourceErrorKind::TooLong, format!("is longer than {MOST_OCTETS} octets")))
                }
                value if value.contains('\0') => {
                    Some((SourceErrorKind::Refused, "has the character NUL, so it is no text".to_owned()))
                }
                _ => None,
            };
            if let Some((kind, problem)) = problem {
                let name = self.objects.get(place).map(|object| object.name.to_string());
                return self.fail_with(
                    kind,
                    line,
                    name.as_deref(),
                    format!("the value of {attribute} {problem}"),
                );
            }
        }
        let Some(object) = self.objects.get_mut(place) else { return };
        let known =
            object.changes.iter_mut().find(|change| change.kind == kind && change.attribute == *attribute);
        match known {
            Some(change) => {
                if let Some(value) = value.filter(|value| !change.values.iter().any(|known| known == value)) {
                    change.values.push(value.to_owned());
                }
            }
            None => object.changes.push(MappedChange {
                attribute: attribute.clone(),
                kind,
                values: value.map(str::to_owned).into_iter().collect(),
                line,
            }),
        }
    }

    /// Finds the changes of an object that do not go with each other.
    fn check(&mut self) {
        let mut problems = Vec::new();
        for object in &self.objects {
            let changes = &object.changes;
            for (place, change) in changes.iter().enumerate() {
                let others = changes.iter().take(place).filter(|other| other.attribute == change.attribute);
                for other in others {
                    let is_whole = |kind| matches!(kind, MapKind::Set | MapKind::Clear);
                    let same = other.values.iter().find(|value| change.values.contains(value));
                    let detail = if is_whole(change.kind) || is_whole(other.kind) {
                        format!("{} and {} of {}", other.kind, change.kind, change.attribute)
                    } else if same.is_some() {
                        format!("{} and {} of one value of {}", other.kind, change.kind, change.attribute)
                    } else {
                        continue;
                    };
                    problems.push((change.line, object.name.to_string(), detail, other.line));
                }
            }
        }
        for (line, name, detail, other) in problems {
            self.fail(line, Some(&name), format!("{detail} contradict each other (line {other})"));
        }
    }

    fn digest(&self) -> String {
        let mut lines: Vec<String> = (self.objects.iter())
            .flat_map(|object| {
                object.changes.iter().map(|change| {
                    let mut values = change.values.clone();
                    values.sort_unstable();
                    let attribute = change.attribute.as_str().to_ascii_lowercase();
                    format!(
                        "{} {} {attribute} {values:?}",
                        object.name.to_string().to_lowercase(),
                        change.kind
                    )
                })
            })
            .collect();
        lines.sort_unstable();
        let mut digest = Sha256::new();
        for line in lines {
            digest.update(line.as_bytes());
            digest.update([b'\n']);
        }
        digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    object: Vec<FileObject>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileObject {
    name: toml::Spanned<String>,
    #[serde(default)]
    set: BTreeMap<String, toml::Spanned<OneOrMore>>,
    #[serde(default)]
    add: BTreeMap<String, toml::Spanned<OneOrMore>>,
    #[serde(default)]
    remove: BTreeMap<String, toml::Spanned<OneOrMore>>,
    #[serde(default)]
    clear: Vec<toml::Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMore {
    One(String),
    More(Vec<String>),
}
