//! LDAP search filters (RFC 4515), checked before they are sent.

use std::fmt;

use crate::parse::{ParseError, text_newtype};

/// How deep a filter may nest; deeper ones are an attack or an accident.
const MAX_DEPTH: usize = 64;

/// A search filter whose syntax was checked.
///
/// ```
/// use onramp_core::LdapFilter;
/// let active = LdapFilter::parse("(!(userAccountControl:1.2.840.113556.1.4.803:=2))")?;
/// let named = LdapFilter::equal("cn", "Smith (Berlin)");
/// assert_eq!(named.as_str(), r"(cn=Smith \28Berlin\29)");
/// assert_eq!(active.and(&named).as_str(), format!("(&{active}{named})"));
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

    /// `(attribute=value)`, the value escaped.
    pub fn equal(attribute: &str, value: &str) -> Self {
        Self(format!("({attribute}={})", escape(value.as_bytes())))
    }

    /// `(attribute=*end)`, the end escaped.
    pub fn ends_with(attribute: &str, end: &str) -> Self {
        Self(format!("({attribute}=*{})", escape(end.as_bytes())))
    }

    /// `(attribute=bytes)` for a binary attribute.
    pub fn equal_bytes(attribute: &str, value: &[u8]) -> Self {
        let hex: String = value.iter().map(|byte| format!("\\{byte:02x}")).collect();
        Self(format!("({attribute}={hex})"))
    }

    /// Both filters.
    #[must_use]
    pub fn and(&self, other: &LdapFilter) -> Self {
        Self(format!("(&{}{})", self.0, other.0))
    }

    /// At least one of the filters.
    #[must_use]
    pub fn or(&self, other: &LdapFilter) -> Self {
        Self(format!("(|{}{})", self.0, other.0))
    }

    /// The filter's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

text_newtype!(LdapFilter);

/// Escapes a value for a filter (RFC 4515 3).
fn escape(value: &[u8]) -> String {
    let text = String::from_utf8_lossy(value);
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '*' | '(' | ')' | '\\' | '\0' => out.push_str(&format!("\\{:02x}", c as u32)),
            _ => out.push(c),
        }
    }
    out
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
