//! The client through its public interface: against servers that misbehave on purpose, with time that moves only
//! when somebody waits.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // helpers of tests may, as tests may

mod behaviour_under_faults;
mod creation;
mod faults;
mod gate;
mod lab;
mod laboratory;
mod meaning;
mod odd_objects;
mod operations;
#[cfg(feature = "interactive")]
mod people;
mod permissions;
mod secrets;
#[cfg(feature = "interactive")]
mod sign_in_recordings;
mod support;
mod tokens;
mod trust;
