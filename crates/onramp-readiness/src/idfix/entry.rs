//! An object as IdFix fetched it.

use onramp_core::AttributeName;
use onramp_core::forest::AttributeValue;

use super::mode::IdfixMode;
use crate::DirectoryObject;
use crate::attributes::{CN, OBJECT_CLASS};

/// The text of a value that is no text: .NET's name of its type.
pub(super) const OCTETS: &str = "System.Byte[]";

/// An object with those of its attributes that the mode fetches.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry<'a> {
    object: &'a DirectoryObject,
    mode: IdfixMode,
}

impl<'a> Entry<'a> {
    pub(super) fn new(object: &'a DirectoryObject, mode: IdfixMode) -> Self {
        Self { object, mode }
    }

    pub(super) fn object(self) -> &'a DirectoryObject {
        self.object
    }

    pub(super) fn mode(self) -> IdfixMode {
        self.mode
    }

    /// The values of an attribute; none if the mode does not fetch it.
    pub(super) fn values(self, attribute: &AttributeName) -> &'a [AttributeValue] {
        if self.mode.attributes().contains(attribute) { self.object.values(attribute) } else { &[] }
    }

    pub(super) fn has(self, attribute: &AttributeName) -> bool {
        !self.values(attribute).is_empty()
    }

    /// The first value of an attribute.
    pub(super) fn text(self, attribute: &AttributeName) -> Option<&'a str> {
        self.values(attribute).first().map(text_of)
    }

    /// The common name; empty if the object has none.
    pub(super) fn common_name(self) -> &'a str {
        self.text(&CN).unwrap_or_default()
    }

    /// The type: the last value of `objectClass` (`ComposedRule.GetObjectType`).
    pub(super) fn object_type(self) -> Option<&'a str> {
        self.values(&OBJECT_CLASS).last().map(text_of)
    }

    /// Returns true if the type is exactly this one, in any case. A subclass is another type.
    pub(super) fn is(self, object_type: &str) -> bool {
        self.object_type().is_some_and(|own| own.eq_ignore_ascii_case(object_type))
    }
}

pub(super) fn text_of(value: &AttributeValue) -> &str {
    value.as_text().unwrap_or(OCTETS)
}
