//! The profile `idfix` against the record of IdFix 2.6.0.3.

// Helpers of tests may fail loudly, as tests themselves may.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod address;
mod dedicated;
mod domains;
mod duplicates;
mod exclusions;
mod findings;
mod multi_tenant;
mod properties;
mod support;
