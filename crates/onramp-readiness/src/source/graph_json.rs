//! Objects in JSON: users, groups and contacts as Microsoft Graph writes them, and maps of attributes.
//!
//! The file is an array, or pages `{"value": […]}` one after the other, or an object in each line. All of it is read as a
//! stream. Pages without the last one (`@odata.nextLink`) are an error at the end, because objects are missing.
//!
//! An object is one of these:
//!
//! - `{"dn": "CN=…", "attributes": {"mail": "…", "proxyAddresses": ["…"]}}`
//! - the same without `attributes`: `{"distinguishedName": "CN=…", "mail": "…"}`
//! - an object of Graph. Its properties become the attributes that synchronization fills them from: `surname` is `sn`,
//!   `jobTitle` is `title`, `companyName` is `company`, `onPremisesSamAccountName` is `sAMAccountName`, and so on. A name of
//!   sixteen octets in `onPremisesImmutableId` is `mS-DS-ConsistencyGuid`, too. Its type is the `objectClass`, if it has none.
//!   `id` stays `id`: it is no `objectGUID`.
//!
//! Values are text, numbers, `true` and `false` (as LDAP writes them, `TRUE` and `FALSE`), arrays of these, and
//! `{"base64": "…"}` for octets. GUIDs and SIDs in text become octets. `null` is a missing attribute. Names that no attribute can
//! have and other objects inside of an object are [reported](Reader::ignored) and not read; annotations (`@odata…`) are left out.
//!
//! Without a DN an object is named by its UPN, mail, display name or `id`.
//!
//! ```
//! use onramp_readiness::attributes::{PROXY_ADDRESSES, SN};
//! use onramp_readiness::source::graph_json::Reader;
//!
//! let text = r#"{"value": [{"id": "1", "userPrincipalName": "anna@x.de", "surname": "Müller",
//!                           "proxyAddresses": ["SMTP:anna@x.de", "smtp:a@x.de"]}]}"#;
//! let anna = Reader::new(text.as_bytes()).next().expect("an object")?;
//! assert_eq!((anna.dn(), anna.class(), anna.text(&SN)), ("anna@x.de", Some("user"), Some("Müller")));
//! assert_eq!(anna.values(&PROXY_ADDRESSES).len(), 2);
//! # Ok::<(), onramp_readiness::source::SourceError>(())
//! ```

use std::collections::BTreeSet;
use std::fmt;
use std::io::Read;
use std::iter::FusedIterator;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use onramp_core::AttributeName;
use onramp_core::forest::AttributeValue;
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::Value;

use super::json_objects::{JsonObject, JsonObjects};
use super::{Limits, SourceError, SourceErrorKind, TextReader, columns};
use crate::{DirectoryObject, attributes};

/// Properties of Graph, and the attributes that synchronization fills them from.
const PROPERTIES: [(&str, &str); 15] = [
    ("jobTitle", "title"),
    ("companyName", "company"),
    ("businessPhones", "telephoneNumber"),
    ("mobilePhone", "mobile"),
    ("faxNumber", "facsimileTelephoneNumber"),
    ("officeLocation", "physicalDeliveryOfficeName"),
    ("country", "co"),
    ("otherMails", "otherMailbox"),
    ("onPremisesSamAccountName", "sAMAccountName"),
    ("onPremisesDistinguishedName", "distinguishedName"),
    ("onPremisesSecurityIdentifier", "objectSid"),
    ("city", "l"),
    ("state", "st"),
    ("surname", "sn"),
    ("members", "member"),
];

/// Most names that are remembered as not read.
const MOST_IGNORED: usize = 100;

/// An iterator over the objects of a JSON file. The [module](self) says what it accepts.
///
/// An object that cannot be read is an error that names its line, and the next one follows.
pub struct Reader<R> {
    objects: JsonObjects<TextReader<R>>,
    source: Option<Arc<str>>,
    ignored: BTreeSet<String>,
}

impl<R: Read> Reader<R> {
    /// Creates a reader.
    pub fn new(input: R) -> Self {
        Self { objects: JsonObjects::new(TextReader::new(input)), source: None, ignored: BTreeSet::new() }
    }

    /// Sets the limits on the size of objects.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.objects.set_limits(limits);
        self
    }

    /// Sets the name of the source, which every object gets.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Arc<str>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// The names in the objects so far that were not read, a hundred at most.
    pub fn ignored(&self) -> impl Iterator<Item = &str> {
        self.ignored.iter().map(String::as_str)
    }

    fn object(&mut self, json: &JsonObject) -> Result<DirectoryObject, SourceError> {
        let pairs: Pairs = serde_json::from_slice(&json.octets).map_err(|error| {
            let line = json.line + (error.line() as u64).saturating_sub(1);
            let detail = format!("the object is not JSON (column {}): {}", error.column(), reason(&error));
            SourceError::new(SourceErrorKind::Syntax, line, detail)
        })?;
        let mut read =
            Properties { dn: None, kind: None, attributes: Vec::new(), ignored: &mut self.ignored };
        for (name, value) in pairs.0 {
            read.property(&name, value);
        }
        let Properties { dn, kind, attributes: read, .. } = read;
        let fail = |detail: &str| Err(SourceError::new(SourceErrorKind::Syntax, json.line, detail));
        let text = |name: &AttributeName| {
            let (_, values) = read.iter().find(|(attribute, _)| attribute == name)?;
            values.first()?.as_text().filter(|text| !text.is_empty()).map(str::to_owned)
        };
        let has = |name: &AttributeName| read.iter().any(|(attribute, _)| attribute == name);
        let class = match kind.as_deref() {
            _ if has(&attributes::OBJECT_CLASS) => None,
            Some("user") => Some("user"),
            Some("group") => Some("group"),
            Some("orgContact") => Some("contact"),
            Some(_) => None,
            None if has(&AttributeName::from_static("groupTypes")) => Some("group"),
            None if has(&AttributeName::from_static("id")) && has(&attributes::USER_PRINCIPAL_NAME) => {
                Some("user")
            }
            None => None,
        };
        let name = dn.filter(|dn| !dn.is_empty()).or_else(|| NAMES.iter().find_map(text));
        let Some(name) = name else {
            return fail("the object has no `dn`, nor a UPN, mail, display name or `id` that names it");
        };
        let mut object = DirectoryObject::new(name);
        if let Some(source) = &self.source {
            object = object.with_source(Arc::clone(source));
        }
        for (attribute, values) in read {
            object.append(attribute, values);
        }
        if let Some(class) = class {
            object.append(attributes::OBJECT_CLASS, vec![AttributeValue::text(class)]);
        }
        Ok(object)
    }
}

/// The attributes that name an object without a DN, the best one first.
const NAMES: [AttributeName; 6] = [
    attributes::DISTINGUISHED_NAME,
    attributes::USER_PRINCIPAL_NAME,
    attributes::MAIL,
    attributes::SAM_ACCOUNT_NAME,
    attributes::DISPLAY_NAME,
    AttributeName::from_static("id"),
];

impl<R: Read> Iterator for Reader<R> {
    type Item = Result<DirectoryObject, SourceError>;

    fn next(&mut self) -> Option<Self::Item> {
        let json = self.objects.next()?;
        Some(json.and_then(|json| self.object(&json)))
    }
}

impl<R: Read> FusedIterator for Reader<R> {}

impl<R> fmt::Debug for Reader<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader").field("source", &self.source).finish_non_exhaustive()
    }
}

/// An object while it is read.
struct Properties<'a> {
    dn: Option<String>,
    /// Type of Graph, without its namespace.
    kind: Option<String>,
    attributes: Vec<(AttributeName, Vec<AttributeValue>)>,
    ignored: &'a mut BTreeSet<String>,
}

impl Properties<'_> {
    fn property(&mut self, name: &str, value: Value) {
        match (name, value) {
            ("@odata.type", Value::String(kind)) => {
                self.kind = kind.rsplit('.').next().map(str::to_owned);
            }
            (name, Value::String(dn)) if name.eq_ignore_ascii_case("dn") => self.dn = Some(dn),
            ("attributes" | "onPremisesExtensionAttributes", Value::Object(inner)) => {
                for (name, value) in inner {
                    self.attribute(&name, value);
                }
            }
            (name, _) if name.contains('@') => {}
            (name, value) => self.attribute(name, value),
        }
    }

    fn attribute(&mut self, name: &str, value: Value) {
        let property = PROPERTIES.iter().find(|(property, _)| *property == name);
        let attribute = match property {
            Some((_, attribute)) => attributes::parse(attribute).ok(),
            None => columns::attribute_of(name),
        };
        let Some(attribute) = attribute else { return self.ignore(name) };
        if name == "onPremisesImmutableId"
            && let Value::String(text) = &value
            && let Some(octets) = STANDARD.decode(text).ok().filter(|octets| octets.len() == 16)
        {
            self.attributes.push((attributes::CONSISTENCY_GUID, vec![AttributeValue::bytes(octets)]));
        }
        let mut values = Vec::new();
        let many = match value {
            Value::Array(many) => many,
            one => vec![one],
        };
        for one in many {
            if !push(&attribute, one, &mut values) {
                self.ignore(name);
            }
        }
        if !values.is_empty() {
            self.attributes.push((attribute, values));
        }
    }

    fn ignore(&mut self, name: &str) {
        if self.ignored.len() < MOST_IGNORED {
            self.ignored.insert(super::shortened(name));
        }
    }
}

/// Adds a value; false if it is none.
fn push(attribute: &AttributeName, value: Value, values: &mut Vec<AttributeValue>) -> bool {
    match value {
        Value::Null => {}
        Value::Bool(true) => values.push(AttributeValue::text("TRUE")),
        Value::Bool(false) => values.push(AttributeValue::text("FALSE")),
        Value::Number(number) => values.push(AttributeValue::text(number.to_string())),
        // A GUID that is none is kept as it is: it is the rules that judge.
        Value::String(text) => {
            values.push(columns::typed(attribute, &text).unwrap_or_else(|| AttributeValue::text(text)))
        }
        Value::Array(_) => return false,
        Value::Object(object) => {
            match object.get("base64").map(|text| STANDARD.decode(text.as_str().unwrap_or("!"))) {
                Some(Ok(octets)) if object.len() == 1 => values.push(AttributeValue::bytes(octets)),
                _ => return false,
            }
        }
    }
    true
}

/// The reason without a place, which is told by the line of the file.
fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.rsplit_once(" at line ").map_or(text.as_str(), |(reason, _)| reason).to_owned()
}

/// The properties of an object in their order.
struct Pairs(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visit;
        impl<'de> Visitor<'de> for Visit {
            type Value = Pairs;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }
        deserializer.deserialize_map(Visit)
    }
}
