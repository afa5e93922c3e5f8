//! The values that a scan saw (`DuplicateStore`).

use std::collections::HashMap;

use super::column::Column;
use super::text::fold;
use crate::{DirectoryObject, ObjectKey};

/// The values of each attribute, as the checks before the search for duplicates left them, with their first holders.
#[derive(Debug, Clone, Default)]
pub(super) struct Duplicates {
    seen: HashMap<Column, HashMap<Box<str>, usize>>,
    holders: Vec<ObjectKey>,
    /// The object that is checked is the last holder already.
    has_current: bool,
}

impl Duplicates {
    /// Begins with the next object.
    pub(super) fn next_object(&mut self) {
        self.has_current = false;
    }

    /// Returns true if the value was seen before; else the object becomes its first holder (`DuplicateStore.IsDuplicate`).
    pub(super) fn is_duplicate(&mut self, column: Column, value: &str, object: &DirectoryObject) -> bool {
        let values = self.seen.entry(column).or_default();
        let key = fold(value).into_boxed_str();
        if values.contains_key(&key) {
            return true;
        }
        if !self.has_current {
            self.holders.push(object.key());
            self.has_current = true;
        }
        values.insert(key, self.holders.len() - 1);
        false
    }

    /// The first holder of a value (`DuplicateStore.GetOriginalSearchResultEntry`); none if no object has it in this form.
    pub(super) fn first_holder(&self, column: Column, value: &str) -> Option<&ObjectKey> {
        let holder = self.seen.get(&column)?.get(fold(value).as_str())?;
        self.holders.get(*holder)
    }
}
