//! Change tracking: the objects that changed since a cursor.

pub(crate) mod cursor;
pub(crate) mod dir_sync;
pub(crate) mod reader;
