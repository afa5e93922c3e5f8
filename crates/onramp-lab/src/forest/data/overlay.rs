//! The objects that one domain controller knows differently from the others.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::object::{INDEXED, Id, Metas, Object, UnixNanos, value_key};
use super::text::coarse;
use crate::forest::schema::Attr;

/// The data that one controller knows differently from [`State`](super::state::State).
#[derive(Debug, Default)]
pub(crate) struct Overlay {
    /// Objects that not all controllers agree on yet, as this one sees them.
    pub(crate) objects: HashMap<Id, Arc<Object>>,
    pub(crate) meta: Metas,
    /// The last change of each object here: update sequence number and time. An object without entry is as it was
    /// built.
    pub(crate) changed: HashMap<Id, (u64, UnixNanos)>,
    /// The same by update sequence number.
    pub(crate) by_usn: BTreeMap<u64, Id>,
    by_value: HashMap<(Attr, Vec<u8>), Vec<Id>>,
}

impl Overlay {
    /// Sets how this controller sees an object.
    pub(crate) fn set(&mut self, id: Id, object: Arc<Object>) {
        self.take(id);
        for attr in INDEXED {
            if let Some(key) = value_key(&object, attr) {
                self.by_value.entry((attr, key)).or_default().push(id);
            }
        }
        self.objects.insert(id, object);
    }

    /// Forgets how this controller sees an object, as all agree on it now.
    pub(crate) fn take(&mut self, id: Id) -> Option<Arc<Object>> {
        let object = self.objects.remove(&id)?;
        for attr in INDEXED {
            let Some(key) = value_key(&object, attr) else { continue };
            let key = (attr, key);
            let now_empty = self.by_value.get_mut(&key).is_some_and(|ids| {
                ids.retain(|&other| other != id);
                ids.is_empty()
            });
            if now_empty {
                self.by_value.remove(&key);
            }
        }
        Some(object)
    }

    pub(crate) fn with_value(&self, attr: Attr, value: &[u8]) -> &[Id] {
        self.by_value.get(&(attr, coarse(value).into_owned())).map(Vec::as_slice).unwrap_or_default()
    }

    /// Notes that an object changed here.
    pub(crate) fn touch(&mut self, id: Id, usn: u64, time: UnixNanos) {
        if let Some((old, _)) = self.changed.insert(id, (usn, time)) {
            self.by_usn.remove(&old);
        }
        self.by_usn.insert(usn, id);
    }
}
