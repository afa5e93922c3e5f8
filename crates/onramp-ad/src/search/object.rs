//! Conversion of entries into the objects of the ports.

use onramp_core::forest::{AttributeValue, ForestObject};
use onramp_core::{AttributeName, DistinguishedName, Error, ErrorKind, ObjectGuid, ParseError, Result};

use crate::search::entry::Entry;

const OBJECT_GUID: &str = "objectGUID";

/// Returns the attributes to request: `objectGUID` and the given ones.
pub(crate) fn names(attributes: &[AttributeName]) -> Vec<&str> {
    let asked = attributes.iter().map(AttributeName::as_str);
    let others = asked.filter(|name| !name.eq_ignore_ascii_case(OBJECT_GUID));
    [OBJECT_GUID].into_iter().chain(others).collect()
}

/// Converts an entry, with the requested attributes only.
pub(crate) fn object(entry: Entry, attributes: &[AttributeName]) -> Result<ForestObject> {
    let (guid, dn) = identity(&entry)?;
    let mut object = ForestObject::new(guid, dn);
    for (name, values) in entry.into_attributes() {
        // Each attribute gets the name by which it was requested. An unknown name is the answer to a request
        // by OID.
        let asked = attributes.iter().find(|asked| asked.as_str().eq_ignore_ascii_case(&name)).cloned();
        let by_number = || attributes.iter().any(|asked| asked.as_str().contains('.'));
        let own = |name: &str| ![OBJECT_GUID, "uSNCreated"].iter().any(|own| own.eq_ignore_ascii_case(name));
        let name = match asked {
            Some(asked) => asked,
            None if by_number() && own(&name) => {
                AttributeName::parse(&name).map_err(|error| unreadable_at(&object.dn, error.to_string()))?
            }
            None => continue,
        };
        object.attributes.insert(name, values.into_iter().map(AttributeValue::bytes).collect());
    }
    Ok(object)
}

/// Returns the GUID, which identifies an object for its whole life, and the distinguished name.
pub(crate) fn identity(entry: &Entry) -> Result<(ObjectGuid, DistinguishedName)> {
    let hidden = || {
        unreadable(entry, "its objectGUID is not visible to this account")
            .with_hint("Sign in with an account that may read the directory.")
    };
    let guid = entry.bytes(OBJECT_GUID).ok_or_else(hidden)?;
    let guid = ObjectGuid::from_slice(guid).map_err(|error| invalid_value(entry, &error))?;
    let dn = entry.name().map_err(|error| invalid_value(entry, &error))?;
    Ok((guid, dn))
}

/// Creates the error of an object with an invalid value.
pub(crate) fn invalid_value(entry: &Entry, error: &ParseError) -> Error {
    unreadable(entry, error.to_string())
        .with_hint("Correct the object in Active Directory; it is skipped until then.")
}

/// Creates the error of an unreadable object.
pub(crate) fn unreadable(entry: &Entry, why: impl Into<String>) -> Error {
    unreadable_at(shown(&entry.dn), why)
}

fn unreadable_at(dn: impl std::fmt::Display, why: impl Into<String>) -> Error {
    Error::new(ErrorKind::Unreadable, "read the object").with_object(dn).with_detail(why)
}

/// Replaces control characters, for display.
fn shown(dn: &str) -> String {
    dn.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attribute_that_came_under_no_name_makes_the_object_unreadable() {
        let entry = Entry::of_texts("CN=a,DC=b", &[("objectGUID", "0123456789abcdef"), ("no name", "x")]);
        let by_number = [AttributeName::parse("2.5.4.3").unwrap()];
        let error = object(entry.clone(), &by_number).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unreadable);
        assert_eq!(error.object(), Some("CN=a,DC=b"));
        assert!(object(entry, &[]).is_ok(), "an attribute that was not requested");
    }
}
