//! The attributes of one object in one block of memory, so that a million objects are a million small blocks and not a
//! hundred million.

use crate::forest::schema::Attr;

/// Attribute values, each a sequence of bytes as it goes over the wire, packed one after the other.
///
/// Layout, for each attribute that has a value: number of the attribute (two bytes), how many values, and for each value its
/// length and its bytes; counts and lengths in base 128, low digits first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Packed(Box<[u8]>);

impl Packed {
    /// Returns the values of `attr`; none if the object does not have it.
    pub(crate) fn values(&self, attr: Attr) -> Values<'_> {
        self.iter().find(|(found, _)| *found == attr).map(|(_, values)| values).unwrap_or_default()
    }

    /// Returns every attribute that has values.
    pub(crate) fn iter(&self) -> Iter<'_> {
        Iter { rest: &self.0 }
    }

    /// The same with the values of `attr` replaced; no values take the attribute away.
    pub(crate) fn with<V: AsRef<[u8]>>(&self, attr: Attr, values: &[V]) -> Self {
        let mut packer = Packer::default();
        for (other, kept) in self.iter().filter(|(other, _)| *other != attr) {
            packer.push_all(other, &kept.collect::<Vec<_>>());
        }
        packer.push_all(attr, values);
        packer.finish()
    }
}

/// Builds a [`Packed`].
#[derive(Debug, Default)]
pub(crate) struct Packer(Vec<u8>);

impl Packer {
    /// Adds an attribute with one value.
    pub(crate) fn push(&mut self, attr: Attr, value: impl AsRef<[u8]>) {
        self.push_all(attr, &[value]);
    }

    /// Adds an attribute with all its values. An attribute may be added only once.
    pub(crate) fn push_all<V: AsRef<[u8]>>(&mut self, attr: Attr, values: &[V]) {
        if values.is_empty() {
            return;
        }
        self.0.extend(attr.number().to_le_bytes());
        push_number(&mut self.0, values.len());
        for value in values {
            push_number(&mut self.0, value.as_ref().len());
            self.0.extend(value.as_ref());
        }
    }

    pub(crate) fn finish(self) -> Packed {
        Packed(self.0.into_boxed_slice())
    }
}

/// Iterates over the attributes of a [`Packed`].
#[derive(Debug, Clone)]
pub(crate) struct Iter<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Iter<'a> {
    type Item = (Attr, Values<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let (number, rest) = self.rest.split_first_chunk::<2>()?;
        let attr = Attr::from_number(u16::from_le_bytes(*number))?;
        let (count, rest) = take_number(rest)?;
        let values = Values { rest, left: count };
        let mut skip = values.clone();
        skip.by_ref().for_each(drop);
        self.rest = skip.rest;
        Some((attr, values))
    }
}

/// Iterates over the values of one attribute.
#[derive(Debug, Clone, Default)]
pub(crate) struct Values<'a> {
    rest: &'a [u8],
    left: usize,
}

impl<'a> Iterator for Values<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        self.left = self.left.checked_sub(1)?;
        let (length, rest) = take_number(self.rest)?;
        let (value, rest) = rest.split_at_checked(length)?;
        self.rest = rest;
        Some(value)
    }
}

fn push_number(out: &mut Vec<u8>, mut number: usize) {
    while number >= 0x80 {
        out.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

fn take_number(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let mut number = 0;
    let mut shift = 0;
    let mut rest = bytes;
    loop {
        let (&byte, after) = rest.split_first()?;
        rest = after;
        number |= usize::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some((number, rest));
        }
        shift += 7;
    }
}
