//! The LDAP search operation: one request, one object, or a stream of pages.

pub(crate) mod entry;
pub(crate) mod object;
pub(crate) mod paged;
pub(crate) mod read;
pub(crate) mod request;
pub(crate) mod usn_set;
