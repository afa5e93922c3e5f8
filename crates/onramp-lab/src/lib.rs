//! An Entra tenant and an Active Directory forest that live in memory, and servers over them that speak the real protocols.
//!
//! The lab is for tests, examples, demonstrations and other people's continuous integration: everything is made from a seed,
//! so that the same seed gives the same directory, of any size.

pub mod forest;
pub mod people;
#[cfg(feature = "program")]
pub mod program;
pub mod tenant;
pub mod tls;
