//! Places in a candidate.

use alloc::vec::Vec;
use core::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A piece of the candidate: byte offsets on character boundaries, the end not included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[allow(clippy::exhaustive_structs)] // a start and an end
pub struct Span {
    /// The first byte.
    pub start: usize,
    /// The byte after the last.
    pub end: usize,
}

/// How many places are kept.
const KEPT: usize = 8;

/// The places of one violation, in order: the first eight of them, with places that overlap joined.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Spans {
    places: [(u32, u32); KEPT],
    len: u8,
}

impl Spans {
    pub(crate) const NONE: Self = Self { places: [(0, 0); KEPT], len: 0 };

    pub(crate) fn one(start: usize, end: usize) -> Self {
        let mut spans = Self::NONE;
        spans.add(start, end);
        spans
    }

    /// Adds a place that does not begin before the last one. Offsets beyond four gigabytes are cut off there.
    pub(crate) fn add(&mut self, start: usize, end: usize) {
        match self.last() {
            Some(last) if to_u32(start) < last.1 => last.1 = last.1.max(to_u32(end)),
            _ => self.append(start, end),
        }
    }

    /// Adds a place, or makes the last one longer if it ends where this one begins.
    pub(crate) fn prolong(&mut self, start: usize, end: usize) {
        match self.last() {
            Some(last) if to_u32(start) <= last.1 => last.1 = last.1.max(to_u32(end)),
            _ => self.append(start, end),
        }
    }

    fn last(&mut self) -> Option<&mut (u32, u32)> {
        usize::from(self.len).checked_sub(1).and_then(|last| self.places.get_mut(last))
    }

    fn append(&mut self, start: usize, end: usize) {
        if let Some(free) = self.places.get_mut(usize::from(self.len)) {
            *free = (to_u32(start), to_u32(end));
            self.len += 1;
        }
    }

    /// The places, in order.
    pub fn iter(&self) -> impl Iterator<Item = Span> + '_ {
        let places = self.places.iter().take(usize::from(self.len));
        places.map(|&(start, end)| Span { start: start as usize, end: end as usize })
    }

    /// How many places there are.
    #[must_use]
    pub fn len(&self) -> usize {
        usize::from(self.len)
    }

    /// Whether there is no place.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
}

impl fmt::Debug for Spans {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter().map(|span| span.start..span.end)).finish()
    }
}

impl<const N: usize> PartialEq<[Span; N]> for Spans {
    fn eq(&self, other: &[Span; N]) -> bool {
        self.iter().eq(other.iter().copied())
    }
}

impl Serialize for Spans {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl<'de> Deserialize<'de> for Spans {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut spans = Self::NONE;
        for span in Vec::<Span>::deserialize(deserializer)? {
            spans.append(span.start, span.end);
        }
        Ok(spans)
    }
}

fn to_u32(offset: usize) -> u32 {
    u32::try_from(offset).unwrap_or(u32::MAX)
}
