//! Objects, page after page, and what changed in them.

pub(crate) mod base;
pub(crate) mod change_cursor;
pub(crate) mod changes;
pub(crate) mod dir_sync;
pub(crate) mod entry;
pub(crate) mod object;
pub(crate) mod page;
pub(crate) mod pages;
pub(crate) mod search;
pub(crate) mod usn_set;
