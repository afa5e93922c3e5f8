//! One small thing that `serde_json` does only by an index that may panic.

use serde_json::Value;

/// Sets a property of an object; anything else is left as it is.
pub(crate) fn put(object: &mut Value, name: &str, value: Value) {
    if let Value::Object(properties) = object {
        properties.insert(name.to_owned(), value);
    }
}
