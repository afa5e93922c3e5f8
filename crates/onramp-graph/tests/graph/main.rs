//! The client through its public interface: against servers that misbehave on purpose, with time that moves only
//! when somebody waits.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // helpers of tests may, as tests may

#[cfg(feature = "azure")]
mod azure;
mod batch_service;
mod bulk;
#[cfg(feature = "gzip")]
mod compression;
mod reading;
mod support;
