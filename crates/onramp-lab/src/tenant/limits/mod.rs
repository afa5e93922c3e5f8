//! What stands between a request and the model: faults on demand, limits, and how soon what is new is seen.

pub(crate) mod consistency;
pub(crate) mod faults;
pub(crate) mod gate;
pub(crate) mod rate_limit;
pub(crate) mod request_log;
pub(crate) mod throttling;
