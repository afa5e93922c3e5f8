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

/// The maximum number of places that are kept.
const KEPT: usize = 8;

/// The places of one violation, in order: the first eight of them, with places that overlap joined.
///
/// Places that end beyond the first 65,535 bytes of a candidate are left out.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Spans {
    // Small, because every verdict has room for many of them.
    places: [(u16, u16); KEPT],
    len: u8,
}

impl Spans {
    pub(crate) const NONE: Self = Self { places: [(0, 0); KEPT], len: 0 };

    pub(crate) fn one(start: usize, end: usize) -> Self {
        let mut spans = Self::NONE;
        spans.add(start, end);
        spans
    }

    /// Adds a place that does not begin before the last one.
    pub(crate) fn add(&mut self, start: usize, end: usize) {
        let Some((start, end)) = narrow(start, end) else { return };
        match self.last() {
            Some(last) if start < last.1 => last.1 = last.1.max(end),
            _ => self.append(start, end),
        }
    }

    /// Adds a place, or makes the last one longer if it ends where this one begins.
    pub(crate) fn prolong(&mut self, start: usize, end: usize) {
        let Some((start, end)) = narrow(start, end) else { return };
        match self.last() {
            Some(last) if start <= last.1 => last.1 = last.1.max(end),
            _ => self.append(start, end),
        }
    }

    /// Returns the places of both.
    pub(crate) fn union(&self, other: &Self) -> Self {
        let mut all = Self::NONE;
        let (mut ours, mut theirs) = (self.iter().peekable(), other.iter().peekable());
        loop {
            let next = match (ours.peek(), theirs.peek()) {
                (Some(a), Some(b)) if b < a => theirs.next(),
                (Some(_), _) => ours.next(),
                (None, _) => theirs.next(),
            };
            let Some(span) = next else { return all };
            all.add(span.start, span.end);
        }
    }

    fn last(&mut self) -> Option<&mut (u16, u16)> {
        usize::from(self.len).checked_sub(1).and_then(|last| self.places.get_mut(last))
    }

    fn append(&mut self, start: u16, end: u16) {
        if let Some(free) = self.places.get_mut(usize::from(self.len)) {
            *free = (start, end);
            self.len += 1;
        }
    }

    /// Returns the places, in order.
    pub fn iter(&self) -> impl Iterator<Item = Span> + '_ {
        let places = self.places.iter().take(usize::from(self.len));
        places.map(|&(start, end)| Span { start: start.into(), end: end.into() })
    }

    /// Returns the number of places.
    #[must_use]
    pub fn len(&self) -> usize {
        usize::from(self.len)
    }

    /// Returns true if there is no place.
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
            if let Some((start, end)) = narrow(span.start, span.end) {
                spans.append(start, end);
            }
        }
        Ok(spans)
    }
}

fn narrow(start: usize, end: usize) -> Option<(u16, u16)> {
    Some((u16::try_from(start).ok()?, u16::try_from(end).ok()?))
}
