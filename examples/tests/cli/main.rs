//! The programs as users run them: their exit codes, their messages, and the files that they leave.
//!
//! On the lab, over real sockets; and on a real Samba forest, which is ignored unless asked for:
//! `cargo test -p onramp-examples --test cli -- --ignored --test-threads=1`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, in its helpers too"
)]

mod account;
mod addressing;
mod fixing;
mod forecast;
mod incremental;
mod interruptions;
mod kills;
mod mistakes;
mod networks;
mod onboarding;
mod password;
mod program;
mod quickstart;
mod readiness;
mod samba;
mod undoing;
mod world;
