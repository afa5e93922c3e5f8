//! Mail addresses, and proxy addresses with their type.

use onramp_core::{DomainName, comparison_key};

/// A proxy address: a type and, after the colon, an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ProxyAddress<'a> {
    /// The type as it is written, without the colon.
    pub(crate) kind: &'a str,
    /// The address after the first colon.
    pub(crate) address: &'a str,
}

impl<'a> ProxyAddress<'a> {
    /// Splits at the first colon. What stands before is a type if it is 1 to 9 letters and digits, as Exchange has it.
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        let (kind, address) = text.split_once(':')?;
        let name = kind.trim();
        let is_kind = (1..=9).contains(&name.len())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'.');
        is_kind.then_some(Self { kind, address })
    }

    /// Returns true for an SMTP address, primary or not.
    pub(crate) fn is_smtp(&self) -> bool {
        self.kind.trim().eq_ignore_ascii_case("smtp")
    }

    /// Returns true for the primary SMTP address.
    pub(crate) fn is_primary(&self) -> bool {
        self.kind.trim() == "SMTP"
    }

    /// Returns true for X.400 and X.500, whose addresses have a syntax of their own.
    pub(crate) fn is_x400_or_x500(&self) -> bool {
        let kind = self.kind.trim();
        ["x400", "x.400", "x500", "x.500"].iter().any(|name| kind.eq_ignore_ascii_case(name))
    }
}

/// Returns the address in a proxy address of type SMTP, primary or not.
///
/// ```
/// use onramp_readiness::smtp_address;
/// assert_eq!(smtp_address("SMTP:anna@contoso.com"), Some("anna@contoso.com"));
/// assert_eq!(smtp_address("sip:anna@contoso.com"), None);
/// ```
pub fn smtp_address(proxy: &str) -> Option<&str> {
    ProxyAddress::parse(proxy).filter(ProxyAddress::is_smtp).map(|proxy| proxy.address.trim())
}

/// Returns the key under which two mail addresses or UPNs are the same: as a directory compares them, and the domain in its
/// ASCII form.
///
/// ```
/// use onramp_readiness::address_key;
/// assert_eq!(address_key("Anna@bücher.com"), address_key("anna@xn--bcher-kva.com"));
/// ```
pub fn address_key(address: &str) -> String {
    if address.is_ascii() {
        return comparison_key(address);
    }
    let Some((local, domain)) = address.trim().rsplit_once('@') else { return comparison_key(address) };
    match DomainName::parse(domain) {
        Ok(domain) => comparison_key(&format!("{local}@{}", domain.ascii())),
        Err(_) => comparison_key(address),
    }
}

/// The characters of an atom in the local part of an address (RFC 5322 section 3.2.3).
pub(crate) fn is_atom(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c)
}

/// The characters that no proxy address can have, besides white space and letters with marks.
pub(crate) const FORBIDDEN: &str = "<>();,[]\"";
