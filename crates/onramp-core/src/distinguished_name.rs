//! Distinguished names (RFC 4514), as far as finding, comparing and escaping them needs.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

use crate::DomainName;
use crate::parse::{ParseError, text_newtype};

/// The distinguished name of a directory object.
///
/// Keeps its spelling; compared component by component without case and without regard to how characters are
/// escaped. Built by [`DistinguishedName::child`], never by pasting text together, so that a name with a comma in
/// it stays one name.
///
/// ```
/// use onramp_core::DistinguishedName;
/// let base = DistinguishedName::parse("OU=Staff,DC=corp,DC=example")?;
/// let user = base.child("CN", "Neil, Anna");
/// assert_eq!(user.as_str(), r"CN=Neil\, Anna,OU=Staff,DC=corp,DC=example");
/// assert!(user.is_within(&base));
/// assert_eq!(user.domain_name().unwrap().as_str(), "corp.example");
/// # Ok::<(), onramp_core::ParseError>(())
/// ```
#[derive(Clone)]
pub struct DistinguishedName(String);

/// One component of a distinguished name: an attribute type and its unescaped value.
///
/// Multi-valued components (`CN=a+SN=b`) are kept as one value with its `+`; AD does not make them.
#[derive(Debug, Clone)]
pub struct Rdn {
    /// Attribute type: `CN`, `OU`, `DC` …
    pub attribute: String,
    /// Value without escapes.
    pub value: String,
}

impl PartialEq for Rdn {
    fn eq(&self, other: &Self) -> bool {
        self.attribute.eq_ignore_ascii_case(&other.attribute)
            && self.value.to_lowercase() == other.value.to_lowercase()
    }
}
impl Eq for Rdn {}

impl DistinguishedName {
    /// Parses the text form. The empty name is not accepted: it names no object.
    ///
    /// # Errors
    /// Says at which character the text stops being a name.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        if text.trim().is_empty() {
            return Err(ParseError::new("distinguished name", text, "it is empty"));
        }
        for piece in split_rdns(text) {
            parse_rdn(piece).map_err(|reason| ParseError::new("distinguished name", text, reason))?;
        }
        Ok(Self(text.to_owned()))
    }

    /// The name of a domain: `corp.example` is `DC=corp,DC=example`.
    ///
    /// ```
    /// use onramp_core::{DistinguishedName, DomainName};
    /// let dn = DistinguishedName::of_domain(&DomainName::parse("corp.local")?);
    /// assert_eq!(dn.as_str(), "DC=corp,DC=local");
    /// # Ok::<(), onramp_core::ParseError>(())
    /// ```
    pub fn of_domain(domain: &DomainName) -> Self {
        Self::of_rdns(domain.labels().map(|label| Rdn { attribute: "DC".into(), value: label.to_owned() }))
    }

    /// The name of an object right below this one.
    ///
    /// ```
    /// use onramp_core::DistinguishedName;
    /// let ou = DistinguishedName::parse("OU=Staff,DC=corp,DC=local")?;
    /// assert_eq!(ou.child("CN", "Neil, Anna").as_str(), r"CN=Neil\, Anna,OU=Staff,DC=corp,DC=local");
    /// # Ok::<(), onramp_core::ParseError>(())
    /// ```
    #[must_use]
    pub fn child(&self, attribute: &str, value: &str) -> Self {
        Self(format!("{},{}", Rdn { attribute: attribute.to_owned(), value: value.to_owned() }, self.0))
    }

    /// The name of the object above, if there is one.
    ///
    /// ```
    /// use onramp_core::DistinguishedName;
    /// let dn = DistinguishedName::parse("CN=Anna,OU=Staff,DC=corp,DC=local")?;
    /// assert_eq!(dn.parent(), Some(DistinguishedName::parse("OU=Staff,DC=corp,DC=local")?));
    /// # Ok::<(), onramp_core::ParseError>(())
    /// ```
    pub fn parent(&self) -> Option<Self> {
        let rdns = self.rdns();
        Some(Self::of_rdns(rdns.get(1..).filter(|rest| !rest.is_empty())?))
    }

    /// The text form as it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The components, the object's own first. Taken apart at each call: names are many, and few are looked into.
    pub fn rdns(&self) -> Vec<Rdn> {
        split_rdns(&self.0).filter_map(|piece| parse_rdn(piece).ok()).collect()
    }

    /// Returns true if this object is `base` or below it.
    ///
    /// ```
    /// use onramp_core::DistinguishedName;
    /// let ou = DistinguishedName::parse("OU=Staff,DC=corp,DC=local")?;
    /// assert!(DistinguishedName::parse("cn=Anna, ou=staff, dc=corp, dc=local")?.is_within(&ou));
    /// # Ok::<(), onramp_core::ParseError>(())
    /// ```
    pub fn is_within(&self, base: &DistinguishedName) -> bool {
        let (mine, base) = (self.rdns(), base.rdns());
        mine.len() >= base.len()
            && mine.iter().rev().zip(base.iter().rev()).all(|(mine, theirs)| mine == theirs)
    }

    /// The DNS name of the domain it belongs to, from its `DC` components. Read as
    /// [`DomainName::parse_directory`] does, since the name is the directory's own.
    ///
    /// ```
    /// use onramp_core::DistinguishedName;
    /// let dn = DistinguishedName::parse("CN=Anna,OU=Staff,DC=corp,DC=local")?;
    /// assert_eq!(dn.domain_name().map(|domain| domain.to_string()), Some("corp.local".to_owned()));
    /// # Ok::<(), onramp_core::ParseError>(())
    /// ```
    pub fn domain_name(&self) -> Option<DomainName> {
        let labels: Vec<String> = self.domain_components().map(|rdn| rdn.value).collect();
        DomainName::parse_directory(&labels.join(".")).ok()
    }

    /// The naming context of the domain it belongs to: its `DC` components, as they are spelled here. To be preferred to
    /// [`of_domain`](Self::of_domain) of [`domain_name`](Self::domain_name), which spells an internationalized name
    /// in ASCII.
    pub fn domain_context(&self) -> Option<Self> {
        let context = Self::of_rdns(self.domain_components());
        (!context.0.is_empty()).then_some(context)
    }

    fn domain_components(&self) -> impl Iterator<Item = Rdn> {
        self.rdns().into_iter().filter(|rdn| rdn.attribute.eq_ignore_ascii_case("DC"))
    }

    fn of_rdns(rdns: impl IntoIterator<Item = impl std::borrow::Borrow<Rdn>>) -> Self {
        Self(rdns.into_iter().map(|rdn| rdn.borrow().to_string()).collect::<Vec<_>>().join(","))
    }
}

text_newtype!(DistinguishedName);

/// Cuts at commas that are neither escaped nor within quotes.
fn split_rdns(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let current = rest?;
        let (mut escaped, mut quoted) = (false, false);
        for (at, c) in current.char_indices() {
            match c {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                '"' => quoted = !quoted,
                ',' | ';' if !quoted => {
                    rest = current.get(at + 1..);
                    return current.get(..at);
                }
                _ => {}
            }
        }
        rest = None;
        Some(current)
    })
}

fn parse_rdn(piece: &str) -> Result<Rdn, String> {
    let (attribute, value) = piece.split_once('=').ok_or_else(|| format!("“{}” has no “=”", piece.trim()))?;
    let attribute = attribute.trim();
    let plain = attribute.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '.');
    if attribute.is_empty() || !plain {
        return Err(format!("“{attribute}” is no attribute type"));
    }
    Ok(Rdn { attribute: attribute.to_owned(), value: unescape(value)? })
}

fn unescape(value: &str) -> Result<String, String> {
    let value = value.trim_start_matches(' ');
    let text = match value.strip_prefix('"') {
        Some(rest) => {
            let inner =
                rest.trim_end_matches(' ').strip_suffix('"').ok_or("a quotation mark is not closed")?;
            unescape_plain(inner)?
        }
        None => unescape_plain(without_trailing_blanks(value))?,
    };
    if text.is_empty() { Err("a component has no value".into()) } else { Ok(text) }
}

/// Trailing blanks do not count, unless the first of them is escaped.
fn without_trailing_blanks(value: &str) -> &str {
    let trimmed = value.trim_end_matches(' ');
    let backslashes = trimmed.chars().rev().take_while(|c| *c == '\\').count();
    let is_escaped = backslashes % 2 == 1 && trimmed.len() < value.len();
    value.get(..trimmed.len() + usize::from(is_escaped)).unwrap_or(trimmed)
}

fn unescape_plain(value: &str) -> Result<String, String> {
    let mut bytes = Vec::with_capacity(value.len());
    let mut chars = value.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            bytes.extend(c.encode_utf8(&mut [0; 4]).as_bytes());
            continue;
        }
        let next = chars.next().ok_or("it ends with a single backslash")?;
        match next.to_digit(16) {
            Some(high) => {
                let low = chars.next().and_then(|d| d.to_digit(16));
                let low = low.ok_or_else(|| format!("“\\{next}” is no escape"))?;
                bytes.push((high << 4 | low) as u8);
            }
            None => bytes.extend(next.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    String::from_utf8(bytes).map_err(|_| "an escaped value is not UTF-8".to_owned())
}

impl fmt::Display for Rdn {
    /// The escaped form of RFC 4514 2.4.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}=", self.attribute)?;
        let last = self.value.chars().count().saturating_sub(1);
        for (i, c) in self.value.chars().enumerate() {
            match c {
                '\0'..='\x1f' | '\x7f' => write!(f, "\\{:02X}", c as u32)?,
                ',' | '+' | '"' | '\\' | '<' | '>' | ';' | '=' => write!(f, "\\{c}")?,
                '#' if i == 0 => f.write_str("\\#")?,
                ' ' if i == 0 || i == last => f.write_str("\\ ")?,
                _ => write!(f, "{c}")?,
            }
        }
        Ok(())
    }
}

impl PartialEq for DistinguishedName {
    fn eq(&self, other: &Self) -> bool {
        self.rdns() == other.rdns()
    }
}
impl Eq for DistinguishedName {}
impl Hash for DistinguishedName {
    fn hash<H: Hasher>(&self, state: &mut H) {
        for rdn in self.rdns() {
            rdn.attribute.to_ascii_lowercase().hash(state);
            rdn.value.to_lowercase().hash(state);
        }
    }
}
impl Ord for DistinguishedName {
    fn cmp(&self, other: &Self) -> Ordering {
        let key = |name: &Self| -> Vec<(String, String)> {
            name.rdns()
                .iter()
                .map(|rdn| (rdn.attribute.to_ascii_lowercase(), rdn.value.to_lowercase()))
                .collect()
        };
        key(self).cmp(&key(other))
    }
}
impl PartialOrd for DistinguishedName {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl AsRef<str> for DistinguishedName {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}
impl fmt::Display for DistinguishedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
impl fmt::Debug for DistinguishedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DistinguishedName({})", self.0)
    }
}
