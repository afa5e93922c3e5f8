//! Distinguished names as a directory reads them: parsed, folded for comparison, escaped for print.

use onramp_core::{DistinguishedName, ObjectGuid, Sid};

use super::text::fold;

/// The target of a search, a bind or a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    /// The empty name: the server itself.
    Root,
    /// A distinguished name, leaf first.
    Dn(Vec<Rdn>),
    /// `<GUID=…>`, as the bytes that `objectGUID` has.
    Guid([u8; 16]),
    /// `<SID=…>`, as the bytes that `objectSid` has.
    Sid(Vec<u8>),
}

/// One component of a distinguished name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rdn {
    /// The attribute type in lower case.
    pub(crate) kind: String,
    /// The value without escapes.
    pub(crate) value: String,
}

impl Rdn {
    pub(crate) fn folded(&self) -> String {
        fold(&self.value).into_owned()
    }
}

impl Target {
    /// Reads what a client sent. `None` is an invalid name.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if text.is_empty() {
            return Some(Self::Root);
        }
        if let Some(inside) = strip_prefix_ignoring_case(text, "<GUID=") {
            return parse_guid(inside.strip_suffix('>')?).map(Self::Guid);
        }
        if let Some(inside) = strip_prefix_ignoring_case(text, "<SID=") {
            return parse_sid(inside.strip_suffix('>')?).map(Self::Sid);
        }
        parse_dn(text).map(Self::Dn)
    }
}

/// Splits a distinguished name into its components, leaf first. `None` if it is not one.
pub(crate) fn parse_dn(text: &str) -> Option<Vec<Rdn>> {
    let name = DistinguishedName::parse(text).ok()?;
    let component =
        |rdn: &onramp_core::Rdn| Rdn { kind: rdn.attribute.to_lowercase(), value: rdn.value.clone() };
    Some(name.rdns().iter().map(component).collect())
}

/// `value` as it stands in a distinguished name (RFC 4514, section 2.4).
pub(crate) fn escape_rdn_value(value: &str, out: &mut String) {
    let last = value.chars().count().saturating_sub(1);
    for (at, c) in value.chars().enumerate() {
        match c {
            ',' | '+' | '"' | '\\' | '<' | '>' | ';' | '=' => out.extend(['\\', c]),
            '#' | ' ' if at == 0 => out.extend(['\\', c]),
            ' ' if at == last => out.extend(['\\', c]),
            '\0' => out.push_str("\\00"),
            '\n' => out.push_str("\\0A"),
            '\r' => out.push_str("\\0D"),
            c => out.push(c),
        }
    }
}

/// A GUID as people write it, or as 32 hexadecimal digits of its bytes, as the bytes that `objectGUID` has.
pub(crate) fn parse_guid(text: &str) -> Option<[u8; 16]> {
    match text.len() {
        32 => decode_hex(text)?.try_into().ok(),
        _ => ObjectGuid::parse(text).ok().map(|guid| *guid.as_bytes()),
    }
}

/// A SID in text form (`S-1-5-21-…`) or as hexadecimal digits, as the bytes that `objectSid` has.
pub(crate) fn parse_sid(text: &str) -> Option<Vec<u8>> {
    match Sid::parse(text) {
        Ok(sid) => Some(sid.to_bytes()),
        Err(_) => decode_hex(text).filter(|bytes| bytes.len() >= 8),
    }
}

fn decode_hex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes();
    if !digits.len().is_multiple_of(2) {
        return None;
    }
    digits
        .chunks_exact(2)
        .map(|pair| match pair {
            [high, low] => Some(hex_digit(*high)? << 4 | hex_digit(*low)?),
            _ => None,
        })
        .collect()
}

fn hex_digit(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

fn strip_prefix_ignoring_case<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let head = text.get(..prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then(|| text.get(prefix.len()..)).flatten()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Target, escape_rdn_value, parse_dn};

    proptest! {
        #[test]
        fn any_target_is_read_or_refused(text in ".*") {
            let _ = Target::parse(&text);
            let _ = Target::parse(&format!("<GUID={text}>"));
            let _ = Target::parse(&format!("<SID={text}>"));
        }

        #[test]
        fn any_value_survives_escaping(value in "[^\u{0}-\u{1f}]{1,20}") {
            let mut text = "CN=".to_owned();
            escape_rdn_value(&value, &mut text);
            text.push_str(",DC=corp,DC=local");
            let rdns = parse_dn(&text).expect("a name");
            prop_assert_eq!(rdns.len(), 3);
            prop_assert_eq!(&rdns[0].value, &value);
        }
    }
}
