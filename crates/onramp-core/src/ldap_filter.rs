//! LDAP search filters (RFC 4515), checked before they are sent.

use std::fmt;

use crate::AttributeName;
use crate::parse::{ParseError, text_newtype};

/// The maximum nesting depth of a filter; deeper ones are an attack or an accident.
const MAX_DEPTH: usize = 64;

/// All bits of the value are set ([MS-ADTS] 3.1.1.3.4.4.1).
const BIT_AND: &str = "1.2.840.113556.1.4.803";
/// Any bit of the value is set ([MS-ADTS] 3.1.1.3.4.4.2).
const BIT_OR: &str = "1.2.840.113556.1.4.804";

/// A search filter whose syntax was checked.
///
/// Built from names and values by type: a value, whatever it holds, stays a value. What people write is parsed.
///
/// ```
/// use onramp_core::{AttributeName, LdapFilter};
/// let [cn, control] = ["cn", "userAccountControl"].map(|name| AttributeName::parse(name).unwrap());
/// let enabled = LdapFilter::all_bits(&control, 2).negate();
/// let named = LdapFilter::equal(&cn, "Smith (Berlin)");
/// assert_eq!(named.as_str(), r"(cn=Smith \28Berlin\29)");
/// assert_eq!(enabled.and(&named).as_str(), format!("(&{enabled}{named})"));
/// assert_eq!(LdapFilter::parse("(!(userAccountControl:1.2.840.113556.1.4.803:=2))")?, enabled);
/// assert!(LdapFilter::parse("(cn=a").is_err());
/// # Ok::<(), onramp_core::ParseError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct LdapFilter(String);

impl LdapFilter {
    /// Parses a filter in parentheses.
    ///
    /// # Errors
    /// Says what is wrong after how many characters.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let text = text.trim();
        let mut parser = Parser { text, at: 0 };
        match parser.filter(0) {
            Ok(()) if parser.at == text.len() => Ok(Self(text.to_owned())),
            Ok(()) => Err(parser.refuse("something follows the closing parenthesis")),
            Err(reason) => Err(parser.refuse(reason)),
        }
    }

    /// The attribute has that value, compared as its syntax demands (text mostly without case).
    ///
    /// ```
    /// use onramp_core::{AttributeName, LdapFilter};
    /// let filter = LdapFilter::equal(&AttributeName::from_static("cn"), "Anna (Sales)");
    /// assert_eq!(filter.as_str(), r"(cn=Anna \28Sales\29)");
    /// ```
    pub fn equal(attribute: &AttributeName, value: &str) -> Self {
        Self(format!("({attribute}={})", Escaped(value)))
    }

    /// The attribute has that value of octets, such as a GUID's.
    pub fn equal_bytes(attribute: &AttributeName, value: &[u8]) -> Self {
        Self(format!("({attribute}={})", Octets(value)))
    }

    /// The attribute has a value.
    pub fn present(attribute: &AttributeName) -> Self {
        Self(format!("({attribute}=*)"))
    }

    /// A value of the attribute starts with that text. Of an empty text it is [`LdapFilter::present`].
    pub fn starts_with(attribute: &AttributeName, text: &str) -> Self {
        Self(format!("({attribute}={}*)", Escaped(text)))
    }

    /// A value of the attribute ends with that text. No index helps the server with this one.
    ///
    /// ```
    /// use onramp_core::{AttributeName, LdapFilter};
    /// let filter = LdapFilter::ends_with(&AttributeName::from_static("userPrincipalName"), "@corp.local");
    /// assert_eq!(filter.as_str(), "(userPrincipalName=*@corp.local)");
    /// ```
    pub fn ends_with(attribute: &AttributeName, text: &str) -> Self {
        Self(format!("({attribute}=*{})", Escaped(text)))
    }

    /// The value is that much or more: a number, or a time in its LDAP form.
    pub fn at_least(attribute: &AttributeName, value: impl fmt::Display) -> Self {
        Self(format!("({attribute}>={})", Escaped(&value.to_string())))
    }

    /// The value is that much or less.
    pub fn at_most(attribute: &AttributeName, value: impl fmt::Display) -> Self {
        Self(format!("({attribute}<={})", Escaped(&value.to_string())))
    }

    /// All of those bits are set in the value, a number.
    ///
    /// ```
    /// use onramp_core::{AttributeName, LdapFilter};
    /// let disabled = LdapFilter::all_bits(&AttributeName::from_static("userAccountControl"), 2);
    /// assert_eq!(disabled.as_str(), "(userAccountControl:1.2.840.113556.1.4.803:=2)");
    /// ```
    pub fn all_bits(attribute: &AttributeName, bits: u32) -> Self {
        Self(format!("({attribute}:{BIT_AND}:={bits})"))
    }

    /// At least one of those bits is set in the value, a number.
    pub fn any_bit(attribute: &AttributeName, bits: u32) -> Self {
        Self(format!("({attribute}:{BIT_OR}:={bits})"))
    }

    /// Both filters.
    ///
    /// ```
    /// use onramp_core::{AttributeName, LdapFilter};
    /// let mail = LdapFilter::present(&AttributeName::from_static("mail"));
    /// let both = mail.and(&LdapFilter::parse("(objectClass=user)")?.negate());
    /// assert_eq!(both.as_str(), "(&(mail=*)(!(objectClass=user)))");
    /// # Ok::<(), onramp_core::ParseError>(())
    /// ```
    #[must_use]
    pub fn and(&self, other: &LdapFilter) -> Self {
        Self(format!("(&{}{})", self.0, other.0))
    }

    /// One of both filters, or both.
    #[must_use]
    pub fn or(&self, other: &LdapFilter) -> Self {
        Self(format!("(|{}{})", self.0, other.0))
    }

    /// Objects of which the filter is false. Where it is undefined, such as for an attribute that the server does not
    /// know, so is this.
    #[must_use]
    pub fn negate(&self) -> Self {
        Self(format!("(!{})", self.0))
    }

    /// Any of the filters; of none, it selects nothing. Fifty to a hundred are answered fastest.
    pub fn any_of<'a>(filters: impl IntoIterator<Item = &'a LdapFilter>) -> Self {
        let joined: String = filters.into_iter().map(LdapFilter::as_str).collect();
        Self(if joined.is_empty() { "(!(objectClass=*))".to_owned() } else { format!("(|{joined})") })
    }

    /// The filter's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

text_newtype!(LdapFilter);

/// A value of text as it stands in a filter (RFC 4515 3).
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| match c {
            '*' | '(' | ')' | '\\' | '\0' => write!(f, "\\{:02x}", u32::from(c)),
            _ => write!(f, "{c}"),
        })
    }
}

/// A value of octets as it stands in a filter: all of them escaped, since they need not be text.
struct Octets<'a>(&'a [u8]);

impl fmt::Display for Octets<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "\\{byte:02x}"))
    }
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
}

impl Parser<'_> {
    fn refuse(&self, reason: impl fmt::Display) -> ParseError {
        let before = self.text.get(..self.at).map_or(0, |t| t.chars().count());
        ParseError::new("LDAP filter", self.text, format!("{reason} (after {before} characters)"))
    }

    fn peek(&self) -> Option<char> {
        self.text.get(self.at..)?.chars().next()
    }

    fn take(&mut self, expected: char) -> Result<(), &'static str> {
        if self.peek() != Some(expected) {
            return Err(if expected == '(' { "“(” is missing" } else { "“)” is missing" });
        }
        self.at += expected.len_utf8();
        Ok(())
    }

    fn filter(&mut self, depth: usize) -> Result<(), &'static str> {
        if depth > MAX_DEPTH {
            return Err("it nests too deep");
        }
        self.take('(')?;
        match self.peek() {
            Some('&' | '|') => {
                self.at += 1;
                while self.peek() == Some('(') {
                    self.filter(depth + 1)?;
                }
            }
            Some('!') => {
                self.at += 1;
                self.filter(depth + 1)?;
            }
            _ => self.item()?,
        }
        self.take(')')
    }

    fn item(&mut self) -> Result<(), &'static str> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let end = rest.find(['(', ')']).unwrap_or(rest.len());
        let item = rest.get(..end).unwrap_or_default();
        let (name, value) = item.split_once('=').ok_or("a comparison needs “=”")?;
        let name = name.strip_suffix(['<', '>', '~']).unwrap_or(name);
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | ';' | ':');
        if name.is_empty() || !name.chars().all(plain) {
            return Err("an attribute name is missing or holds a character that it may not");
        }
        let mut chars = value.chars();
        while let Some(c) = chars.next() {
            if c == '\\' && !(0..2).all(|_| chars.next().is_some_and(|d| d.is_ascii_hexdigit())) {
                return Err("a backslash must be followed by two hexadecimal digits");
            }
            if c == '\0' {
                return Err("a NUL must be written \\00");
            }
        }
        self.at += end;
        Ok(())
    }
}

impl AsRef<str> for LdapFilter {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}
impl fmt::Display for LdapFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
impl fmt::Debug for LdapFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LdapFilter({})", self.0)
    }
}
