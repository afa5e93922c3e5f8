//! Tests that cross crates: the clients against the lab and against a real Samba forest.
//!
//! The tests are in `tests/`; this library holds the programs of the README, so that they are compiled.

/// The programs of the README.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
pub struct Readme;
