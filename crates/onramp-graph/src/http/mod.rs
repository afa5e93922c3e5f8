//! Requests as values, and sending them: tokens, retries, throttling, recording.

pub(crate) mod creation;
pub(crate) mod error;
pub(crate) mod fresh;
pub(crate) mod gate;
pub(crate) mod har;
mod hints;
pub(crate) mod origin;
pub(crate) mod pacer;
pub(crate) mod request;
pub(crate) mod retry;
pub(crate) mod transport;
pub(crate) mod trust;
pub(crate) mod wiped;
pub(crate) mod wire;

pub use error::Failure;
pub use request::{Effect, Reply, Request};
