//! An object as the ports give it, from what was found.

use onramp_core::forest::{AttributeValue, ForestObject};
use onramp_core::{AttributeName, DistinguishedName, Error, ErrorKind, ObjectGuid, ParseError, Result};

use crate::reading::entry::Entry;

const OBJECT_GUID: &str = "objectGUID";

/// What to ask for: the attributes, and the GUID in any case.
pub(crate) fn names(attributes: &[AttributeName]) -> Vec<&str> {
    let asked = attributes.iter().map(AttributeName::as_str);
    let others = asked.filter(|name| !name.eq_ignore_ascii_case(OBJECT_GUID));
    [OBJECT_GUID].into_iter().chain(others).collect()
}

/// An object with those of its attributes that were asked for.
pub(crate) fn object(entry: Entry, attributes: &[AttributeName]) -> Result<ForestObject> {
    let (guid, dn) = identity(&entry)?;
    let mut object = ForestObject::new(guid, dn);
    for (name, values) in entry.into_attributes() {
        // Under the name it was asked for by; a name that nobody asked for can only be an answer to a number.
        let asked = attributes.iter().find(|asked| asked.as_str().eq_ignore_ascii_case(&name)).cloned();
        let by_number = || attributes.iter().any(|asked| asked.as_str().contains('.'));
        let own = |name: &str| ![OBJECT_GUID, "uSNCreated"].iter().any(|own| own.eq_ignore_ascii_case(name));
        let name = match asked {
            Some(asked) => asked,
            None if by_number() && own(&name) => AttributeName::parse(&name)?,
            None => continue,
        };
        object.attributes.insert(name, values.into_iter().map(AttributeValue::bytes).collect());
    }
    Ok(object)
}

/// What it is known by whatever becomes of its name, and its name.
pub(crate) fn identity(entry: &Entry) -> Result<(ObjectGuid, DistinguishedName)> {
    let odd = |error: ParseError| {
        Error::new(ErrorKind::Invalid, "read the object").object(&entry.dn).detail(error.to_string())
    };
    let guid = entry.bytes("objectGUID").ok_or_else(|| {
        Error::new(ErrorKind::Forbidden, "read the object")
            .object(&entry.dn)
            .detail("its objectGUID is not visible to this account")
            .hint("Sign in with an account that may read the directory.")
    })?;
    Ok((ObjectGuid::from_slice(guid).map_err(odd)?, DistinguishedName::parse(&entry.dn).map_err(odd)?))
}
