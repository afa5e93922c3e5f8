//! Tests of the clients against a real Samba forest.
//!
//! The tests need root and the Samba packages, and are ignored unless asked for:
//! `cargo test -p onramp-tests -- --ignored --test-threads=1`.
//! One of them reads 50,000 users, which takes two minutes to prepare; `ONRAMP_STREAMED_USERS` sets a lower number, and
//! `ONRAMP_FOREST_CACHE` names a folder that keeps them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, in its helpers too"
)]

#[path = "forest/accounts.rs"]
mod accounts;
#[path = "forest/agreement.rs"]
mod agreement;
#[path = "forest/conformance.rs"]
mod conformance;
#[path = "forest/convergence.rs"]
mod convergence;
#[path = "forest/crowd.rs"]
mod crowd;
#[path = "forest/discovery.rs"]
mod discovery;
#[path = "forest/dump.rs"]
mod dump;
#[path = "forest/faults.rs"]
mod faults;
#[path = "forest/following.rs"]
mod following;
#[path = "forest/interruptions.rs"]
mod interruptions;
#[cfg(feature = "kerberos")]
#[path = "forest/kerberos.rs"]
mod kerberos;
#[cfg(feature = "ntlm")]
#[path = "forest/ntlm.rs"]
mod ntlm;
#[path = "forest/policies.rs"]
mod policies;
#[path = "forest/preflight.rs"]
mod preflight;
#[path = "forest/reading.rs"]
mod reading;
#[path = "forest/relay.rs"]
mod relay;
#[path = "forest/replication.rs"]
mod replication;
#[path = "forest/shared.rs"]
mod shared;
#[path = "forest/streaming.rs"]
mod streaming;
