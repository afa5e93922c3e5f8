//! The LDAP modify operation as compare-and-swap, for one object or a stream of changes.

pub(crate) mod compare_and_swap;
pub(crate) mod pipeline;
pub(crate) mod uniqueness;
pub(crate) mod writer;
