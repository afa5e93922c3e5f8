//! Tests of the lab through its public API and through real sockets.

// Helpers of tests may fail loudly, as tests themselves may.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod dns;
mod forest;
mod mutants;
mod people;
mod program;
mod tenant;
mod tls;
