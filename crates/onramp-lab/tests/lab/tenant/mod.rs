//! The tenant, by its ports and over the wire.

mod contract;
