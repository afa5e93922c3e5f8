//! LDAP search filters: read from text (RFC 4515) or from the wire (RFC 4511), values as bytes, because a GUID is not text.

use ldap3_lber::common::TagClass;
use ldap3_lber::structure::{PL, StructureTag};

/// The maximum depth of a filter.
const MAX_DEPTH: usize = 100;

/// A filter as a client sent it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Filter {
    And(Vec<Filter>),
    Or(Vec<Filter>),
    Not(Box<Filter>),
    Equal(String, Vec<u8>),
    Substring(String, Substring),
    AtLeast(String, Vec<u8>),
    AtMost(String, Vec<u8>),
    Present(String),
    Matches { rule: Option<String>, attr: Option<String>, value: Vec<u8> },
}

/// The parts of a value between the asterisks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Substring {
    pub(crate) initial: Option<Vec<u8>>,
    pub(crate) any: Vec<Vec<u8>>,
    pub(crate) last: Option<Vec<u8>>,
}

impl Filter {
    /// Reads a filter from text.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut reader = Reader { text, at: 0 };
        let filter = if text.starts_with('(') { reader.group(MAX_DEPTH)? } else { item(text)? };
        (reader.at == text.len() || !text.starts_with('(')).then_some(filter)
    }

    /// Reads a filter from the wire.
    pub(crate) fn decode(tag: StructureTag) -> Option<Self> {
        decode(tag, MAX_DEPTH)
    }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn eat(&mut self, c: char) -> Option<()> {
        self.rest().starts_with(c).then(|| self.at += c.len_utf8())
    }

    fn group(&mut self, depth: usize) -> Option<Filter> {
        let depth = depth.checked_sub(1)?;
        self.eat('(')?;
        let filter = match self.rest().chars().next()? {
            '&' => {
                self.eat('&')?;
                Filter::And(self.groups(depth)?)
            }
            '|' => {
                self.eat('|')?;
                Filter::Or(self.groups(depth)?)
            }
            '!' => {
                self.eat('!')?;
                Filter::Not(Box::new(self.group(depth)?))
            }
            _ => {
                let inside = self.rest();
                let end = inside.find([')', '('])?;
                self.at += end;
                item(inside.get(..end)?)?
            }
        };
        self.eat(')')?;
        Some(filter)
    }

    fn groups(&mut self, depth: usize) -> Option<Vec<Filter>> {
        let mut filters = Vec::new();
        while self.rest().starts_with('(') {
            filters.push(self.group(depth)?);
        }
        Some(filters)
    }
}

fn item(text: &str) -> Option<Filter> {
    let (left, value) = text.split_once('=')?;
    if let Some(left) = left.strip_suffix(':') {
        let mut parts = left.split(':');
        let attr = parts.next().filter(|attr| !attr.is_empty()).map(str::to_owned);
        let rule = parts.find(|part| !part.eq_ignore_ascii_case("dn")).map(str::to_owned);
        return Some(Filter::Matches { rule, attr, value: unescape(value)? });
    }
    if let Some(attr) = left.strip_suffix('>') {
        return Some(Filter::AtLeast(attr.to_owned(), unescape(value)?));
    }
    if let Some(attr) = left.strip_suffix('<') {
        return Some(Filter::AtMost(attr.to_owned(), unescape(value)?));
    }
    let attr = left.strip_suffix('~').unwrap_or(left).to_owned();
    if value == "*" {
        return Some(Filter::Present(attr));
    }
    if !value.contains('*') {
        return Some(Filter::Equal(attr, unescape(value)?));
    }
    let mut parts: Vec<Vec<u8>> = value.split('*').map(unescape).collect::<Option<_>>()?;
    let last = parts.pop().filter(|part| !part.is_empty());
    let mut parts = parts.into_iter();
    let initial = parts.next().filter(|part| !part.is_empty());
    let any = parts.filter(|part| !part.is_empty()).collect();
    Some(Filter::Substring(attr, Substring { initial, any, last }))
}

fn unescape(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' => {
                let digits = [bytes.next()?, bytes.next()?];
                out.push(u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?);
            }
            byte => out.push(byte),
        }
    }
    Some(out)
}

fn decode(tag: StructureTag, depth: usize) -> Option<Filter> {
    let depth = depth.checked_sub(1)?;
    if tag.class != TagClass::Context {
        return None;
    }
    match (tag.id, tag.payload) {
        (0, PL::C(inner)) => Some(Filter::And(decode_all(inner, depth)?)),
        (1, PL::C(inner)) => Some(Filter::Or(decode_all(inner, depth)?)),
        (2, PL::C(inner)) => Some(Filter::Not(Box::new(decode(inner.into_iter().next()?, depth)?))),
        (3 | 8, PL::C(inner)) => pair(inner).map(|(attr, value)| Filter::Equal(attr, value)),
        (4, PL::C(inner)) => decode_substring(inner),
        (5, PL::C(inner)) => pair(inner).map(|(attr, value)| Filter::AtLeast(attr, value)),
        (6, PL::C(inner)) => pair(inner).map(|(attr, value)| Filter::AtMost(attr, value)),
        (7, PL::P(attr)) => String::from_utf8(attr).ok().map(Filter::Present),
        (9, PL::C(inner)) => decode_matches(inner),
        _ => None,
    }
}

fn decode_all(tags: Vec<StructureTag>, depth: usize) -> Option<Vec<Filter>> {
    tags.into_iter().map(|tag| decode(tag, depth)).collect()
}

fn pair(tags: Vec<StructureTag>) -> Option<(String, Vec<u8>)> {
    let mut tags = tags.into_iter();
    let attr = String::from_utf8(tags.next()?.expect_primitive()?).ok()?;
    Some((attr, tags.next()?.expect_primitive()?))
}

fn decode_substring(tags: Vec<StructureTag>) -> Option<Filter> {
    let mut tags = tags.into_iter();
    let attr = String::from_utf8(tags.next()?.expect_primitive()?).ok()?;
    let mut parts = Substring::default();
    for part in tags.next()?.expect_constructed()? {
        let kind = part.id;
        let value = part.expect_primitive()?;
        match kind {
            0 => parts.initial = Some(value),
            1 => parts.any.push(value),
            2 => parts.last = Some(value),
            _ => return None,
        }
    }
    Some(Filter::Substring(attr, parts))
}

fn decode_matches(tags: Vec<StructureTag>) -> Option<Filter> {
    let (mut rule, mut attr, mut value) = (None, None, Vec::new());
    for tag in tags {
        let kind = tag.id;
        let bytes = tag.expect_primitive()?;
        match kind {
            1 => rule = Some(String::from_utf8(bytes).ok()?),
            2 => attr = Some(String::from_utf8(bytes).ok()?),
            3 => value = bytes,
            _ => {}
        }
    }
    Some(Filter::Matches { rule, attr, value })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Filter, Substring};

    fn escaped(value: &[u8]) -> String {
        value.iter().map(|byte| format!("\\{byte:02x}")).collect()
    }

    #[test]
    fn items_are_told_apart() {
        let text = |value: &str| value.as_bytes().to_vec();
        let parts = Substring { initial: Some(text("a")), any: vec![text("b")], last: None };
        for (written, meant) in [
            ("(cn=*)", Filter::Present("cn".into())),
            ("(cn=a*b*)", Filter::Substring("cn".into(), parts)),
            ("(n>=1)", Filter::AtLeast("n".into(), text("1"))),
            ("(n<=1)", Filter::AtMost("n".into(), text("1"))),
            ("(!(cn=a))", Filter::Not(Box::new(Filter::Equal("cn".into(), text("a"))))),
            ("(&)", Filter::And(Vec::new())),
            (
                "(u:1.2:=2)",
                Filter::Matches { rule: Some("1.2".into()), attr: Some("u".into()), value: text("2") },
            ),
        ] {
            assert_eq!(Filter::parse(written), Some(meant), "{written}");
        }
        for broken in ["", "(", "(cn=a", "(cn=a))", "(cn)", "(&(cn=a)", "(cn=\\4)"] {
            assert_eq!(Filter::parse(broken), None, "{broken}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in ".*") {
            let _ = Filter::parse(&text);
            let _ = Filter::parse(&format!("({text})"));
        }

        #[test]
        fn any_value_survives_escaping(value in proptest::collection::vec(any::<u8>(), 1..40)) {
            let text = format!("(objectGUID={})", escaped(&value));
            prop_assert_eq!(Filter::parse(&text), Some(Filter::Equal("objectGUID".into(), value)));
        }
    }
}
