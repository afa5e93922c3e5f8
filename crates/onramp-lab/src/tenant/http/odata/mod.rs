//! The query language of Graph and Azure Resource Manager: what of a collection is asked for, and in which pages.

pub(super) mod filter;
pub(super) mod query;
