//! Objects that are not what was expected.

use onramp_core::{Error, ErrorKind, Result};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::http::request::Request;

/// Reads one object of the answer to a request; the error names the object.
pub fn understand<T: DeserializeOwned>(request: &Request, object: &Value) -> Result<T> {
    // serde's message may quote a value, and does not say of which member.
    T::deserialize(object).map_err(|_| {
        let what = match culprit::<T>(object) {
            Some(member) => format!("its {member} is not of the kind that was expected"),
            None => "it is not what was expected".to_owned(),
        };
        unreadable(&name(object), &format!("{what} (asked to {})", request.action))
    })
}

/// The error for one object that cannot be understood.
pub fn unreadable(name: &str, why: &str) -> Error {
    Error::new(ErrorKind::Unreadable, "understand what the service tells of")
        .with_object(name)
        .with_detail(why)
}

/// Everything by which people know the object.
fn name(object: &Value) -> String {
    let text = |member: &str| object.get(member).and_then(Value::as_str).filter(|text| !text.is_empty());
    let name = ["userPrincipalName", "displayName", "mail"].into_iter().find_map(text);
    match (name, text("id")) {
        (Some(name), Some(id)) => format!("{name} ({id})"),
        (Some(one), None) | (None, Some(one)) => one.to_owned(),
        (None, None) => "an object without a name".to_owned(),
    }
}

/// The one member without which the object would be understood.
fn culprit<T: DeserializeOwned>(object: &Value) -> Option<&String> {
    let members = object.as_object()?;
    members.keys().find(|name| {
        let mut rest = members.clone();
        rest.remove(*name);
        T::deserialize(&Value::Object(rest)).is_ok()
    })
}
