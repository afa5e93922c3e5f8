//! The state of the forest: objects once for all domain controllers, and the differences of each controller.

use std::collections::HashMap;

use hashbrown::HashTable;
use onramp_core::DomainName;

use super::controller::Controller;
use super::object::{INDEXED, Id, Metas, Object, UnixNanos};
use super::text::{Comparison, coarse, fold_bytes, hash};
use crate::forest::schema::Attr;

/// The product of the domain controllers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Vendor {
    /// Samba: a change by delete and add counts as two versions, replication state comes in binary only and without
    /// times.
    #[default]
    Samba,
    /// Windows Server: a change counts as one version, replication state also comes as XML to administrators, and tells
    /// when two domain controllers were last in step.
    Windows,
}

/// The kind of data in a naming context.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ContextKind {
    /// A domain.
    Domain,
    /// Sites, servers, partitions.
    Configuration,
    /// Attributes and classes.
    Schema,
}

/// A naming context.
#[derive(Debug, Clone)]
pub(crate) struct Context {
    pub(crate) kind: ContextKind,
    pub(crate) head: Id,
}

/// A domain of the forest.
#[derive(Debug, Clone)]
pub(crate) struct Domain {
    /// Index of its naming context.
    pub(crate) context: u8,
    pub(crate) head: Id,
    pub(crate) dns: DomainName,
    pub(crate) netbios: String,
    /// The built-in administrator.
    pub(crate) administrator: Id,
}

/// Everything the forest holds.
#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) contexts: Vec<Context>,
    /// The domain at the root of the forest, then the others.
    pub(crate) domains: Vec<Domain>,
    pub(crate) controllers: Vec<Controller>,
    pub(crate) objects: Vec<Object>,
    /// Last changes, of the attributes that all controllers agree on; what is not here is as it was built.
    pub(crate) meta: Metas,
    /// The number of outstanding replications of each object.
    pub(crate) pending: HashMap<Id, u32>,
    /// Objects that `member` or `msDS-PSOAppliesTo` of other objects name: from the named to those that name it.
    pub(crate) links: HashMap<(Id, Attr), Vec<Id>>,
    /// The time at which the forest was built.
    pub(crate) built: UnixNanos,
    /// The product of the controllers.
    pub(crate) vendor: Vendor,
    /// The comparison of the names of accounts.
    pub(crate) comparison: Comparison,
    /// True if up-to-dateness vectors cannot be read.
    pub(crate) vectors_hidden: bool,
    by_guid: HashTable<Id>,
    by_name: HashTable<Id>,
    by_sid: HashTable<Id>,
    by_value: [HashTable<Id>; 2],
}

impl State {
    /// Creates a forest with nothing in it.
    pub(crate) fn built_at(built: UnixNanos) -> Self {
        Self { built, ..Self::default() }
    }

    /// Adds an object as if it had been there on every controller from the start.
    pub(crate) fn insert(&mut self, object: Object) -> Id {
        let id = self.objects.len() as Id;
        self.objects.push(object);
        let Self { objects, by_guid, by_name, by_sid, by_value, .. } = self;
        let get = |id: Id| objects.get(id as usize);
        let Some(object) = get(id) else { return id };
        by_guid.insert_unique(guid_hash(&object.guid), id, |&id| get(id).map_or(0, |o| guid_hash(&o.guid)));
        by_name.insert_unique(name_hash(object), id, |&id| get(id).map_or(0, name_hash));
        if let Some(hash) = value_hash(object, Attr::OBJECT_SID) {
            let rehash = |&id: &Id| get(id).and_then(|o| value_hash(o, Attr::OBJECT_SID)).unwrap_or_default();
            by_sid.insert_unique(hash, id, rehash);
        }
        for (table, attr) in by_value.iter_mut().zip(INDEXED) {
            if let Some(hash) = value_hash(object, attr) {
                let rehash = |&id: &Id| get(id).and_then(|o| value_hash(o, attr)).unwrap_or_default();
                table.insert_unique(hash, id, rehash);
            }
        }
        id
    }

    /// Replaces what all controllers agree on for an object, and keeps the indexes right.
    pub(crate) fn replace(&mut self, id: Id, new: Object) {
        let Some(old) = self.objects.get(id as usize) else { return };
        let old_hashes = (name_hash(old), INDEXED.map(|attr| value_hash(old, attr)));
        let new_hashes = (name_hash(&new), INDEXED.map(|attr| value_hash(&new, attr)));
        if let Some(slot) = self.objects.get_mut(id as usize) {
            *slot = new;
        }
        let Self { objects, by_name, by_value, .. } = self;
        let get = |id: Id| objects.get(id as usize);
        if old_hashes.0 != new_hashes.0 {
            remove(by_name, old_hashes.0, id);
            by_name.insert_unique(new_hashes.0, id, |&id| get(id).map_or(0, name_hash));
        }
        let changes = old_hashes.1.into_iter().zip(new_hashes.1);
        for ((table, attr), (old, new)) in by_value.iter_mut().zip(INDEXED).zip(changes) {
            if old == new {
                continue;
            }
            if let Some(old) = old {
                remove(table, old, id);
            }
            if let Some(new) = new {
                let rehash = |&id: &Id| get(id).and_then(|o| value_hash(o, attr)).unwrap_or_default();
                table.insert_unique(new, id, rehash);
            }
        }
    }

    pub(crate) fn object(&self, id: Id) -> Option<&Object> {
        self.objects.get(id as usize)
    }

    pub(crate) fn find_guid(&self, guid: &[u8; 16]) -> Option<Id> {
        let matches = |&id: &Id| self.object(id).is_some_and(|object| object.guid == *guid);
        self.by_guid.find(guid_hash(guid), matches).copied()
    }

    pub(crate) fn find_sid(&self, sid: &[u8]) -> Option<Id> {
        let matches = |&id: &Id| {
            self.object(id).is_some_and(|object| object.attrs.values(Attr::OBJECT_SID).any(|v| v == sid))
        };
        self.by_sid.find(hash(&[sid]), matches).copied()
    }

    /// Returns the child of `parent` that is called `value` (folded).
    pub(crate) fn find_child(&self, parent: Id, kind: &str, value: &str) -> Option<Id> {
        let hash = hash(&[&parent.to_le_bytes(), value.as_bytes()]);
        let matches = |&id: &Id| {
            self.object(id).is_some_and(|object| {
                object.parent == parent
                    && object.class.naming_attribute().name().eq_ignore_ascii_case(kind)
                    && fold_bytes(object.rdn_value()) == value.as_bytes()
            })
        };
        self.by_name.find(hash, matches).copied()
    }

    /// Returns the objects that had `value`, or one like it, of an indexed attribute when all controllers last agreed on them.
    pub(crate) fn settled_with(&self, attr: Attr, value: &[u8]) -> impl Iterator<Item = Id> + '_ {
        let table = INDEXED.iter().position(|&indexed| indexed == attr).and_then(|at| self.by_value.get(at));
        let hash = hash(&[&coarse(value)]);
        table.into_iter().flat_map(move |table| table.iter_hash(hash).copied())
    }
}

fn remove(table: &mut HashTable<Id>, hash: u64, id: Id) {
    if let Ok(entry) = table.find_entry(hash, |&other| other == id) {
        entry.remove();
    }
}

fn guid_hash(guid: &[u8; 16]) -> u64 {
    hash(&[guid])
}

fn name_hash(object: &Object) -> u64 {
    hash(&[&object.parent.to_le_bytes(), &fold_bytes(object.rdn_value())])
}

fn value_hash(object: &Object, attr: Attr) -> Option<u64> {
    let value = object.attrs.values(attr).next()?;
    match attr {
        Attr::OBJECT_SID => Some(hash(&[value])),
        _ => Some(hash(&[&coarse(value)])),
    }
}
