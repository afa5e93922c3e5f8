//! The writer of LDIF.

use std::fmt;
use std::io::{self, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use onramp_core::forest::AttributeValue;

use super::{AttributeDescription, Change, ChangeRecord, Entry, Record};
use crate::DirectoryObject;

/// Octets of a line.
const WIDTH: usize = 76;

/// A writer of LDIF: `version: 1`, lines of at most 76 octets, and base64 for every value that is not a SAFE-STRING of RFC
/// 2849 or ends with a space. [`Reader`](super::Reader) reads back what it writes, octet by octet.
///
/// ```
/// use onramp_readiness::DirectoryObject;
/// use onramp_readiness::attributes::{DISPLAY_NAME, MAIL};
/// use onramp_readiness::ldif::Writer;
/// let mut out = Writer::new(Vec::new());
/// let anna = DirectoryObject::new("CN=Anna").with_text(MAIL, "anna@x.de").with_text(DISPLAY_NAME, "Änna");
/// out.write_object(&anna)?;
/// let expected = "version: 1\n\ndn: CN=Anna\nmail: anna@x.de\ndisplayName:: w4RubmE=\n";
/// assert_eq!(out.finish()?, expected.as_bytes());
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct Writer<W> {
    out: W,
    line: Vec<u8>,
    records: Option<Records>,
    has_version: bool,
}

/// The one kind of records in a file (RFC 2849: a file has content or changes).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Records {
    Content,
    Changes,
}

impl<W: Write> Writer<W> {
    /// Creates a writer. A file wants a buffer before it.
    pub fn new(out: W) -> Self {
        Self { out, line: Vec::new(), records: None, has_version: false }
    }

    /// Writes a record.
    ///
    /// # Errors
    /// Those of the output, and content in a file of changes or the other way round.
    pub fn write(&mut self, record: &Record) -> io::Result<()> {
        match record {
            Record::Content(entry) => self.write_entry(entry),
            Record::Change(record) => self.write_change(record),
        }
    }

    /// Writes an object as content.
    ///
    /// # Errors
    /// As of [`write`](Self::write).
    pub fn write_object(&mut self, object: &DirectoryObject) -> io::Result<()> {
        self.begin(Records::Content, object.dn())?;
        self.attributes(object, &[])
    }

    /// Writes an object as content, with the options of its attributes.
    ///
    /// # Errors
    /// As of [`write`](Self::write).
    pub fn write_entry(&mut self, entry: &Entry) -> io::Result<()> {
        self.begin(Records::Content, entry.object.dn())?;
        self.entry(entry)
    }

    /// Writes a change.
    ///
    /// # Errors
    /// As of [`write`](Self::write), and a modification that adds no value, which would be no LDIF.
    pub fn write_change(&mut self, record: &ChangeRecord) -> io::Result<()> {
        if let Change::Modify(modifications) = &record.change
            && let Some(empty) = modifications
                .iter()
                .find(|one| one.operation == super::Operation::Add && one.values.is_empty())
        {
            return Err(invalid(format!("a modification adds no value of {}", empty.attribute)));
        }
        self.begin(Records::Changes, &record.dn)?;
        for control in &record.controls {
            self.control(control)?;
        }
        match &record.change {
            Change::Add(entry) => {
                self.value("changetype", b"add")?;
                self.entry(entry)
            }
            Change::Delete => self.value("changetype", b"delete"),
            Change::Modify(modifications) => {
                self.value("changetype", b"modify")?;
                for modification in modifications {
                    let attribute = modification.attribute.to_string();
                    self.value(modification.operation.as_str(), attribute.as_bytes())?;
                    for value in &modification.values {
                        self.value(&attribute, value.as_bytes())?;
                    }
                    self.out.write_all(b"-\n")?;
                }
                Ok(())
            }
            Change::Rename { new_rdn, delete_old_rdn, new_superior } => {
                self.value("changetype", if new_superior.is_some() { b"moddn" } else { b"modrdn" })?;
                self.value("newrdn", new_rdn.as_bytes())?;
                self.value("deleteoldrdn", if *delete_old_rdn { b"1" } else { b"0" })?;
                match new_superior {
                    Some(parent) => self.value("newsuperior", parent.as_bytes()),
                    None => Ok(()),
                }
            }
        }
    }

    /// Writes a comment before the next record, each line of it after `# `. Characters other than visible ASCII are escaped.
    ///
    /// # Errors
    /// Those of the output.
    pub fn write_comment(&mut self, text: &str) -> io::Result<()> {
        self.version()?;
        self.out.write_all(b"\n")?;
        for line in text.lines() {
            self.line.clear();
            self.line.extend_from_slice(b"# ");
            for character in line.chars() {
                match character {
                    ' '..='~' => self.line.push(character as u8),
                    other => self.line.extend_from_slice(other.escape_unicode().to_string().as_bytes()),
                }
            }
            self.folded()?;
        }
        Ok(())
    }

    /// Flushes and returns the output. A file without records has its version.
    ///
    /// # Errors
    /// Those of the output.
    pub fn finish(mut self) -> io::Result<W> {
        self.version()?;
        self.out.flush()?;
        Ok(self.out)
    }

    fn version(&mut self) -> io::Result<()> {
        if self.has_version {
            return Ok(());
        }
        self.has_version = true;
        self.out.write_all(b"version: 1\n")
    }

    fn begin(&mut self, records: Records, dn: &str) -> io::Result<()> {
        if *self.records.get_or_insert(records) != records {
            return Err(invalid("a file of LDIF has objects or changes, not both: write another file"));
        }
        self.version()?;
        self.out.write_all(b"\n")?;
        self.value("dn", dn.as_bytes())
    }

    fn entry(&mut self, entry: &Entry) -> io::Result<()> {
        self.attributes(&entry.object, &entry.descriptions)?;
        for (description, values) in &entry.tagged {
            self.values(&description.to_string(), values)?;
        }
        Ok(())
    }

    fn attributes(&mut self, object: &DirectoryObject, described: &[AttributeDescription]) -> io::Result<()> {
        for (attribute, values) in object.attributes() {
            // The last one: of several ranges it tells if there are more.
            match described.iter().rfind(|description| description.name() == attribute) {
                Some(description) => self.values(&description.to_string(), values)?,
                None => self.values(attribute.as_str(), values)?,
            }
        }
        Ok(())
    }

    fn values(&mut self, name: &str, values: &[AttributeValue]) -> io::Result<()> {
        values.iter().try_for_each(|value| self.value(name, value.as_bytes()))
    }

    fn control(&mut self, control: &super::Control) -> io::Result<()> {
        self.line.clear();
        self.line.extend_from_slice(b"control: ");
        self.line.extend_from_slice(control.oid().as_bytes());
        self.line.extend_from_slice(if control.is_critical() { b" true" } else { b" false" });
        if let Some(value) = control.value() {
            self.push_value(value);
        }
        self.folded()
    }

    fn value(&mut self, name: &str, value: &[u8]) -> io::Result<()> {
        self.line.clear();
        self.line.extend_from_slice(name.as_bytes());
        self.push_value(value);
        self.folded()
    }

    fn push_value(&mut self, value: &[u8]) {
        if value.is_empty() {
            self.line.push(b':');
        } else if is_safe(value) {
            self.line.extend_from_slice(b": ");
            self.line.extend_from_slice(value);
        } else {
            self.line.extend_from_slice(b":: ");
            self.line.extend_from_slice(STANDARD.encode(value).as_bytes());
        }
    }

    /// Writes the line, folded. It is ASCII, so no character is cut.
    fn folded(&mut self) -> io::Result<()> {
        let (first, rest) = self.line.split_at(self.line.len().min(WIDTH));
        self.out.write_all(first)?;
        for part in rest.chunks(WIDTH - 1) {
            self.out.write_all(b"\n ")?;
            self.out.write_all(part)?;
        }
        self.out.write_all(b"\n")
    }
}

impl<W> fmt::Debug for Writer<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer").field("records", &self.records).finish_non_exhaustive()
    }
}

fn invalid(detail: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, detail.into())
}

/// Returns true for a SAFE-STRING (RFC 2849) that does not end with a space.
fn is_safe(value: &[u8]) -> bool {
    !matches!(value.first(), Some(b' ' | b':' | b'<'))
        && value.last() != Some(&b' ')
        && value.iter().all(|&byte| byte.is_ascii() && !matches!(byte, 0 | b'\n' | b'\r'))
}
