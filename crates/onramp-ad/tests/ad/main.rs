//! The client over real sockets, with the lab's domain controllers.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // helpers of tests may

mod changes;
mod conformance;
mod connecting;
mod convergence;
#[cfg(feature = "dns")]
mod discovery;
mod failover;
mod hostile;
mod lab;
mod objects;
mod odd_entries;
mod odd_names;
mod refused_binds;
mod replication;
mod scripted;
mod search;
mod several_domains;
mod signing_in;
mod suffixes;
mod trust_files;
mod uniqueness;
mod unknown_outcomes;
mod upn_changes;
mod writing;
