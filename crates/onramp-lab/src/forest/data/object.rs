//! The objects of the forest, and the replication metadata of their attributes.

use std::collections::HashMap;

use super::packed::Packed;
use super::text::coarse;
use crate::forest::schema::{Attr, Class};

/// The number of an object in the forest; it never changes.
pub(crate) type Id = u32;

/// The parent of an object that has none.
pub(crate) const NO_PARENT: Id = Id::MAX;

/// Nanoseconds since 1970.
pub(crate) type UnixNanos = i64;

/// One object.
#[derive(Debug, Clone)]
pub(crate) struct Object {
    pub(crate) guid: [u8; 16],
    pub(crate) parent: Id,
    pub(crate) class: Class,
    /// Index of its naming context.
    pub(crate) context: u8,
    /// True if the object was deleted; only a search for deleted objects finds it then.
    pub(crate) deleted: bool,
    pub(crate) attrs: Packed,
}

impl Object {
    /// Returns the value that names the object among its siblings.
    pub(crate) fn rdn_value(&self) -> &[u8] {
        self.attrs.values(self.class.naming_attribute()).next().unwrap_or_default()
    }
}

/// The replication metadata of one attribute of one object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Meta {
    pub(crate) version: u32,
    pub(crate) time: UnixNanos,
    /// Index of the controller where the change was made.
    pub(crate) origin: usize,
    /// The update sequence number it got there.
    pub(crate) usn: u64,
}

/// The last changes by object.
#[derive(Debug, Clone, Default)]
pub(crate) struct Metas(HashMap<Id, Vec<(Attr, Meta)>>);

impl Metas {
    pub(crate) fn get(&self, id: Id, attr: Attr) -> Option<&Meta> {
        self.of(id).iter().find(|(found, _)| *found == attr).map(|(_, meta)| meta)
    }

    pub(crate) fn of(&self, id: Id) -> &[(Attr, Meta)] {
        self.0.get(&id).map(Vec::as_slice).unwrap_or_default()
    }

    pub(crate) fn set(&mut self, id: Id, attr: Attr, meta: Meta) {
        let metas = self.0.entry(id).or_default();
        metas.retain(|(other, _)| *other != attr);
        metas.push((attr, meta));
    }

    pub(crate) fn take(&mut self, id: Id) -> Vec<(Attr, Meta)> {
        self.0.remove(&id).unwrap_or_default()
    }
}

/// The attributes that names are looked up by.
pub(crate) const INDEXED: [Attr; 2] = [Attr::USER_PRINCIPAL_NAME, Attr::SAM_ACCOUNT_NAME];

pub(super) fn value_key(object: &Object, attr: Attr) -> Option<Vec<u8>> {
    object.attrs.values(attr).next().map(|value| coarse(value).into_owned())
}

/// A duration as nanoseconds, capped far below overflow.
pub(crate) fn nanoseconds(time: std::time::Duration) -> UnixNanos {
    UnixNanos::try_from(time.as_nanos()).unwrap_or(UnixNanos::MAX / 4).min(UnixNanos::MAX / 4)
}
