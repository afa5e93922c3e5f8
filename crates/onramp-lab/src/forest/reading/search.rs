//! Searches: which objects, in which order, a page at a time.

use std::ops::Range;

use super::matching::{Test, name_of};
use crate::forest::data::object::{Id, Object};
use crate::forest::data::view::{DirectoryScope, FIRST_USN, View};
use crate::forest::schema::Attr;
use crate::forest::security::access::Principal;

/// An index that names more objects than this is not asked to list them.
const MOST_LISTED: usize = 50_000;

/// The scope of a search (RFC 4511).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    Base,
    One,
    Subtree,
}

/// The parameters of a search.
#[derive(Debug, Clone)]
pub(crate) struct Query {
    /// The base object; `None` is the whole directory.
    pub(crate) base: Option<Id>,
    pub(crate) scope: Scope,
    pub(crate) test: Test,
    /// Deleted objects are found too.
    pub(crate) deleted: bool,
    pub(crate) principal: Principal,
}

/// A search under way. Objects keep their number for ever, so its position stays valid whatever changes meanwhile.
#[derive(Debug, Clone)]
pub(crate) struct Search {
    query: Query,
    candidates: Candidates,
    position: usize,
}

/// The objects that can match: those that an index named, then all with a number in a range, which takes no list of a
/// million numbers. Nothing is in both.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Candidates {
    listed: Vec<Id>,
    numbered: Range<usize>,
}

impl Candidates {
    fn listed(ids: impl IntoIterator<Item = Id>) -> Self {
        Self { listed: ids.into_iter().collect(), numbered: 0..0 }
    }

    fn get(&self, position: usize) -> Option<Id> {
        match position.checked_sub(self.listed.len()) {
            None => self.listed.get(position).copied(),
            Some(beyond) => {
                let id = self.numbered.start.checked_add(beyond).filter(|id| id < &self.numbered.end)?;
                Id::try_from(id).ok()
            }
        }
    }

    fn len(&self) -> usize {
        self.listed.len() + self.numbered.len()
    }

    /// These and others. The range may come out wider than both.
    fn or(mut self, other: Self) -> Self {
        self.numbered = match (self.numbered.is_empty(), other.numbered.is_empty()) {
            (true, _) => other.numbered,
            (_, true) => self.numbered,
            _ => self.numbered.start.min(other.numbered.start)..self.numbered.end.max(other.numbered.end),
        };
        self.listed.extend(other.listed);
        self.listed.sort_unstable();
        self.listed.dedup();
        let Self { listed, numbered } = &mut self;
        listed.retain(|&id| !numbered.contains(&(id as usize)));
        self
    }

    /// Those of these with a number in a range.
    fn within(mut self, range: &Range<usize>) -> Self {
        self.listed.retain(|&id| range.contains(&(id as usize)));
        self.numbered = self.numbered.start.max(range.start)..self.numbered.end.min(range.end);
        self
    }
}

/// Some results of a search.
#[derive(Debug, Clone, Default)]
pub(crate) struct Found {
    pub(crate) ids: Vec<Id>,
    /// True if the search is complete.
    pub(crate) done: bool,
}

impl Search {
    pub(crate) fn new(view: View<'_>, query: Query) -> Self {
        let candidates = match (query.scope, query.base) {
            (Scope::Base, Some(base)) => Candidates::listed([base]),
            _ => {
                let numbered = numbers(view, &query.test);
                match candidates(view, &query.test, query.deleted) {
                    Some(candidates) => candidates.within(&numbered),
                    None => Candidates { listed: Vec::new(), numbered },
                }
            }
        };
        Self { query, candidates, position: 0 }
    }

    /// Returns the next results: at most `limit`, looking at no more than `effort` objects.
    pub(crate) fn advance(&mut self, view: View<'_>, limit: usize, effort: usize) -> Found {
        let mut found = Found::default();
        for _ in 0..effort {
            if found.ids.len() >= limit {
                return found;
            }
            let Some(id) = self.candidates.get(self.position) else {
                found.done = true;
                return found;
            };
            self.position += 1;
            if self.matches(view, id) {
                found.ids.push(id);
            }
        }
        found
    }

    /// Returns true if no more results follow, if examining `effort` objects decides it. Objects that cannot match
    /// are skipped, so a later call continues there.
    pub(crate) fn is_exhausted(&mut self, view: View<'_>, effort: usize) -> Option<bool> {
        let found = self.advance(view, 1, effort);
        if !found.ids.is_empty() {
            self.position -= 1;
            return Some(false);
        }
        found.done.then_some(true)
    }

    fn matches(&self, view: View<'_>, id: Id) -> bool {
        let Some(object) = view.object(id) else { return false };
        let may_see_deleted = self.query.deleted && self.query.principal.is_administrator();
        if !view.shows(object) || (object.deleted && !may_see_deleted) {
            return false;
        }
        if !self.query.principal.may_read(object.class) && !self.finds_anything() {
            return false;
        }
        self.in_scope(view, id, object) && self.query.test.holds(view, id) == Some(true)
    }

    fn in_scope(&self, view: View<'_>, id: Id, object: &Object) -> bool {
        let Some(base) = self.query.base else { return true };
        match self.query.scope {
            Scope::Base => id == base,
            Scope::One => object.parent == base && self.same_context(view, base, object),
            Scope::Subtree => self.same_context(view, base, object) && view.is_within(id, base),
        }
    }

    /// Returns true if no attribute is examined: then objects with hidden attributes are found too.
    fn finds_anything(&self) -> bool {
        matches!(self.query.test, Test::Present(Attr::OBJECT_CLASS))
    }

    /// A search does not cross into another naming context, except in a global catalog.
    fn same_context(&self, view: View<'_>, base: Id, object: &Object) -> bool {
        view.directory_scope == DirectoryScope::Catalog
            || view.object(base).is_some_and(|base| base.context == object.context)
    }
}

/// Returns true if the content of an object is visible: password settings and deleted objects only to administrators.
pub(crate) fn visible(object: &Object, principal: Principal) -> bool {
    principal.may_read(object.class) && (!object.deleted || principal.is_administrator())
}

/// Returns the objects that an index names for a test; `None` if it does not name them, or names very many.
fn candidates(view: View<'_>, test: &Test, deleted: bool) -> Option<Candidates> {
    match test {
        Test::And(inner) => {
            inner.iter().filter_map(|test| candidates(view, test, deleted)).min_by_key(Candidates::len)
        }
        Test::Or(inner) => inner
            .iter()
            .try_fold(Candidates::default(), |all, test| Some(all.or(candidates(view, test, deleted)?))),
        Test::Equal(Attr::OBJECT_GUID, guid) => {
            let id = guid.as_slice().try_into().ok().and_then(|guid| view.state.find_guid(guid));
            Some(Candidates::listed(id))
        }
        Test::Equal(Attr::OBJECT_SID, sid) => Some(Candidates::listed(view.state.find_sid(sid))),
        Test::Equal(Attr::DISTINGUISHED_NAME, name) => {
            Some(Candidates::listed(view.resolve_deleted(&name_of(name)?)))
        }
        Test::Equal(attr @ (Attr::USER_PRINCIPAL_NAME | Attr::SAM_ACCOUNT_NAME), value) if !deleted => {
            let mut ids = view.with_value(*attr, value);
            ids.sort_unstable();
            Some(Candidates::listed(ids))
        }
        Test::AtLeast(Attr::USN_CHANGED, bound) => changed_since(view, usn(bound)?),
        _ => None,
    }
}

/// Returns the objects whose last change has that update sequence number or a higher one: those that were made since, and, if they
/// are not very many, those that were changed since.
fn changed_since(view: View<'_>, usn: u64) -> Option<Candidates> {
    let overlay = &view.controller()?.overlay;
    let made = numbered_from(view, usn);
    let changed = overlay.by_usn.range(usn..).map(|(_, &id)| id).filter(|&id| (id as usize) < made.start);
    let mut listed: Vec<Id> = changed.take(MOST_LISTED + 1).collect();
    listed.sort_unstable();
    (listed.len() <= MOST_LISTED).then_some(Candidates { listed, numbered: made })
}

/// Returns the numbers that objects can have which pass a test: they were given out in order of `uSNCreated`.
fn numbers(view: View<'_>, test: &Test) -> Range<usize> {
    let all = 0..view.state.objects.len();
    match test {
        Test::And(inner) => inner
            .iter()
            .map(|test| numbers(view, test))
            .fold(all, |one, other| one.start.max(other.start)..one.end.min(other.end)),
        Test::AtLeast(Attr::USN_CREATED, bound) => usn(bound).map_or(all, |usn| numbered_from(view, usn)),
        Test::AtMost(Attr::USN_CREATED, bound) => {
            usn(bound).map_or(all, |usn| 0..numbered_from(view, usn.saturating_add(1)).start)
        }
        _ => all,
    }
}

/// Returns the numbers of the objects that were made with that update sequence number or later.
fn numbered_from(view: View<'_>, usn: u64) -> Range<usize> {
    let end = view.state.objects.len();
    let start = usize::try_from(usn.saturating_sub(FIRST_USN)).unwrap_or(usize::MAX);
    start.min(end)..end
}

fn usn(bound: &[u8]) -> Option<u64> {
    u64::try_from(i64::from_be_bytes(bound.try_into().ok()?)).ok()
}
