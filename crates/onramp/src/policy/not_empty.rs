//! Lists of a policy that an empty list would make useless.

use serde::{Deserialize, Deserializer};

/// Reads a list that protects or restricts something; an empty one would protect nothing.
pub(super) fn not_empty<'de, T: Deserialize<'de>, D: Deserializer<'de>>(from: D) -> Result<Vec<T>, D::Error> {
    let list = Vec::<T>::deserialize(from)?;
    if list.is_empty() {
        return Err(serde::de::Error::custom(
            "an empty list has no effect: name something, or remove the line",
        ));
    }
    Ok(list)
}
