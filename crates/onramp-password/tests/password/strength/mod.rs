//! The strength estimate.

mod allocations;
mod beside_the_crate;
mod dictionaries;
mod properties;
mod results;
mod vectors;
