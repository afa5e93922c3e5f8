//! Decoding of objects, with errors that name the object.

use onramp_core::{Error, ErrorKind, Result};
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_path_to_error::{Path, Segment};

use crate::http::request::Request;

/// Decodes one object of a response. The error names the object.
///
/// # Errors
/// `Unreadable` if it is not a `T`.
pub fn decode_object<T: DeserializeOwned>(request: &Request, object: &Value) -> Result<T> {
    serde_path_to_error::deserialize(object).map_err(|error| {
        // serde's own message may quote a value.
        let what = match invalid_member::<T>(object, error.path()) {
            Some(member) => format!("its {member} does not have the expected type"),
            None => "it does not have the expected form".to_owned(),
        };
        unreadable_object(&name(object), &format!("{what} (asked to {})", request.action))
    })
}

/// Returns the error for an object that cannot be decoded.
pub fn unreadable_object(name: &str, why: &str) -> Error {
    Error::new(ErrorKind::Unreadable, "read what the service tells of").with_object(name).with_detail(why)
}

/// Returns the names by which administrators know the object.
fn name(object: &Value) -> String {
    let text = |member: &str| object.get(member).and_then(Value::as_str).filter(|text| !text.is_empty());
    let name = ["userPrincipalName", "displayName", "mail"].into_iter().find_map(text);
    match (name, text("id")) {
        (Some(name), Some(id)) => format!("{name} ({id})"),
        (Some(one), None) | (None, Some(one)) => one.to_owned(),
        (None, None) => "an object without a name".to_owned(),
    }
}

/// Returns the path of the member that cannot be decoded. Where serde lost it, as for flattened members, it is the member without
/// which the object could be decoded.
fn invalid_member<T: DeserializeOwned>(object: &Value, path: &Path) -> Option<String> {
    let is_known = path.iter().next().is_some() && !path.iter().any(|one| matches!(one, Segment::Unknown));
    if is_known {
        return Some(path.to_string());
    }
    let members = object.as_object()?;
    let member = members.keys().find(|name| {
        let mut rest = members.clone();
        rest.remove(*name);
        T::deserialize(&Value::Object(rest)).is_ok()
    });
    member.cloned()
}
