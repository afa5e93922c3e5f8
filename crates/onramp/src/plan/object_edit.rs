//! The changes of the attributes of an object, as a plan keeps them.

use std::fmt;

use onramp_core::forest::{AttributeChange, AttributeValue, ObjectChange};
use onramp_core::{AttributeName, DistinguishedName, ObjectGuid, visible};
use serde::{Deserialize, Serialize};

/// The changes of the attributes of an object: all of them happen in one operation, or nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ObjectEdit {
    /// The `objectGUID`.
    pub guid: ObjectGuid,
    /// The place of the object when the change was planned.
    pub dn: DistinguishedName,
    /// The changes; each attribute once.
    pub attributes: Vec<AttributeEdit>,
}

/// The change of one attribute: values that must be there and go, and values that come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AttributeEdit {
    /// The attribute.
    pub attribute: AttributeName,
    /// True for an attribute with one value, false for one with several, whose other values stay.
    pub replaces_all_values: bool,
    /// Values that must be there, and go.
    #[serde(default, skip_serializing_if = "Vec::is_empty", with = "values")]
    pub remove: Vec<AttributeValue>,
    /// Values that come.
    #[serde(default, skip_serializing_if = "Vec::is_empty", with = "values")]
    pub add: Vec<AttributeValue>,
}

impl ObjectEdit {
    /// Returns the edit that takes this one back.
    #[must_use]
    pub(crate) fn reversed(&self) -> Self {
        let reversed = |edit: &AttributeEdit| AttributeEdit {
            remove: edit.add.clone(),
            add: edit.remove.clone(),
            ..edit.clone()
        };
        let attributes = self.attributes.iter().map(reversed).collect();
        Self { guid: self.guid, dn: self.dn.clone(), attributes }
    }

    /// Returns the object and its values before and after, for a digest: the place of the object is none of it.
    pub(crate) fn key(&self) -> String {
        let attributes = self.attributes.iter();
        let kinds = attributes.map(|edit| format!("{} {}", edit.attribute, edit.replaces_all_values));
        format!("{} {:?} {:?} {:?}", self.guid, kinds.collect::<Vec<_>>(), self.before(), self.after())
    }

    /// Returns the title for a journal: the attributes and the object, without values.
    pub(crate) fn title(&self) -> String {
        let names: Vec<&str> = self.attributes.iter().map(|edit| edit.attribute.as_str()).collect();
        format!("change {} of {}", names.join(", "), self.dn)
    }

    /// Returns the values that go as lines of LDIF (RFC 2849), for a journal.
    pub(crate) fn before(&self) -> String {
        self.lines(|edit| &edit.remove)
    }

    /// Returns the values that come as lines of LDIF (RFC 2849), for a journal.
    pub(crate) fn after(&self) -> String {
        self.lines(|edit| &edit.add)
    }

    fn lines(&self, values: impl Fn(&AttributeEdit) -> &[AttributeValue]) -> String {
        let lines = self.attributes.iter().flat_map(|edit| {
            values(edit).iter().map(|value| match value.as_text().filter(|text| is_plain(text)) {
                Some(text) => format!("{}: {text}", edit.attribute),
                None => format!("{}:: {}", edit.attribute, values::encode(value.as_bytes())),
            })
        });
        lines.collect::<Vec<_>>().join("\n")
    }
}

impl ObjectEdit {
    /// Returns the first value of an attribute among the lines of a journal.
    pub(crate) fn value_in(lines: &str, attribute: &str) -> Option<String> {
        lines.lines().find_map(|line| {
            let (_, rest) = line.split_once(':').filter(|(name, _)| name.eq_ignore_ascii_case(attribute))?;
            match rest.strip_prefix(':') {
                Some(encoded) => String::from_utf8(values::decode(encoded.trim())?).ok(),
                None => Some(rest.strip_prefix(' ').unwrap_or(rest).to_owned()),
            }
        })
    }
}

/// Returns true for a value that LDIF has as it is.
fn is_plain(text: &str) -> bool {
    let is_safe = |c: char| c.is_ascii() && !matches!(c, '\0' | '\n' | '\r');
    text.chars().all(is_safe) && !text.starts_with([' ', ':', '<']) && !text.ends_with(' ')
}

impl AttributeEdit {
    /// Returns true if it changes the UPN.
    pub(crate) fn is_of_upn(&self) -> bool {
        self.attribute == AttributeName::from_static("userPrincipalName")
    }
}

impl From<&ObjectEdit> for ObjectChange {
    fn from(edit: &ObjectEdit) -> Self {
        let change = ObjectChange::new(edit.guid, edit.dn.clone());
        edit.attributes.iter().fold(change, |change, edit| {
            let AttributeEdit { attribute, replaces_all_values, remove, add } = edit.clone();
            let mut attribute = AttributeChange::edit(attribute, remove, add);
            attribute.replaces_all_values = replaces_all_values;
            change.with(attribute)
        })
    }
}

impl fmt::Display for ObjectEdit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", visible(self.dn.as_str()))?;
        for (place, edit) in self.attributes.iter().enumerate() {
            let joint = if place == 0 { ": " } else { "; " };
            write!(f, "{joint}{edit}")?;
        }
        Ok(())
    }
}

impl fmt::Display for AttributeEdit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let quoted = |values: &[AttributeValue]| {
            let all = values.iter().map(|value| format!("\"{}\"", visible(&value.to_string())));
            all.collect::<Vec<_>>().join(", ")
        };
        let name = &self.attribute;
        match (self.remove.as_slice(), self.add.as_slice()) {
            (old, []) => write!(f, "remove {name} {}", quoted(old)),
            ([], new) => write!(f, "add {name} {}", quoted(new)),
            (old, new) => write!(f, "{name} {} to {}", quoted(old), quoted(new)),
        }
    }
}

/// Values in files: text as it is, octets that are none in Base64.
mod values {
    use base64::prelude::{BASE64_STANDARD, Engine};
    use onramp_core::forest::AttributeValue;
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

    #[derive(Serialize, Deserialize)]
    #[serde(untagged)]
    enum Value {
        Text(String),
        Octets { base64: String },
    }

    pub(super) fn encode(octets: &[u8]) -> String {
        BASE64_STANDARD.encode(octets)
    }

    pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
        BASE64_STANDARD.decode(text).ok()
    }

    pub(super) fn serialize<S: Serializer>(values: &[AttributeValue], to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(values.iter().map(|value| match value.as_text() {
            Some(text) => Value::Text(text.to_owned()),
            None => Value::Octets { base64: encode(value.as_bytes()) },
        }))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<AttributeValue>, D::Error> {
        let values = Vec::<Value>::deserialize(from)?.into_iter().map(|value| match value {
            Value::Text(text) => Ok(AttributeValue::text(text)),
            Value::Octets { base64 } => {
                BASE64_STANDARD.decode(base64).map(AttributeValue::bytes).map_err(de::Error::custom)
            }
        });
        values.collect()
    }
}
