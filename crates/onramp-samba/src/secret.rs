//! Passwords that are not shown by `Debug`.

use std::fmt;

use zeroize::Zeroizing;

use super::ForestError;

/// A password of a test forest, hidden in `Debug` output and wiped from memory when dropped.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Generates a random password that the default password policy of a domain accepts.
    pub(super) fn random() -> Result<Self, ForestError> {
        // No quotes, blanks or backslashes: the password passes through files and LDIF.
        const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let bytes = Zeroizing::new(random_bytes::<24>()?);
        let mut text = Zeroizing::new(String::with_capacity(32));
        text.extend(
            bytes.iter().filter_map(|byte| ALPHABET.get(usize::from(byte % 64)).map(|&c| char::from(c))),
        );
        // Ensures that the password has enough kinds of characters, whatever was drawn.
        text.push_str("aZ7-");
        Ok(Self(text))
    }

    /// Returns the password.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(Zeroizing::new(text))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// Returns random bytes from the operating system.
pub(super) fn random_bytes<const N: usize>() -> Result<[u8; N], ForestError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| ForestError::Io {
        doing: "reading random bytes".to_owned(),
        source: std::io::Error::other(error),
    })?;
    Ok(bytes)
}
