//! User principal names and their suffixes.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

use crate::parse::{ParseError, text_newtype};
use crate::{DomainName, UpnViolation, upn_rules};

/// The maximum length of `userPrincipalName` (schema `rangeUpper`), in UTF-16 units.
pub(crate) const AD_UPN_LIMIT: usize = 1024;

/// A user principal name: `prefix@suffix`, with exactly one `@` and something on both sides.
///
/// Keeps its spelling and compares without case, as AD and Entra do. That is the shape both need; whether
/// Entra will take it is a separate question, [`Upn::entra_violations`], because AD stores far more than Entra
/// accepts (accents, spaces, 1024 characters). Values read from a directory that do not even have this shape
/// stay plain text.
///
/// ```
/// use onramp_core::Upn;
/// let upn = Upn::parse("Anna.O'Neil@corp.local")?;
/// assert_eq!(upn.prefix(), "Anna.O'Neil");
/// assert_eq!(upn, Upn::parse("anna.o'neil@CORP.local")?);
/// let moved = upn.with_suffix(&"contoso.com".parse()?);
/// assert_eq!(moved.as_str(), "Anna.O'Neil@contoso.com");
/// assert!(moved.entra_violations().is_empty());
/// # Ok::<(), onramp_core::ParseError>(())
/// ```
#[derive(Clone)]
pub struct Upn {
    text: String,
    at: usize,
}

impl Upn {
    /// Parses `prefix@suffix`.
    ///
    /// # Errors
    /// No `@`, more than one, an empty side, a control character, or more than 1024 UTF-16 units.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let refuse = |reason: &str| Err(ParseError::new("UPN", text, reason));
        let Some(at) = text.find('@') else { return refuse("it has no “@”") };
        let (prefix, suffix) = (text.get(..at).unwrap_or_default(), text.get(at + 1..).unwrap_or_default());
        if suffix.contains('@') {
            return refuse("it has more than one “@”");
        }
        if prefix.is_empty() || suffix.is_empty() {
            return refuse("there must be text on both sides of the “@”");
        }
        if text.chars().any(char::is_control) {
            return refuse("it holds a control character");
        }
        if text.encode_utf16().count() > AD_UPN_LIMIT {
            return refuse("it is longer than the 1024 characters that Active Directory stores");
        }
        Ok(Self { text: text.to_owned(), at })
    }

    /// Puts a prefix before a domain, which is written in its one ASCII spelling: see [`Upn::with_suffix`].
    ///
    /// # Errors
    /// As [`Upn::parse`].
    pub fn new(prefix: &str, domain: &DomainName) -> Result<Self, ParseError> {
        Self::parse(&format!("{prefix}@{}", domain.ascii()))
    }

    /// The whole name as it was given.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns the part before the `@`.
    pub fn prefix(&self) -> &str {
        self.text.get(..self.at).unwrap_or_default()
    }

    /// Returns the part after the `@`, as a suffix.
    pub fn suffix(&self) -> UpnSuffix {
        UpnSuffix(self.suffix_str().to_owned())
    }

    /// Returns the part after the `@`.
    ///
    /// ```
    /// use onramp_core::Upn;
    /// assert_eq!(Upn::parse("anna@corp.local")?.suffix_str(), "corp.local");
    /// # Ok::<(), onramp_core::ParseError>(())
    /// ```
    pub fn suffix_str(&self) -> &str {
        self.text.get(self.at + 1..).unwrap_or_default()
    }

    /// The suffix as a domain name, if it is one.
    ///
    /// # Errors
    /// As [`DomainName::parse`]; AD stores suffixes that are no domain names.
    pub fn domain(&self) -> Result<DomainName, ParseError> {
        DomainName::parse(self.suffix_str())
    }

    /// The same prefix under another suffix, which is written as [`DomainName::ascii`]: in lower case, and an
    /// internationalized name as `xn--…`. That is the spelling in which a tenant holds its domains; a UPN with the Unicode
    /// one has, for Entra, a suffix that nobody verified.
    ///
    /// ```
    /// use onramp_core::{DomainName, Upn};
    /// let upn = Upn::parse("anna@corp.local")?;
    /// assert_eq!(upn.with_suffix(&DomainName::parse("contoso.com")?).as_str(), "anna@contoso.com");
    /// # Ok::<(), onramp_core::ParseError>(())
    /// ```
    #[must_use]
    pub fn with_suffix(&self, suffix: &DomainName) -> Self {
        Self { text: format!("{}@{}", self.prefix(), suffix.ascii()), at: self.at }
    }

    /// Every rule of Entra that this UPN breaks; empty if Entra takes it.
    ///
    /// ```
    /// use onramp_core::Upn;
    /// assert!(Upn::parse("anna@contoso.com")?.entra_violations().is_empty());
    /// assert!(!Upn::parse("anna müller@contoso.com")?.entra_violations().is_empty());
    /// # Ok::<(), onramp_core::ParseError>(())
    /// ```
    pub fn entra_violations(&self) -> Vec<UpnViolation> {
        upn_rules::entra(self)
    }

    /// The key under which two UPNs are the same: lower case.
    pub fn key(&self) -> String {
        self.text.to_lowercase()
    }
}

text_newtype!(Upn);

fn lower(text: &str) -> impl Iterator<Item = char> + '_ {
    text.chars().flat_map(char::to_lowercase)
}

impl PartialEq for Upn {
    fn eq(&self, other: &Self) -> bool {
        lower(&self.text).eq(lower(&other.text))
    }
}
impl Eq for Upn {}
impl Hash for Upn {
    fn hash<H: Hasher>(&self, state: &mut H) {
        lower(&self.text).for_each(|c| c.hash(state));
    }
}
impl Ord for Upn {
    fn cmp(&self, other: &Self) -> Ordering {
        lower(&self.text).cmp(lower(&other.text))
    }
}
impl PartialOrd for Upn {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl AsRef<str> for Upn {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}
impl fmt::Display for Upn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
impl fmt::Debug for Upn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Upn({})", self.text)
    }
}

/// A UPN suffix as a forest holds it.
///
/// AD validates nothing here, so any text without `@` and control characters is one; [`UpnSuffix::domain`] says
/// whether it is a domain name, which is what Onramp adds and Entra verifies. Compared without case.
#[derive(Clone)]
pub struct UpnSuffix(String);

impl UpnSuffix {
    /// Parses a suffix, without a leading `@`.
    ///
    /// # Errors
    /// Empty text, `@` or a control character in it.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        if text.is_empty() {
            return Err(ParseError::new("UPN suffix", text, "it is empty"));
        }
        if text.contains('@') || text.chars().any(char::is_control) {
            return Err(ParseError::new("UPN suffix", text, "it holds “@” or a control character"));
        }
        Ok(Self(text.to_owned()))
    }

    /// The suffix as it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The suffix as a domain name.
    ///
    /// # Errors
    /// As [`DomainName::parse`].
    pub fn domain(&self) -> Result<DomainName, ParseError> {
        DomainName::parse(&self.0)
    }

    /// Returns true if both are one suffix in whatever spelling: of another case, or an internationalized name in its
    /// Unicode and its ASCII form. The name of a domain that is no host name (`corp_ad.local`) is compared so, too.
    ///
    /// ```
    /// use onramp_core::UpnSuffix;
    /// assert!(UpnSuffix::parse("Contoso.com")?.is_same_as(&UpnSuffix::parse("contoso.COM")?));
    /// # Ok::<(), onramp_core::ParseError>(())
    /// ```
    pub fn is_same_as(&self, other: &UpnSuffix) -> bool {
        let domain = |suffix: &UpnSuffix| DomainName::parse_directory(&suffix.0);
        self == other || matches!((domain(self), domain(other)), (Ok(one), Ok(other)) if one == other)
    }
}

text_newtype!(UpnSuffix);

impl From<&DomainName> for UpnSuffix {
    /// The suffix to write for a domain: its one ASCII spelling, as [`Upn::with_suffix`] writes it.
    fn from(domain: &DomainName) -> Self {
        Self(domain.ascii().to_owned())
    }
}
impl PartialEq for UpnSuffix {
    fn eq(&self, other: &Self) -> bool {
        lower(&self.0).eq(lower(&other.0))
    }
}
impl Eq for UpnSuffix {}
impl Hash for UpnSuffix {
    fn hash<H: Hasher>(&self, state: &mut H) {
        lower(&self.0).for_each(|c| c.hash(state));
    }
}
impl Ord for UpnSuffix {
    fn cmp(&self, other: &Self) -> Ordering {
        lower(&self.0).cmp(lower(&other.0))
    }
}
impl PartialOrd for UpnSuffix {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl AsRef<str> for UpnSuffix {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}
impl fmt::Display for UpnSuffix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
impl fmt::Debug for UpnSuffix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UpnSuffix({})", self.0)
    }
}
