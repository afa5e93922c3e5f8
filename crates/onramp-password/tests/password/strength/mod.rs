//! The strength estimate.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)] // helpers of tests may, as tests may

mod allocations;
mod beside_the_crate;
mod dictionaries;
mod properties;
mod repetition;
mod results;
mod vectors;
