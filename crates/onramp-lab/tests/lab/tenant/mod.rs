//! The tenant, by its ports and over the wire.

mod arm;
mod behaviour;
pub(crate) mod conformance;
mod graph;
mod limits;
mod login;
mod trouble;
mod wire;
