//! The bulk writer and its run.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::Stream;

use super::change::GraphChange;
use super::driver::Driver;
use super::envelope;
use super::monitor::BulkMonitor;
use super::outcome::BulkOutcome;
use super::settings::BulkSettings;
use crate::http::retry::RetryPolicy;
use crate::http::transport::Transport;

/// A bulk write: many changes in few requests.
///
/// * **Batches** have twenty changes, and four batches are in flight at a time. A batch that is not full waits for more
///   changes as long as another is in flight, so that a slow source does not cost a request per change.
/// * **Throttling** is per change: a throttled change is repeated after its own `Retry-After`. Until the first of them
///   is due, this client and its clones send nothing else to Graph. Throttling does not count as an attempt; it is
///   bounded by the deadline of the retry policy, for each change from its first sending.
/// * **Limits** ([`ServiceLimits`](crate::ServiceLimits)) are kept by sending later, before the service refuses.
/// * **Lost responses**: an update, a deletion or an idempotent action is repeated. A creation is looked up by its key
///   ([`GraphChange::unique_by`]) and repeated only if the object does not exist; without a key it ends in
///   `OutcomeUnknown`.
/// * **Order**: outcomes arrive as they are known, and changes to different objects overtake each other.
///   [`BulkWriter::in_order`] applies changes strictly one after the other.
/// * **Stopping**: end the source, and the changes taken from it are completed. Drop the run, and everything in flight is
///   abandoned: the outcome of those changes is unknown.
#[derive(Debug, Clone)]
#[must_use]
pub struct BulkWriter(BulkSettings);

impl BulkWriter {
    pub(crate) fn new(transport: Transport) -> Self {
        Self(BulkSettings {
            transport,
            version: "v1.0",
            size: envelope::MAX_REQUESTS,
            concurrency: 4,
            in_order: false,
        })
    }

    /// Uses the beta version of Graph.
    pub fn beta(mut self) -> Self {
        self.0.version = "beta";
        self
    }

    /// Sets the number of changes in a batch, from 1 (each on its own) to 20.
    pub fn batch_size(mut self, changes: usize) -> Self {
        self.0.size = changes.clamp(1, envelope::MAX_REQUESTS);
        self
    }

    /// Sets the number of batches in flight, at least one. After throttling it is one, and grows again with each
    /// successful batch.
    pub fn concurrency(mut self, batches: usize) -> Self {
        self.0.concurrency = batches.max(1);
        self
    }

    /// Applies each change only after the one before it (`dependsOn`). The first refusal ends the run: all later changes
    /// are `Cancelled` without being sent.
    pub fn in_order(mut self) -> Self {
        self.0.in_order = true;
        self
    }

    /// Sets the retry policy in place of the client's, for each change.
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.0.transport.retry = policy;
        self
    }

    /// Runs the changes. The key is the caller's own and comes back with the outcome. Nothing is taken or sent before the
    /// run is polled, and no more is taken from the source than can be sent next.
    pub fn run<K, S>(self, changes: S) -> BulkRun<K>
    where
        K: Send + 'static,
        S: Stream<Item = (K, GraphChange)> + Send + 'static,
    {
        let monitor = BulkMonitor::default();
        BulkRun { driver: Driver::new(self.0, Box::pin(changes), monitor.clone()), monitor }
    }
}

/// A running bulk write: a stream of outcomes. Dropping it abandons the changes in flight.
#[must_use = "changes are applied only while the run is polled"]
pub struct BulkRun<K> {
    driver: Driver<K>,
    monitor: BulkMonitor,
}

impl<K> BulkRun<K> {
    /// Returns a view of the run, for a progress bar for example.
    pub fn monitor(&self) -> BulkMonitor {
        self.monitor.clone()
    }
}

impl<K> fmt::Debug for BulkRun<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BulkRun").field("stats", &self.monitor.stats()).finish_non_exhaustive()
    }
}

// No field is structurally pinned: futures and source are boxed.
impl<K> Unpin for BulkRun<K> {}

impl<K: Send + 'static> Stream for BulkRun<K> {
    type Item = BulkOutcome<K>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.driver.poll_outcome(cx)
    }
}
