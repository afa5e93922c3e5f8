//! Tests of the Samba forest itself.
//!
//! The parsers are tested always; tests that need root and the Samba packages are ignored unless asked for:
//! `cargo test -p onramp-samba -- --ignored --test-threads=1`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, in its helpers too"
)]

mod ldif;
mod lifecycle;
