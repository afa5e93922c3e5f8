//! Searching: which objects a filter finds, what changed since a cookie, and what of an object is given out.

pub(crate) mod changes;
pub(crate) mod constructed;
pub(crate) mod entry;
pub(crate) mod filter;
pub(crate) mod matching;
pub(crate) mod search;
