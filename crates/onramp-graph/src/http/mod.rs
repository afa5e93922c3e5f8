//! HTTP: requests as values, and sending them with tokens, retries, throttling and recording.

pub(crate) mod attempt_error;
mod create;
pub(crate) mod endpoints;
mod error_body;
pub(crate) mod exchange;
pub(crate) mod har;
mod hints;
pub(crate) mod recently_created;
pub(crate) mod request;
pub(crate) mod retry;
pub(crate) mod service;
pub(crate) mod throttle;
pub(crate) mod transport;
pub(crate) mod trust_roots;
mod zeroizing_buf;

pub use attempt_error::AttemptError;
pub use request::{Effect, Reply, Request};
pub use service::{Service, ServiceUrl};

pub use crate::query::decode::{decode_object, unreadable_object};
