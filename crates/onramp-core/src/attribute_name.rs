//! Names of directory attributes.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

use crate::parse::{ParseError, text_newtype};

/// Longest name accepted. The schema's own limit for `lDAPDisplayName` is 256 characters.
const MAX_LENGTH: usize = 256;

/// Attributes whose values are secrets or from which one can be made: those that [MS-ADTS] 3.1.1.4.4 keeps from reading,
/// and those of passwords, recovery keys and local administrators.
const SECRETS: &[&str] = &[
    "currentValue",
    "dBCSPwd",
    "initialAuthIncoming",
    "initialAuthOutgoing",
    "lmPwdHistory",
    "msDS-ExecuteScriptPassword",
    "msDS-ManagedPassword",
    "msFVE-KeyPackage",
    "msFVE-RecoveryPassword",
    "msLAPS-EncryptedDSRMPassword",
    "msLAPS-EncryptedDSRMPasswordHistory",
    "msLAPS-EncryptedPassword",
    "msLAPS-EncryptedPasswordHistory",
    "msLAPS-Password",
    "ms-Mcs-AdmPwd",
    "msSFU30Password",
    "msTPM-OwnerInformation",
    "ntPwdHistory",
    "pekList",
    "priorValue",
    "supplementalCredentials",
    "trustAuthIncoming",
    "trustAuthOutgoing",
    "unicodePwd",
    "unixUserPassword",
    "userPassword",
];

/// The name of an attribute: a short name such as `proxyAddresses`, or an object identifier (RFC 4512 1.4 and 2.5),
/// without options. Compared and hashed without regard to case, as directories do; the spelling given is kept.
///
/// ```
/// use onramp_core::AttributeName;
/// assert_eq!(AttributeName::parse("mail")?, AttributeName::parse("MAIL")?);
/// assert_eq!(AttributeName::parse("mS-DS-ConsistencyGuid")?.as_str(), "mS-DS-ConsistencyGuid");
/// assert!(AttributeName::parse("1.2.840.113556.1.4.656").is_ok());
/// assert!(AttributeName::parse("mail)(cn=*").is_err());
/// assert!(AttributeName::parse("member;range=0-9").is_err());
/// # Ok::<(), onramp_core::ParseError>(())
/// ```
#[derive(Clone)]
pub struct AttributeName(Cow<'static, str>);

impl AttributeName {
    /// A name that stands in the program. Anything but a letter followed by letters, digits and hyphens does not compile
    /// in a constant, and panics elsewhere.
    ///
    /// ```
    /// use onramp_core::AttributeName;
    /// const MAIL: AttributeName = AttributeName::from_static("mail");
    /// assert_eq!(MAIL, AttributeName::parse("mail")?);
    /// # Ok::<(), onramp_core::ParseError>(())
    /// ```
    /// ```compile_fail
    /// const INJECTION: onramp_core::AttributeName = onramp_core::AttributeName::from_static("mail=*)(cn");
    /// ```
    #[must_use]
    pub const fn from_static(name: &'static str) -> Self {
        let mut rest = name.as_bytes();
        assert!(
            matches!(rest.first(), Some(b'a'..=b'z' | b'A'..=b'Z')),
            "an attribute name starts with a letter"
        );
        while let Some((byte, after)) = rest.split_first() {
            assert!(byte.is_ascii_alphanumeric() || *byte == b'-', "no character of an attribute name");
            rest = after;
        }
        Self(Cow::Borrowed(name))
    }

    /// Parses a name.
    ///
    /// # Errors
    /// Anything but a letter followed by letters, digits and hyphens, or numbers separated by dots.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let refuse = |reason: &str| Err(ParseError::new("attribute name", text, reason));
        if text.len() > MAX_LENGTH {
            return refuse("it is longer than 256 characters");
        }
        let is_short_name = text.starts_with(|c: char| c.is_ascii_alphabetic())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        let is_number = |part: &str| {
            !part.is_empty()
                && part.bytes().all(|b| b.is_ascii_digit())
                && (part == "0" || !part.starts_with('0'))
        };
        let is_oid = text.contains('.') && text.split('.').all(is_number);
        if is_short_name || is_oid {
            return Ok(Self(Cow::Owned(text.to_owned())));
        }
        refuse("an attribute name is a letter and then letters, digits and hyphens, or an object identifier")
    }

    /// The name as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns true if this is an object identifier instead of a short name.
    pub fn is_oid(&self) -> bool {
        self.0.starts_with(|c: char| c.is_ascii_digit())
    }

    /// Returns true if the attribute is known, by its short name, to hold a secret: a password, a hash of one, a key.
    ///
    /// ```
    /// # use onramp_core::AttributeName;
    /// assert!(AttributeName::parse("unicodepwd")?.holds_secret());
    /// assert!(!AttributeName::parse("pwdLastSet")?.holds_secret());
    /// # Ok::<(), onramp_core::ParseError>(())
    /// ```
    pub fn holds_secret(&self) -> bool {
        SECRETS.iter().any(|secret| secret.eq_ignore_ascii_case(&self.0))
    }
}

text_newtype!(AttributeName);

impl PartialEq for AttributeName {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        // Names that stand in a program are mostly the same text at the same place.
        self.0.len() == other.0.len()
            && (std::ptr::eq(self.0.as_ptr(), other.0.as_ptr()) || self.0.eq_ignore_ascii_case(&other.0))
    }
}
impl Eq for AttributeName {}
impl PartialOrd for AttributeName {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for AttributeName {
    fn cmp(&self, other: &Self) -> Ordering {
        let (own, others) = (self.0.bytes(), other.0.bytes());
        own.map(|b| b.to_ascii_lowercase()).cmp(others.map(|b| b.to_ascii_lowercase()))
    }
}
impl Hash for AttributeName {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.bytes().for_each(|b| state.write_u8(b.to_ascii_lowercase()));
    }
}
impl AsRef<str> for AttributeName {
    fn as_ref(&self) -> &str {
        &self.0
    }
}
impl fmt::Display for AttributeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
impl fmt::Debug for AttributeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AttributeName({self})")
    }
}
