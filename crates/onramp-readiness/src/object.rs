//! The objects that rules judge.

use std::fmt;
use std::sync::Arc;

use onramp_core::forest::{AttributeValue, ForestObject, ForestUser};
use onramp_core::{AttributeName, ObjectGuid, comparison_key};

use crate::{Fix, ObjectKey, attributes as a};

/// An object of a directory, as a source of any kind has it: names and values are kept octet by octet, in the source's
/// order, valid or not.
///
/// ```
/// use onramp_core::AttributeName;
/// use onramp_readiness::DirectoryObject;
/// const MAIL: AttributeName = AttributeName::from_static("mail");
/// let object = DirectoryObject::new("CN=Anna,DC=corp,DC=local").with_text(MAIL, "anna@contoso.com");
/// assert_eq!(object.text(&MAIL), Some("anna@contoso.com"));
/// assert_eq!(object.values(&AttributeName::from_static("proxyAddresses")).len(), 0);
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct DirectoryObject {
    dn: String,
    guid: Option<ObjectGuid>,
    source: Option<Arc<str>>,
    attributes: Vec<(AttributeName, Vec<AttributeValue>)>,
}

impl DirectoryObject {
    /// Creates an object without attributes. The distinguished name is kept as the source writes it; an object of
    /// Microsoft Graph has none, and its UPN or display name stands here.
    pub fn new(dn: impl Into<String>) -> Self {
        Self { dn: dn.into(), ..Self::default() }
    }

    /// Sets the GUID.
    #[must_use]
    pub fn with_guid(mut self, guid: ObjectGuid) -> Self {
        self.guid = Some(guid);
        self
    }

    /// Sets the distinguished name, of an object that was moved.
    pub(crate) fn with_dn(mut self, dn: String) -> Self {
        self.dn = dn;
        self
    }

    /// Sets the name of the source: a forest or a file.
    #[must_use]
    pub fn with_source(mut self, source: Arc<str>) -> Self {
        self.source = Some(source);
        self
    }

    /// Adds a value of text.
    #[must_use]
    pub fn with_text(mut self, attribute: AttributeName, value: impl Into<String>) -> Self {
        self.push(attribute, AttributeValue::text(value));
        self
    }

    /// Adds a value to an attribute, after those that it has. An `objectGUID` of 16 octets is the object's GUID, too.
    pub fn push(&mut self, attribute: AttributeName, value: AttributeValue) {
        if attribute == crate::attributes::OBJECT_GUID && self.guid.is_none() {
            self.guid = ObjectGuid::from_slice(value.as_bytes()).ok();
        }
        match self.attributes.iter_mut().find(|(name, _)| *name == attribute) {
            Some((_, values)) => values.push(value),
            None => self.attributes.push((attribute, vec![value])),
        }
    }

    /// Adds values to an attribute, after those that it has.
    pub(crate) fn append(&mut self, attribute: AttributeName, values: Vec<AttributeValue>) {
        if self.guid.is_none() && attribute == crate::attributes::OBJECT_GUID {
            self.guid = values.iter().find_map(|value| ObjectGuid::from_slice(value.as_bytes()).ok());
        }
        match self.attributes.iter_mut().find(|(name, _)| *name == attribute) {
            Some((_, present)) => present.extend(values),
            None if values.is_empty() => {}
            None => self.attributes.push((attribute, values)),
        }
    }

    /// Replaces all values of an attribute; none removes it.
    pub fn set(&mut self, attribute: AttributeName, values: Vec<AttributeValue>) {
        self.attributes.retain(|(name, _)| *name != attribute);
        if !values.is_empty() {
            self.attributes.push((attribute, values));
        }
    }

    /// Returns the object as it is after a fix; `None` if a value that the fix removes is not there, or if one that it adds is,
    /// as a directory compares values.
    #[must_use]
    pub fn with_fix(&self, fix: &Fix) -> Option<Self> {
        let mut fixed = self.clone();
        for change in &fix.changes {
            let mut values = fixed.values(&change.attribute).to_vec();
            let mut added = change.add.iter();
            for old in &change.remove {
                let at = values.iter().position(|value| value.as_bytes() == old.as_bytes())?;
                match added.next() {
                    Some(new) => *values.get_mut(at)? = AttributeValue::text(new.clone()),
                    None => {
                        values.remove(at);
                    }
                }
            }
            values.extend(added.map(|new| AttributeValue::text(new.clone())));
            for new in change.add.iter().map(|new| comparison_key(new)) {
                let is_it =
                    |value: &&AttributeValue| value.as_text().is_some_and(|text| comparison_key(text) == new);
                if values.iter().filter(is_it).nth(1).is_some() {
                    return None;
                }
            }
            fixed.set(change.attribute.clone(), values);
        }
        Some(fixed)
    }

    /// The distinguished name, as the source writes it.
    pub fn dn(&self) -> &str {
        &self.dn
    }

    /// The GUID, if the source tells it.
    pub fn guid(&self) -> Option<ObjectGuid> {
        self.guid
    }

    /// The name of the source.
    pub fn source(&self) -> Option<&str> {
        self.source.as_deref()
    }

    /// The attributes with their values, in the order in which they came.
    pub fn attributes(&self) -> impl Iterator<Item = (&AttributeName, &[AttributeValue])> {
        self.attributes.iter().map(|(name, values)| (name, values.as_slice()))
    }

    /// The values of an attribute; none if the object lacks it.
    pub fn values(&self, attribute: &AttributeName) -> &[AttributeValue] {
        self.attributes.iter().find(|(name, _)| name == attribute).map_or(&[], |(_, values)| values)
    }

    /// The first value of an attribute, if it is text.
    pub fn text(&self, attribute: &AttributeName) -> Option<&str> {
        self.values(attribute).first()?.as_text()
    }

    /// The most specific object class: the last value of `objectClass`.
    pub fn class(&self) -> Option<&str> {
        self.values(&crate::attributes::OBJECT_CLASS).last()?.as_text()
    }

    /// Returns true if a value of `objectClass` is the class, in any case: a subclass of it counts.
    pub fn has_class(&self, class: &str) -> bool {
        self.values(&crate::attributes::OBJECT_CLASS)
            .iter()
            .any(|value| value.as_text().is_some_and(|text| text.eq_ignore_ascii_case(class)))
    }

    /// The key of the object in findings.
    pub fn key(&self) -> ObjectKey {
        ObjectKey { dn: self.dn.clone(), guid: self.guid, source: self.source.as_deref().map(str::to_owned) }
    }
}

impl From<&ForestUser> for DirectoryObject {
    fn from(user: &ForestUser) -> Self {
        let mut object = Self::new(user.dn.as_str()).with_guid(user.guid);
        let texts = [
            (a::OBJECT_CLASS, Some("user")),
            (a::SAM_ACCOUNT_NAME, Some(user.sam_account_name.as_str())),
            (a::USER_PRINCIPAL_NAME, user.upn.as_deref()),
            (a::MAIL, user.mail.as_deref()),
            (a::DISPLAY_NAME, user.display_name.as_deref()),
        ];
        for (attribute, value) in texts {
            object.append(attribute, value.map(AttributeValue::text).into_iter().collect());
        }
        let proxies = user.proxy_addresses.iter().map(AttributeValue::text).collect();
        object.append(a::PROXY_ADDRESSES, proxies);
        let octets = |octets: Option<Vec<u8>>| octets.map(AttributeValue::bytes).into_iter().collect();
        object.append(a::OBJECT_SID, octets(user.sid.as_ref().map(onramp_core::Sid::to_bytes)));
        object.append(a::CONSISTENCY_GUID, octets(user.consistency_guid.clone()));
        object
    }
}

impl From<ForestObject> for DirectoryObject {
    fn from(object: ForestObject) -> Self {
        Self {
            dn: object.dn.as_str().to_owned(),
            guid: Some(object.guid),
            source: None,
            attributes: object.attributes.into_iter().collect(),
        }
    }
}

impl fmt::Debug for DirectoryObject {
    /// All of the object, but not the values of attributes that hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.attributes.iter().map(|(name, values)| {
            let values: &[AttributeValue] = if name.holds_secret() { &[] } else { values };
            (name.as_str(), values)
        });
        f.debug_struct("DirectoryObject")
            .field("dn", &self.dn)
            .field("guid", &self.guid)
            .field("source", &self.source)
            .field("attributes", &shown.collect::<Vec<_>>())
            .finish()
    }
}
