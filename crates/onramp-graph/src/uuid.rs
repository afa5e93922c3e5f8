//! Random UUIDs (RFC 9562).

use onramp_core::{Error, ErrorKind, ObjectId, Result};
use ring::rand::{SecureRandom, SystemRandom};

/// Returns a random UUID (version 4).
pub(crate) fn random_v4() -> Result<ObjectId> {
    let mut bytes = [0; 16];
    SystemRandom::new().fill(&mut bytes).map_err(|_| {
        Error::new(ErrorKind::Unavailable, "make an identifier")
            .with_detail("the operating system returns no random numbers")
    })?;
    // The bits of version and variant.
    bytes[6] = (bytes[6] & 0x0f) | (4 << 4);
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    Ok(ObjectId::from_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_random_identifier_is_marked_as_one_and_never_comes_again() {
        let (one, other) = (random_v4().unwrap(), random_v4().unwrap());
        assert_ne!(one, other);
        let text = one.to_string();
        assert!(text.len() == 36 && text[14..].starts_with('4') && "89ab".contains(&text[19..20]), "{text}");
    }
}
