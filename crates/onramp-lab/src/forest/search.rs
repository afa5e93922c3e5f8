//! Searches: which objects, in which order, a page at a time.

use std::collections::BTreeSet;

use super::access::Principal;
use super::matching::Test;
use super::schema::{Attr, Class};
use super::state::{Id, Object};
use super::view::{FIRST_USN, Reach, View};

/// How far below the base a search goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    Base,
    One,
    Subtree,
}

/// What to look for.
#[derive(Debug, Clone)]
pub(super) struct Query {
    /// Where; `None` is the whole directory.
    pub(super) base: Option<Id>,
    pub(super) scope: Scope,
    pub(super) test: Test,
    /// Deleted objects are found too.
    pub(super) deleted: bool,
    pub(super) principal: Principal,
}

/// A search under way. Objects keep their number for ever, so its position stays valid whatever changes meanwhile.
#[derive(Debug, Clone)]
pub(super) struct Search {
    query: Query,
    /// The objects that can match, if an index knows them; all otherwise.
    candidates: Option<Vec<Id>>,
    position: usize,
}

/// Some results of a search.
#[derive(Debug, Clone, Default)]
pub(super) struct Found {
    pub(super) ids: Vec<Id>,
    /// Nothing more can come.
    pub(super) done: bool,
}

impl Search {
    pub(super) fn new(view: View<'_>, query: Query) -> Self {
        let candidates = match (query.scope, query.base) {
            (Scope::Base, Some(base)) => Some(vec![base]),
            _ => candidates(view, &query.test).map(|ids| ids.into_iter().collect()),
        };
        Self { query, candidates, position: 0 }
    }

    /// The next results: at most `limit`, looking at no more than `effort` objects.
    pub(super) fn advance(&mut self, view: View<'_>, limit: usize, effort: usize) -> Found {
        let mut found = Found::default();
        for _ in 0..effort {
            if found.ids.len() >= limit {
                return found;
            }
            let next = match &self.candidates {
                Some(ids) => ids.get(self.position).copied(),
                None => (self.position < view.state.objects.len()).then_some(self.position as Id),
            };
            let Some(id) = next else {
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

    /// Whether nothing more will come. What cannot match is skipped, so asking twice costs little.
    pub(super) fn is_exhausted(&mut self, view: View<'_>) -> bool {
        if self.advance(view, 1, usize::MAX).ids.is_empty() {
            return true;
        }
        self.position -= 1;
        false
    }

    fn matches(&self, view: View<'_>, id: Id) -> bool {
        let Some(object) = view.object(id) else { return false };
        if !view.shows(object)
            || (object.deleted && !self.query.deleted)
            || !visible(object, self.query.principal)
        {
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

    /// A search does not cross into another naming context, except in a global catalog.
    fn same_context(&self, view: View<'_>, base: Id, object: &Object) -> bool {
        view.reach == Reach::Catalog || view.object(base).is_some_and(|base| base.context == object.context)
    }
}

/// Password settings can only be seen by administrators.
pub(super) fn visible(object: &Object, principal: Principal) -> bool {
    object.class != Class::PasswordSettings || principal.is_administrator()
}

/// The objects that an index names for a test; `None` if every object has to be looked at.
fn candidates(view: View<'_>, test: &Test) -> Option<BTreeSet<Id>> {
    match test {
        Test::And(inner) => inner.iter().filter_map(|test| candidates(view, test)).min_by_key(BTreeSet::len),
        Test::Or(inner) => {
            let mut all = BTreeSet::new();
            for test in inner {
                all.extend(candidates(view, test)?);
            }
            Some(all)
        }
        Test::Equal(Attr::OBJECT_GUID, guid) => Some(
            guid.as_slice().try_into().ok().and_then(|guid| view.state.find_guid(guid)).into_iter().collect(),
        ),
        Test::Equal(Attr::OBJECT_SID, sid) => Some(view.state.find_sid(sid).into_iter().collect()),
        Test::Equal(attr @ (Attr::USER_PRINCIPAL_NAME | Attr::SAM_ACCOUNT_NAME), value) => {
            Some(view.with_value(*attr, value).into_iter().collect())
        }
        Test::AtLeast(Attr::USN_CHANGED, bound) => {
            let bound = u64::try_from(i64::from_be_bytes(bound.as_slice().try_into().ok()?)).ok()?;
            let built_up_to = FIRST_USN + view.state.objects.len() as u64;
            let changed = &view.controller()?.overlay.by_usn;
            (bound >= built_up_to).then(|| changed.range(bound..).map(|(_, &id)| id).collect())
        }
        _ => None,
    }
}
