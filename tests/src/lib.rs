//! Support for tests that cross crates.
//!
//! [`forest`] starts a real Active Directory forest (Samba, one or two domain controllers) in network namespaces
//! of its own, so that the clients can be held against something that was not written in this workspace.

pub mod forest;
