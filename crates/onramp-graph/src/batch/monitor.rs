//! The statistics of a bulk run.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::Serialize;

/// A view of a bulk run, for a progress bar in another task for example.
#[derive(Debug, Clone, Default)]
pub struct BulkMonitor(Arc<Mutex<BulkStats>>);

impl BulkMonitor {
    /// Returns the current statistics.
    pub fn stats(&self) -> BulkStats {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn update(&self, change: impl FnOnce(&mut BulkStats)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// The statistics of a bulk run. Every change taken is applied, refused, unknown, cancelled, in flight or waiting.
///
/// They run ahead of the outcomes that the program has taken from the stream: outcomes wait there until they are taken.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct BulkStats {
    /// Changes taken from the source.
    pub taken: u64,
    /// Changes applied.
    pub applied: u64,
    /// Changes refused.
    pub refused: u64,
    /// Changes with an unknown outcome.
    pub unknown: u64,
    /// Changes that were not sent because an earlier one was refused.
    pub cancelled: u64,
    /// Changes sent, without a response yet.
    pub in_flight: u64,
    /// Changes that will be sent later.
    pub waiting: u64,
    /// HTTP requests sent, without lookups.
    pub requests: u64,
    /// Refusals of a change because of throttling.
    pub throttled: u64,
    /// The current pause, from its start: for a limit, or because the service asked for it.
    pub pause: Option<Duration>,
}
