//! Identifiers that are made here (RFC 9562).

use onramp_core::{Error, ErrorKind, ObjectId, Result};
use ring::rand::{SecureRandom, SystemRandom};

/// A random one (version 4).
pub(crate) fn random() -> Result<ObjectId> {
    let mut bytes = [0; 16];
    SystemRandom::new().fill(&mut bytes).map_err(|_| {
        Error::new(ErrorKind::Unavailable, "make an identifier")
            .with_detail("the operating system gives no random numbers")
    })?;
    Ok(marked(bytes, 4))
}

/// With the marks of the version and of the variant that all of them are.
fn marked(mut bytes: [u8; 16], version: u8) -> ObjectId {
    bytes[6] = (bytes[6] & 0x0f) | (version << 4);
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    ObjectId::from_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_random_identifier_is_marked_as_one_and_never_comes_again() {
        let (one, other) = (random().unwrap(), random().unwrap());
        assert_ne!(one, other);
        let text = one.to_string();
        assert!(text.len() == 36 && text[14..].starts_with('4') && "89ab".contains(&text[19..20]), "{text}");
    }
}
