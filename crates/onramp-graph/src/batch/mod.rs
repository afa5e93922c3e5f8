//! Writing at scale: many changes, few requests, one outcome for each.

pub(crate) mod change;
mod envelope;
mod exchange;
mod run;
mod verdict;

use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::Stream;
use onramp_core::Result;
use serde::Serialize;
use serde_json::Value;

use crate::batch::change::GraphChange;
use crate::http::retry::RetryPolicy;
use crate::http::transport::Transport;

use self::run::Driver;

/// How changes are made in bulk.
///
/// * **Batches** of twenty, four of them under way at a time. A batch that is not full waits for more changes as long as
///   another is under way, so a slow source does not cost a request per change.
/// * **Throttling** is per change: one that is refused is repeated when its own `Retry-After` is over, and until the
///   first of them is, nothing else of this client (or a clone) is sent to Graph either. Being throttled does not count
///   as a try; the deadline of the retry policy bounds it, for each change from its first sending on.
/// * **Limits** ([`ServiceLimits`](crate::ServiceLimits)) are kept by sending later, before the service refuses.
/// * **Lost answers**: an update, a deletion or a harmless action is repeated; a creation is looked up by its key
///   ([`GraphChange::known_by`]) and repeated only if it is not there. Without a key it ends as `OutcomeUnknown`.
/// * **Order**: outcomes come as they are known, in no particular order, and changes to different objects overtake each
///   other. [`BulkWriter::in_order`] makes it strictly one after the other.
/// * **Stopping**: end the source, and what was taken from it is brought to an end. Drop the run, and everything under
///   way is given up at once, so that nobody knows of those changes whether they were made.
#[derive(Debug, Clone)]
#[must_use]
pub struct BulkWriter {
    transport: Transport,
    version: &'static str,
    size: usize,
    concurrency: usize,
    in_order: bool,
}

impl BulkWriter {
    pub(crate) fn new(transport: Transport) -> Self {
        Self { transport, version: "v1.0", size: envelope::LARGEST, concurrency: 4, in_order: false }
    }

    /// Changes objects through the beta version of Graph.
    pub fn beta(mut self) -> Self {
        self.version = "beta";
        self
    }

    /// Puts so many changes in a batch, from 1 (each on its own) to 20.
    pub fn batch_size(mut self, changes: usize) -> Self {
        self.size = changes.clamp(1, envelope::LARGEST);
        self
    }

    /// Has so many batches under way at a time, at least one. After throttling it is one, and grows again with each
    /// batch that goes through.
    pub fn concurrency(mut self, batches: usize) -> Self {
        self.concurrency = batches.max(1);
        self
    }

    /// Makes each change only after the one before it was made (`dependsOn`). The first that is refused ends it: all
    /// later ones are `Cancelled` without having been sent.
    pub fn in_order(mut self) -> Self {
        self.in_order = true;
        self
    }

    /// Retries by that policy instead of the client's: each change for itself.
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.transport.retry = policy;
        self
    }

    /// Makes the changes. The key is the caller's own, and comes back with the outcome. Nothing is taken or sent before
    /// the run is polled, and never more is taken from the source than can be sent next.
    pub fn run<K, S>(self, changes: S) -> BulkRun<K>
    where
        K: Send + 'static,
        S: Stream<Item = (K, GraphChange)> + Send + 'static,
    {
        let monitor = BulkMonitor::default();
        BulkRun { driver: Driver::new(self, Box::pin(changes), monitor.clone()), monitor }
    }
}

/// What became of one change.
#[derive(Debug)]
#[non_exhaustive]
pub struct Outcome<K> {
    /// The caller's key.
    pub key: K,
    /// Made, or why not: refused with the service's code, `OutcomeUnknown`, or `Cancelled` before it was sent.
    pub result: Result<Applied>,
    /// How often it was sent.
    pub tries: u32,
}

/// A change that was made.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct Applied {
    /// What the service answered, such as the object that was created; null if nothing.
    pub body: Value,
    /// How it is known.
    pub evidence: Evidence,
}

impl fmt::Debug for Applied {
    /// Without the body, which may hold a new secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Applied").field("evidence", &self.evidence).finish_non_exhaustive()
    }
}

/// How it is known that a change was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Evidence {
    /// The service said so.
    Answer,
    /// An answer was lost, and the service said so when the change was repeated.
    AnswerToRepetition,
    /// An answer was lost, and the object was found by its key.
    LookUp,
}

/// Changes under way: a stream of their outcomes. Dropping it gives up what is under way.
#[must_use = "changes are made only while the run is polled"]
pub struct BulkRun<K> {
    driver: Driver<K>,
    monitor: BulkMonitor,
}

impl<K> BulkRun<K> {
    /// A view of the run for somebody else, such as a progress bar.
    pub fn monitor(&self) -> BulkMonitor {
        self.monitor.clone()
    }
}

impl<K> fmt::Debug for BulkRun<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BulkRun").field("stats", &self.monitor.stats()).finish_non_exhaustive()
    }
}

// Nothing in it is pinned in place: futures and source are boxed.
impl<K> Unpin for BulkRun<K> {}

impl<K: Send + 'static> Stream for BulkRun<K> {
    type Item = Outcome<K>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.driver.poll_outcome(cx)
    }
}

/// A view of a run that goes on elsewhere.
#[derive(Debug, Clone, Default)]
pub struct BulkMonitor(Arc<Mutex<BulkStats>>);

impl BulkMonitor {
    /// How it stands now.
    pub fn stats(&self) -> BulkStats {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn update(&self, change: impl FnOnce(&mut BulkStats)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// How a run stands: every change that was taken is made, refused, unknown, cancelled, under way or waiting.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct BulkStats {
    /// Changes taken from the source.
    pub taken: u64,
    /// Changes made.
    pub applied: u64,
    /// Changes refused for good.
    pub refused: u64,
    /// Changes of which nobody knows whether they were made.
    pub unknown: u64,
    /// Changes that were not sent because an earlier one was refused.
    pub cancelled: u64,
    /// Changes sent and not yet answered.
    pub under_way: u64,
    /// Changes that will be sent later.
    pub waiting: u64,
    /// HTTP requests sent, look-ups aside.
    pub requests: u64,
    /// How often a change was throttled.
    pub throttled: u64,
    /// For how long nothing is sent, counted from when the wait began: for a limit, or because the service said so.
    pub pause: Option<Duration>,
}
