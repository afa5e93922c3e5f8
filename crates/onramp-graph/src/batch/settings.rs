//! The settings of a bulk write.

use crate::http::transport::Transport;

/// The settings of a bulk write.
#[derive(Debug, Clone)]
pub(super) struct BulkSettings {
    pub(super) transport: Transport,
    /// The API version.
    pub(super) version: &'static str,
    /// The number of changes in a batch.
    pub(super) size: usize,
    /// The number of batches in flight.
    pub(super) concurrency: usize,
    pub(super) in_order: bool,
}
