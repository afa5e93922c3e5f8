//! DNS domain names: case-preserving, compared without case, aware of internationalized labels.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

use crate::parse::{ParseError, text_newtype};

/// A DNS domain name such as `contoso.com`.
///
/// Keeps the spelling it was given and compares by its ASCII form (IDNA 2008 as processed by UTS 46), so
/// `Bücher.example` equals `xn--bcher-kva.example`. At most 253 octets in at most 63-octet labels of letters,
/// digits and hyphens (RFC 1035 2.3.4, RFC 1123 2.1). No trailing dot, no underscore: a tenant verifies none of these.
/// Active Directory's own domains may be named otherwise, which [`DomainName::parse_directory`] reads.
///
/// ```
/// use onramp_core::DomainName;
/// let domain = DomainName::parse("Contoso.COM")?;
/// assert_eq!(domain.as_str(), "Contoso.COM");
/// assert_eq!(domain, DomainName::parse("contoso.com")?);
/// assert!(DomainName::parse("contoso com").is_err());
/// # Ok::<(), onramp_core::ParseError>(())
/// ```
#[derive(Clone)]
pub struct DomainName {
    text: String,
    ascii: String,
}

impl DomainName {
    /// Parses a domain name.
    ///
    /// # Errors
    /// Says which label breaks which rule.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let refuse = |reason: String| Err(ParseError::new("domain name", text, reason));
        if text.is_empty() {
            return refuse("it is empty".into());
        }
        if let Some(c) = text.chars().find(|c| c.is_whitespace() || c.is_control()) {
            return refuse(format!(
                "it holds {}",
                if c.is_whitespace() { "white space" } else { "a control character" }
            ));
        }
        let Ok(ascii) = idna::domain_to_ascii(text) else {
            return refuse("it is not an internationalised domain name (IDNA)".into());
        };
        if ascii.len() > 253 {
            return refuse(format!("it is {} octets long; the limit is 253", ascii.len()));
        }
        for label in ascii.split('.') {
            if label.is_empty() {
                return refuse("it has an empty label (a dot at an end, or two dots together)".into());
            }
            if label.len() > 63 {
                return refuse(format!(
                    "the label “{label}” is {} octets long; the limit is 63",
                    label.len()
                ));
            }
            if let Some(c) = label.chars().find(|c| !c.is_ascii_alphanumeric() && *c != '-') {
                return refuse(format!(
                    "the label “{label}” holds “{c}”; letters, digits and hyphens are allowed"
                ));
            }
            if label.starts_with('-') || label.ends_with('-') {
                return refuse(format!("the label “{label}” begins or ends with a hyphen"));
            }
        }
        Ok(Self { text: text.to_owned(), ascii })
    }

    /// Parses the name of a domain as a directory holds it.
    ///
    /// Active Directory lets a domain have a name that is no host name: domains that were upgraded from Windows NT
    /// have underscores ("Naming conventions in Active Directory"), and other DNS servers allow more. Nothing that
    /// names an existing domain is refused here; a dot at the end is left out. Whether a tenant could verify such a name is
    /// what [`DomainName::is_routable`] tells.
    ///
    /// Serialized names are read back by the strict rules of [`DomainName::parse`], unless the field says
    /// `#[serde(deserialize_with = "DomainName::deserialize_directory")]`.
    ///
    /// ```
    /// use onramp_core::DomainName;
    /// let domain = DomainName::parse_directory("corp_ad.local")?;
    /// assert!(!domain.is_routable());
    /// assert!(DomainName::parse("corp_ad.local").is_err());
    /// # Ok::<(), onramp_core::ParseError>(())
    /// ```
    ///
    /// # Errors
    /// An empty name or label, a control character, or `@`.
    pub fn parse_directory(text: &str) -> Result<Self, ParseError> {
        let refuse = |reason: &str| Err(ParseError::new("domain name", text, reason));
        let name = text.strip_suffix('.').unwrap_or(text);
        if name.is_empty() {
            return refuse("it is empty");
        }
        if name.contains('@') || name.chars().any(char::is_control) {
            return refuse("it holds “@” or a control character");
        }
        if name.split('.').any(str::is_empty) {
            return refuse("it has an empty label (two dots together, or one at the beginning)");
        }
        // What IDNA does not know has no other spelling than its own.
        let converted = idna::domain_to_ascii(name).ok();
        let ascii = converted.filter(|ascii| !ascii.split('.').any(str::is_empty));
        Ok(Self { text: name.to_owned(), ascii: ascii.unwrap_or_else(|| name.to_lowercase()) })
    }

    /// Deserializes a name that a directory holds, by the rules of [`DomainName::parse_directory`]; for
    /// `#[serde(deserialize_with = …)]`.
    ///
    /// # Errors
    /// As [`DomainName::parse_directory`].
    pub fn deserialize_directory<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = <String as serde::Deserialize>::deserialize(from)?;
        Self::parse_directory(&text).map_err(serde::de::Error::custom)
    }

    /// The name as it was given.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The name in lower-case ASCII, internationalized labels as `xn--…`: the form for the wire.
    ///
    /// ```
    /// use onramp_core::DomainName;
    /// assert_eq!(DomainName::parse("Müller.example")?.ascii(), "xn--mller-kva.example");
    /// # Ok::<(), onramp_core::ParseError>(())
    /// ```
    pub fn ascii(&self) -> &str {
        &self.ascii
    }

    /// The name in lower case with internationalized labels as people read them: the other spelling under which a
    /// directory may hold it.
    ///
    /// ```
    /// use onramp_core::DomainName;
    /// assert_eq!(DomainName::parse("xn--mller-kva.example")?.unicode(), "müller.example");
    /// # Ok::<(), onramp_core::ParseError>(())
    /// ```
    pub fn unicode(&self) -> String {
        idna::domain_to_unicode(&self.ascii).0
    }

    /// The labels of the ASCII form, leftmost first.
    pub fn labels(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.ascii.split('.')
    }

    /// Returns true if this is `other` or a name below it.
    ///
    /// ```
    /// use onramp_core::DomainName;
    /// let (parent, child) = (DomainName::parse("contoso.com")?, DomainName::parse("eu.contoso.com")?);
    /// assert!(child.is_within(&parent) && !parent.is_within(&child));
    /// # Ok::<(), onramp_core::ParseError>(())
    /// ```
    pub fn is_within(&self, other: &DomainName) -> bool {
        self.ascii == other.ascii
            || self.ascii.strip_suffix(&other.ascii).is_some_and(|rest| rest.ends_with('.'))
    }

    /// Returns true if a tenant could ever verify the name: it is a host name of two labels or more and does not end in a
    /// special-use or private name (RFC 2606, RFC 6761, RFC 6762, and `.internal` as reserved by ICANN in 2024),
    /// nor in `.lan`, `.corp`, `.home`, `.intranet` or `.private`, which ICANN does not delegate.
    ///
    /// ```
    /// use onramp_core::DomainName;
    /// assert!(DomainName::parse("contoso.com")?.is_routable());
    /// assert!(!DomainName::parse("corp.local")?.is_routable());
    /// # Ok::<(), onramp_core::ParseError>(())
    /// ```
    pub fn is_routable(&self) -> bool {
        const NEVER_PUBLIC: &[&str] = &[
            "local",
            "localhost",
            "localdomain",
            "lan",
            "internal",
            "intranet",
            "corp",
            "home",
            "private",
            "test",
            "invalid",
            "example",
            "onion",
            "alt",
            "arpa",
        ];
        if Self::parse(&self.ascii).is_err() {
            return false;
        }
        let mut labels = self.labels().rev();
        let last = labels.next().unwrap_or_default();
        // Top-level domains hold letters (RFC 3696 section 2): a name of numbers is an address.
        let is_number = last.bytes().all(|byte| byte.is_ascii_digit());
        labels.next().is_some() && !NEVER_PUBLIC.contains(&last) && !is_number
    }
}

text_newtype!(DomainName);

impl PartialEq for DomainName {
    fn eq(&self, other: &Self) -> bool {
        self.ascii == other.ascii
    }
}
impl Eq for DomainName {}
impl Hash for DomainName {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.ascii.hash(state);
    }
}
impl Ord for DomainName {
    fn cmp(&self, other: &Self) -> Ordering {
        self.ascii.cmp(&other.ascii)
    }
}
impl PartialOrd for DomainName {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl AsRef<str> for DomainName {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}
impl fmt::Display for DomainName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
impl fmt::Debug for DomainName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DomainName({})", self.text)
    }
}
