//! The only place a secret lives.

use std::fmt;
use std::hint::black_box;

use zeroize::Zeroizing;

/// A password or another secret text: wiped when dropped, `Debug` prints `***`.
///
/// There is no `Display`, no serde and no `==`, so it cannot drift into a log, a plan, a journal or a report, nor be compared in a
/// time that tells something about it. [`Password::expose`] is the one way to read it, and easy to search for;
/// [`Password::is_same`] compares two without reading either.
///
/// ```
/// use onramp_core::Password;
/// let password = Password::new(String::from("correct horse"));
/// assert_eq!(format!("{password:?}"), "Password(***)");
/// assert_eq!(password.expose(), "correct horse");
/// ```
#[derive(Clone)]
pub struct Password(Zeroizing<String>);

impl Password {
    /// Takes the secret over. Copies that the caller made before are the caller's to wipe.
    pub fn new(secret: String) -> Self {
        Self(Zeroizing::new(secret))
    }

    /// The secret itself, for the one call that must send it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Returns true if both are the same text. The time of the comparison depends on their lengths alone.
    ///
    /// ```
    /// use onramp_core::Password;
    /// let password = Password::from(String::from("correct horse"));
    /// assert!(password.is_same(&password.clone()));
    /// assert!(!password.is_same(&Password::from(String::from("correct house"))));
    /// ```
    pub fn is_same(&self, other: &Self) -> bool {
        let (these, those) = (self.0.as_bytes(), other.0.as_bytes());
        // The compiler must not turn the loop into one that ends at the first difference.
        let differing = these.iter().zip(those).fold(0, |bits, (this, that)| black_box(bits | (this ^ that)));
        these.len() == those.len() && differing == 0
    }

    /// Returns true if it is empty. An LDAP simple bind with an empty password is an anonymous one.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(***)")
    }
}

impl From<String> for Password {
    fn from(secret: String) -> Self {
        Self::new(secret)
    }
}
