//! Changes on a domain controller since the moment of a cookie.

use std::collections::BTreeMap;

use super::entry::{Attribute, Selection};
use super::matching::Test;
use super::search::visible;
use crate::forest::data::controller::Controller;
use crate::forest::data::object::Id;
use crate::forest::data::view::{FIRST_USN, View};
use crate::forest::schema::{Attr, Source};
use crate::forest::security::access::Principal;

const MAGIC: &[u8; 8] = b"LABSYNC1";
type Invocation = [u8; 16];

/// The state of a client: the update sequence number seen of each controller; and, in the middle of a result, the
/// position in the update sequence numbers of the controller that gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cookie {
    seen: BTreeMap<Invocation, u64>,
    from: Invocation,
    next: u64,
}

impl Cookie {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        out.extend(self.from);
        out.extend(self.next.to_le_bytes());
        for (invocation, usn) in &self.seen {
            out.extend(invocation);
            out.extend(usn.to_le_bytes());
        }
        out
    }

    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let pair = |bytes: &[u8]| -> Option<(Invocation, u64)> {
            let (invocation, usn) = bytes.split_first_chunk::<16>()?;
            Some((*invocation, u64::from_le_bytes(usn.try_into().ok()?)))
        };
        let mut pairs = bytes.strip_prefix(MAGIC)?.chunks(24).map(pair);
        let (from, next) = pairs.next()??;
        Some(Self { from, next, seen: pairs.collect::<Option<_>>()? })
    }
}

/// One way through what changed.
#[derive(Debug)]
pub(crate) struct Pass {
    context: usize,
    test: Test,
    selection: Selection,
    principal: Principal,
    /// The changes that the client has seen; `None` if it gets everything.
    seen: Option<BTreeMap<Invocation, u64>>,
    /// The update sequence number to go on at.
    next: u64,
}

impl Pass {
    pub(crate) fn new(
        view: View<'_>,
        context: usize,
        test: Test,
        selection: Selection,
        principal: Principal,
        cookie: Option<Cookie>,
    ) -> Self {
        let own = view.controller().map(|controller| controller.invocation).unwrap_or_default();
        // Another controller's numbers mean nothing here: everything is looked at, and what the client has is left out.
        let next = cookie.as_ref().filter(|cookie| cookie.from == own).map_or(0, |cookie| cookie.next);
        let seen = cookie.map(|cookie| cookie.seen).filter(|seen| !seen.is_empty());
        Self { context, test, selection, principal, seen, next }
    }

    /// Returns the next changed objects with their changed attributes: about so many bytes, looking at no more than `effort` objects.
    /// And whether that was all.
    pub(crate) fn advance(
        &mut self,
        view: View<'_>,
        bytes: usize,
        effort: usize,
    ) -> (Vec<(Id, Vec<Attribute>)>, bool) {
        let mut found = Vec::new();
        let mut size = 0;
        for (usn, id) in by_usn(view, self.next).take(effort) {
            if size >= bytes {
                return (found, false);
            }
            self.next = usn + 1;
            if let Some(attributes) = self.changed(view, id) {
                size += attributes.iter().flat_map(|a| &a.values).map(Vec::len).sum::<usize>() + 64;
                found.push((id, attributes));
            }
        }
        let done = by_usn(view, self.next).next().is_none();
        (found, done)
    }

    /// Returns the cookie to go on from; once everything was given, all of it counts as seen.
    pub(crate) fn cookie(&self, view: View<'_>, done: bool) -> Cookie {
        let from = view.controller().map(|controller| controller.invocation).unwrap_or_default();
        let seen = match done {
            true => everything(view, self.context),
            false => self.seen.clone().unwrap_or_default(),
        };
        Cookie { seen, from, next: self.next }
    }

    /// Returns the changed attributes of an object; `None` if nothing that the client wants changed.
    fn changed(&self, view: View<'_>, id: Id) -> Option<Vec<Attribute>> {
        let object = view.object(id).filter(|object| usize::from(object.context) == self.context)?;
        if !visible(object, self.principal) || self.test.holds(view, id) != Some(true) {
            return None;
        }
        let wanted = self.selection.attributes().filter(|attr| attr.info().source != Source::Constructed);
        let wanted = wanted.filter(|attr| !matches!(*attr, Attr::USN_CHANGED | Attr::WHEN_CHANGED));
        let attributes: Vec<Attribute> = match &self.seen {
            None => wanted.map(|attr| read(view, id, attr)).filter(|a| !a.values.is_empty()).collect(),
            Some(seen) => {
                let is_new = |attr: &Attr| changed_since(view, id, *attr, seen);
                let changed: Vec<Attribute> =
                    wanted.filter(is_new).map(|attr| read(view, id, attr)).collect();
                let moved = [Attr::CN, Attr::OU, Attr::IS_DELETED].iter().any(is_new);
                if changed.is_empty() && !moved {
                    return None;
                }
                changed
            }
        };
        let always = [Attr::OBJECT_GUID, Attr::INSTANCE_TYPE, Attr::IS_DELETED];
        let missing = always.into_iter().filter(|attr| attributes.iter().all(|a| a.name != attr.name()));
        let missing = missing.map(|attr| read(view, id, attr)).filter(|a| !a.values.is_empty());
        Some(missing.chain(attributes.iter().cloned()).collect())
    }
}

fn read(view: View<'_>, id: Id, attr: Attr) -> Attribute {
    Attribute { name: attr.name().to_owned(), values: view.values(id, attr) }
}

/// Returns true if the client has not seen the last change of an attribute. Every cookie includes the state at the
/// build of the forest.
fn changed_since(view: View<'_>, id: Id, attr: Attr, seen: &BTreeMap<Invocation, u64>) -> bool {
    let own = view.controller().and_then(|controller| controller.overlay.meta.get(id, attr));
    let Some(meta) = own.or_else(|| view.state.meta.get(id, attr)) else { return false };
    let origin = view.state.controllers.get(meta.origin).map(|origin| origin.invocation).unwrap_or_default();
    seen.get(&origin).is_none_or(|&usn| meta.usn > usn)
}

/// Objects by the update sequence number of their last change here, from one on.
fn by_usn(view: View<'_>, from: u64) -> impl Iterator<Item = (u64, Id)> + '_ {
    let overlay = view.controller().map(|controller| &controller.overlay);
    let first = from.saturating_sub(FIRST_USN).min(view.state.objects.len() as u64);
    let unchanged = (first..view.state.objects.len() as u64).filter_map(|id| Id::try_from(id).ok());
    let unchanged = unchanged.filter(move |id| overlay.is_none_or(|o| !o.changed.contains_key(id)));
    let unchanged = unchanged.map(|id| (FIRST_USN + u64::from(id), id));
    let changed = overlay.into_iter().flat_map(move |o| o.by_usn.range(from..).map(|(&usn, &id)| (usn, id)));
    unchanged.chain(changed)
}

/// Returns all that a controller has seen, its own changes included.
fn everything(view: View<'_>, context: usize) -> BTreeMap<Invocation, u64> {
    let Some(own) = view.controller() else { return BTreeMap::new() };
    let of = |(at, other): (usize, &Controller)| {
        let seen = own.seen.get(at).and_then(|seen| seen.get(context)).copied().unwrap_or_default();
        (other.invocation, if at == view.at { own.usn } else { seen })
    };
    view.state.controllers.iter().enumerate().map(of).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Cookie;

    proptest! {
        #[test]
        fn cookies_come_back(
            seen in proptest::collection::btree_map(any::<[u8; 16]>(), any::<u64>(), 0..4),
            from: [u8; 16],
            next: u64,
        ) {
            let cookie = Cookie { seen, from, next };
            prop_assert_eq!(Cookie::decode(&cookie.encode()), Some(cookie));
        }

        #[test]
        fn any_bytes_are_a_cookie_or_not(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            let _ = Cookie::decode(&bytes);
            let _ = Cookie::decode(&[b"LABSYNC1".as_slice(), &bytes].concat());
        }
    }
}
