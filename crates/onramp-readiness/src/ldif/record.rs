//! The records of LDIF.

use std::fmt;

use onramp_core::forest::AttributeValue;
use onramp_core::{AttributeName, ParseError};

use super::AttributeDescription;
use crate::{DirectoryObject, FixChange};

/// A record of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Record {
    /// An object as it is.
    Content(Entry),
    /// A change of an object.
    Change(ChangeRecord),
}

impl Record {
    /// The distinguished name.
    pub fn dn(&self) -> &str {
        match self {
            Self::Content(entry) => entry.object.dn(),
            Self::Change(record) => &record.dn,
        }
    }

    /// The object, if the record has a whole one: as content, or to be added, as `ldifde` exports objects.
    pub fn object(&self) -> Option<&DirectoryObject> {
        match self {
            Self::Content(entry) | Self::Change(ChangeRecord { change: Change::Add(entry), .. }) => {
                Some(&entry.object)
            }
            Self::Change(_) => None,
        }
    }

    /// Turns the record into its object, if it has a whole one.
    pub fn into_object(self) -> Option<DirectoryObject> {
        match self {
            Self::Content(entry) | Self::Change(ChangeRecord { change: Change::Add(entry), .. }) => {
                Some(entry.object)
            }
            Self::Change(_) => None,
        }
    }
}

/// An object with what LDIF says beyond names and values.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Entry {
    /// The object.
    pub object: DirectoryObject,
    /// Descriptions with the options `binary` or `range=…` whose values are in the object.
    pub descriptions: Vec<AttributeDescription>,
    /// Values under other options; they are not in the object.
    pub tagged: Vec<(AttributeDescription, Vec<AttributeValue>)>,
}

impl Entry {
    /// Returns true if the file has only a range of the attribute's values.
    pub fn is_partial(&self, attribute: &AttributeName) -> bool {
        let mut ranges = self.descriptions.iter().filter(|description| {
            description.name() == attribute
                && description.options().any(|option| option.starts_with("range="))
        });
        let last = ranges.next_back();
        last.is_some_and(AttributeDescription::is_partial)
    }
}

impl From<DirectoryObject> for Entry {
    fn from(object: DirectoryObject) -> Self {
        Self { object, ..Self::default() }
    }
}

/// A change of one object.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ChangeRecord {
    /// Distinguished name, as the file has it.
    pub dn: String,
    /// Controls that the change is to be sent with.
    pub controls: Vec<Control>,
    /// The change.
    pub change: Change,
}

impl ChangeRecord {
    /// Creates a record without controls.
    pub fn new(dn: impl Into<String>, change: Change) -> Self {
        Self { dn: dn.into(), controls: Vec::new(), change }
    }

    /// The modification that a fix asks for: of each attribute the old values are deleted before the new ones are added,
    /// so that a directory refuses it as a whole if a value is not what it was.
    ///
    /// ```
    /// use onramp_readiness::{attributes::MAIL, FixChange, ldif::{ChangeRecord, Writer}};
    /// let change = FixChange { attribute: MAIL, remove: vec!["a b@x.de".into()], add: vec!["ab@x.de".into()] };
    /// let mut out = Writer::new(Vec::new());
    /// out.write_change(&ChangeRecord::of_fix("CN=Anna", &[change]))?;
    /// let expected = "version: 1\n\ndn: CN=Anna\nchangetype: modify\ndelete: mail\nmail: a b@x.de\n-\nadd: mail\n\
    ///                 mail: ab@x.de\n-\n";
    /// assert_eq!(out.finish()?, expected.as_bytes());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn of_fix(dn: impl Into<String>, changes: &[FixChange]) -> Self {
        let modification = |operation, attribute: &AttributeName, values: &[String]| Modification {
            operation,
            attribute: attribute.clone().into(),
            values: values.iter().map(AttributeValue::text).collect(),
        };
        let mut modifications = Vec::new();
        for change in changes {
            if !change.remove.is_empty() {
                modifications.push(modification(Operation::Delete, &change.attribute, &change.remove));
            }
            if !change.add.is_empty() {
                modifications.push(modification(Operation::Add, &change.attribute, &change.add));
            }
        }
        Self::new(dn, Change::Modify(modifications))
    }
}

/// The kind of a change, with what it needs.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Change {
    /// `changetype: add`.
    Add(Entry),
    /// `changetype: delete`.
    Delete,
    /// `changetype: modify`.
    Modify(Vec<Modification>),
    /// `changetype: modrdn` or `moddn`.
    Rename {
        /// New relative distinguished name.
        new_rdn: String,
        /// True if the values of the old one are deleted.
        delete_old_rdn: bool,
        /// Distinguished name of the new parent, if the object is moved.
        new_superior: Option<String>,
    },
}

/// The operation of a modification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Operation {
    /// `add`: the values come to those that are there.
    Add,
    /// `delete`: the values go; all, if none is named.
    Delete,
    /// `replace`: the values take the place of all that are there.
    Replace,
}

impl Operation {
    /// The word of LDIF.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Add => "add",
            Self::Delete => "delete",
            Self::Replace => "replace",
        }
    }
}

/// A modification of one attribute.
#[derive(Clone, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs)] // the modification of RFC 4511 has these parts
pub struct Modification {
    /// The operation.
    pub operation: Operation,
    /// The attribute.
    pub attribute: AttributeDescription,
    /// The values.
    pub values: Vec<AttributeValue>,
}

impl fmt::Debug for Modification {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Modification");
        shown.field("operation", &self.operation).field("attribute", &self.attribute);
        match self.attribute.name().holds_secret() {
            true => shown.field("values", &"***"),
            false => shown.field("values", &self.values),
        };
        shown.finish()
    }
}

/// A control (RFC 4511, 4.1.11).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Control {
    oid: AttributeName,
    is_critical: bool,
    value: Option<Vec<u8>>,
}

impl Control {
    /// Creates a control.
    ///
    /// ```
    /// use onramp_readiness::ldif::Control;
    /// assert!(Control::new("1.2.840.113556.1.4.805", true, None).is_ok());
    /// assert!(Control::new("treeDelete", true, None).is_err());
    /// ```
    ///
    /// # Errors
    /// Anything but an object identifier.
    pub fn new(oid: &str, is_critical: bool, value: Option<Vec<u8>>) -> Result<Self, ParseError> {
        let parsed = AttributeName::parse(oid).ok().filter(AttributeName::is_oid);
        match parsed {
            Some(oid) => Ok(Self { oid, is_critical, value }),
            None => Err(ParseError::new("object identifier", oid, "it is not numbers separated by dots")),
        }
    }

    /// The object identifier.
    pub fn oid(&self) -> &str {
        self.oid.as_str()
    }

    /// Returns true if the change must not be made without the control.
    pub fn is_critical(&self) -> bool {
        self.is_critical
    }

    /// The value.
    pub fn value(&self) -> Option<&[u8]> {
        self.value.as_deref()
    }
}
