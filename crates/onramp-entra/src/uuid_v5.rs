//! UUIDs of names (version 5, RFC 9562).

use onramp_core::ObjectId;
use ring::digest;

/// The namespace of URLs.
const URL: [u8; 16] =
    [0x6b, 0xa7, 0xb8, 0x11, 0x9d, 0xad, 0x11, 0xd1, 0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8];

/// Returns the UUID of a URL, always the same one. Version 5 is defined with SHA-1; nothing relies on its security.
pub(crate) fn of_url(url: &str) -> ObjectId {
    let mut hash = digest::Context::new(&digest::SHA1_FOR_LEGACY_USE_ONLY);
    hash.update(&URL);
    hash.update(url.as_bytes());
    let mut bytes = [0; 16];
    for (byte, hashed) in bytes.iter_mut().zip(hash.finish().as_ref()) {
        *byte = *hashed;
    }
    // The bits of version and variant.
    bytes[6] = (bytes[6] & 0x0f) | (5 << 4);
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    ObjectId::from_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_identifier_of_a_url_is_what_everybody_else_makes_of_it() {
        assert_eq!(of_url("https://contoso.com").to_string(), "40a92942-e1e1-592a-99d8-19d644346b2e");
        assert_eq!(of_url("").to_string(), "1b4db7eb-4057-5ddf-91e0-36dec72071f5");
    }
}
