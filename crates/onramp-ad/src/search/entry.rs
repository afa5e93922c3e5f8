//! An entry of a search result, decoded without trust in its shape.

use ldap3::asn1::{PL, StructureTag};
use onramp_core::{DistinguishedName, ObjectGuid, ParseError};

/// An object with the attributes that were returned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// The distinguished name for display.
    pub(crate) dn: String,
    /// True if the name was valid UTF-8.
    has_text_name: bool,
    attributes: Vec<Attribute>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Attribute {
    /// The name without options.
    name: String,
    /// The number of the next value, if the server returned only a range of the values.
    rest_from: Option<u64>,
    values: Vec<Vec<u8>>,
}

impl Entry {
    /// Decodes a `SearchResultEntry` (RFC 4511 4.5.2); `None` if it is malformed.
    pub(crate) fn decode(entry: StructureTag) -> Option<Self> {
        let [dn, attributes] = <[_; 2]>::try_from(constructed(entry)?).ok()?;
        let attributes = constructed(attributes)?.into_iter().map(attribute).collect::<Option<_>>()?;
        let dn = primitive(dn)?;
        let has_text_name = std::str::from_utf8(&dn).is_ok();
        Some(Self { dn: lossy(dn), has_text_name, attributes })
    }

    /// Creates an entry with one text value per attribute.
    #[cfg(test)]
    pub(crate) fn of_texts(dn: &str, attributes: &[(&str, &str)]) -> Self {
        let attribute = |(name, value): &(&str, &str)| Attribute {
            name: (*name).to_owned(),
            rest_from: None,
            values: vec![value.as_bytes().to_vec()],
        };
        Self {
            dn: dn.to_owned(),
            has_text_name: true,
            attributes: attributes.iter().map(attribute).collect(),
        }
    }

    /// Returns the distinguished name, if it is valid.
    pub(crate) fn name(&self) -> Result<DistinguishedName, ParseError> {
        if !self.has_text_name {
            return Err(ParseError::new("distinguished name", &self.dn, "it is not UTF-8"));
        }
        DistinguishedName::parse(&self.dn)
    }

    /// Returns the first value as text, without loss; `None` if there is none.
    ///
    /// # Errors
    /// The value is not UTF-8.
    pub(crate) fn exact_text(&self, name: &'static str) -> Result<Option<String>, ParseError> {
        self.exact_texts(name).next().transpose()
    }

    /// Returns all values as text, without loss.
    pub(crate) fn exact_texts(&self, name: &'static str) -> impl Iterator<Item = Result<String, ParseError>> {
        self.all_bytes(name).map(move |value| {
            String::from_utf8(value.to_vec())
                .map_err(|_| ParseError::new(name, &String::from_utf8_lossy(value), "it is not UTF-8"))
        })
    }

    /// Returns the first value, decoded by `read`; `None` if there is none.
    ///
    /// # Errors
    /// The value cannot be decoded.
    pub(crate) fn exact<T>(
        &self,
        name: &'static str,
        read: impl FnOnce(&Self) -> Option<T>,
    ) -> Result<Option<T>, ParseError> {
        match (self.text(name), read(self)) {
            (Some(text), None) => Err(ParseError::new(name, &text, "it breaks the attribute's syntax")),
            (_, value) => Ok(value),
        }
    }

    /// Returns all values of an attribute.
    pub(crate) fn all_bytes(&self, name: &str) -> impl Iterator<Item = &[u8]> {
        self.attributes.iter().filter(move |a| a.name.eq_ignore_ascii_case(name)).flat_map(Attribute::values)
    }

    /// Returns the first value of an attribute.
    pub(crate) fn bytes(&self, name: &str) -> Option<&[u8]> {
        self.all_bytes(name).next()
    }

    /// Returns the first value as text, for display: invalid UTF-8, which Active Directory does not store, is
    /// replaced.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        self.all_texts(name).next()
    }

    /// Returns all values as text, for display.
    pub(crate) fn all_texts(&self, name: &str) -> impl Iterator<Item = String> {
        self.all_bytes(name).map(|value| String::from_utf8_lossy(value).into_owned())
    }

    /// Returns the first value as a number. Active Directory writes unsigned 32-bit values as signed ones.
    pub(crate) fn integer(&self, name: &str) -> Option<i64> {
        self.text(name)?.parse().ok()
    }

    /// Returns a 32-bit field of flags.
    pub(crate) fn flags(&self, name: &str) -> Option<u32> {
        let value = self.integer(name)?;
        u32::try_from(value).or_else(|_| i32::try_from(value).map(i32::cast_unsigned)).ok()
    }

    /// Returns a Boolean; absent is false.
    pub(crate) fn is_true(&self, name: &str) -> bool {
        self.bytes(name) == Some(b"TRUE")
    }

    /// Returns an update sequence number.
    pub(crate) fn usn(&self, name: &str) -> Option<u64> {
        std::str::from_utf8(self.bytes(name)?).ok()?.parse().ok()
    }

    /// Returns `objectGUID`, if it was requested.
    pub(crate) fn guid(&self) -> Option<ObjectGuid> {
        ObjectGuid::from_slice(self.bytes("objectGUID")?).ok()
    }

    /// Returns every attribute that has values.
    pub(crate) fn into_attributes(self) -> impl Iterator<Item = (String, Vec<Vec<u8>>)> {
        self.attributes.into_iter().filter(|a| !a.values.is_empty()).map(|a| (a.name, a.values))
    }

    /// Returns the approximate size in memory.
    pub(crate) fn size(&self) -> usize {
        const OVERHEAD: usize = 32;
        let values = |a: &Attribute| a.values.iter().map(|value| value.len() + OVERHEAD).sum::<usize>();
        let attributes = |a: &Attribute| a.name.len() + OVERHEAD + values(a);
        self.dn.len() + OVERHEAD + self.attributes.iter().map(attributes).sum::<usize>()
    }

    /// Returns the attributes with only a range of their values, each with the number of the next value.
    pub(crate) fn truncated(&self) -> impl Iterator<Item = (&str, u64)> {
        self.attributes.iter().filter_map(|a| Some((a.name.as_str(), a.rest_from?)))
    }

    /// Appends the next range of values.
    pub(crate) fn extend(&mut self, more: Entry) {
        for addition in more.attributes {
            // The server also returns the attribute without a range, without values.
            let cut =
                |a: &&mut Attribute| a.rest_from.is_some() && a.name.eq_ignore_ascii_case(&addition.name);
            if let Some(mine) = self.attributes.iter_mut().find(cut).filter(|_| !addition.values.is_empty()) {
                mine.values.extend(addition.values);
                mine.rest_from = addition.rest_from;
            }
        }
    }

    /// Returns true if an attribute has only a range of its values.
    pub(crate) fn is_truncated(&self) -> bool {
        self.truncated().next().is_some()
    }
}

impl Attribute {
    fn values(&self) -> impl Iterator<Item = &[u8]> {
        self.values.iter().map(Vec::as_slice)
    }
}

fn attribute(part: StructureTag) -> Option<Attribute> {
    let [description, values] = <[_; 2]>::try_from(constructed(part)?).ok()?;
    let description = lossy(primitive(description)?);
    let (name, options) = description.split_once(';').unwrap_or((&description, ""));
    Some(Attribute {
        name: name.to_owned(),
        rest_from: options.split(';').find_map(next_of_range),
        values: constructed(values)?.into_iter().map(primitive).collect::<Option<_>>()?,
    })
}

/// Parses the range option: `range=0-1499` continues at 1500, `range=1500-*` is the last ([MS-ADTS]
/// 3.1.1.3.1.3.3).
fn next_of_range(option: &str) -> Option<u64> {
    let (_, last) = option.strip_prefix("range=")?.split_once('-')?;
    last.parse::<u64>().ok()?.checked_add(1)
}

fn constructed(tag: StructureTag) -> Option<Vec<StructureTag>> {
    match tag.payload {
        PL::C(parts) => Some(parts),
        PL::P(_) => None,
    }
}

fn primitive(tag: StructureTag) -> Option<Vec<u8>> {
    match tag.payload {
        PL::P(bytes) => Some(bytes),
        PL::C(_) => None,
    }
}

fn lossy(octets: Vec<u8>) -> String {
    String::from_utf8(octets).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use ldap3::asn1::TagClass;
    use proptest::prelude::*;

    fn tag(payload: PL) -> StructureTag {
        StructureTag { class: TagClass::Universal, id: 4, payload }
    }

    fn octets(bytes: &[u8]) -> StructureTag {
        tag(PL::P(bytes.to_vec()))
    }

    fn sequence(parts: Vec<StructureTag>) -> StructureTag {
        tag(PL::C(parts))
    }

    fn entry(attributes: &[(&str, &[&[u8]])]) -> Entry {
        let part = |(name, values): &(&str, &[&[u8]])| {
            sequence(vec![octets(name.as_bytes()), sequence(values.iter().map(|v| octets(v)).collect())])
        };
        let attributes = sequence(attributes.iter().map(part).collect());
        Entry::decode(sequence(vec![octets(b"CN=a"), attributes])).unwrap()
    }

    #[test]
    fn values_are_found_by_name_in_any_case() {
        let entry = entry(&[
            ("Mail", &[b"a@b", b"c@d"]),
            ("userAccountControl", &[b"-2147483136"]),
            ("adminCount", &[b"one"]),
            ("isCriticalSystemObject", &[b"TRUE"]),
            ("objectGUID", &[&[0xff, 0xfe]]),
        ]);
        assert_eq!(entry.text("mail").as_deref(), Some("a@b"));
        assert_eq!(entry.all_texts("MAIL").collect::<Vec<_>>(), ["a@b", "c@d"]);
        assert_eq!(entry.flags("userAccountControl"), Some(0x8000_0200));
        assert_eq!(entry.integer("adminCount"), None);
        assert!(entry.is_true("isCriticalSystemObject") && !entry.is_true("mail"));
        assert_eq!(entry.bytes("objectGUID"), Some(&[0xff, 0xfe][..]));
        assert_eq!(entry.text("absent"), None);
    }

    #[test]
    fn a_cut_off_attribute_is_continued() {
        let mut first = entry(&[("proxyAddresses", &[]), ("proxyAddresses;range=0-1", &[b"a", b"b"])]);
        assert_eq!(first.truncated().collect::<Vec<_>>(), [("proxyAddresses", 2)]);
        first.extend(entry(&[("proxyAddresses", &[]), ("proxyAddresses;range=2-*", &[b"c"])]));
        assert!(!first.is_truncated());
        assert_eq!(first.all_texts("proxyaddresses").collect::<Vec<_>>(), ["a", "b", "c"]);
    }

    fn any_tag() -> impl Strategy<Value = StructureTag> {
        let leaf = proptest::collection::vec(any::<u8>(), 0..12).prop_map(PL::P).prop_map(tag);
        leaf.prop_recursive(4, 32, 4, |inner| {
            proptest::collection::vec(inner, 0..4).prop_map(PL::C).prop_map(tag)
        })
    }

    proptest! {
        #[test]
        fn no_shape_makes_the_decoder_panic(tag in any_tag()) {
            if let Some(entry) = Entry::decode(tag) {
                let _ = (entry.text("a"), entry.integer("a"), entry.flags("a"), entry.is_truncated());
            }
        }

        #[test]
        fn any_bytes_are_a_value(name in "[a-zA-Z;=0-9*-]{0,20}", value in proptest::collection::vec(any::<u8>(), 0..40)) {
            let entry = entry(&[(&name, &[&value])]);
            let plain = name.split(';').next().unwrap();
            prop_assert_eq!(entry.bytes(plain), Some(value.as_slice()));
            let _ = (entry.text(plain), entry.integer(plain), entry.flags(plain), entry.is_truncated());
        }

        #[test]
        fn ranges_are_read_without_overflow(last in any::<u64>()) {
            let entry = entry(&[(&format!("a;range=0-{last}"), &[b"x"])]);
            prop_assert_eq!(entry.truncated().next().map(|(_, from)| from), last.checked_add(1));
        }
    }
}
