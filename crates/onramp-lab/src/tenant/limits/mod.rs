//! Faults on demand, limits, and the delay before new objects are visible.

pub(crate) mod consistency;
pub(crate) mod faults;
pub(crate) mod gate;
pub(crate) mod rate_limit;
pub(crate) mod request_log;
pub(crate) mod throttling;
