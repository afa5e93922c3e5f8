//! Outcomes of changes.

use std::fmt;

use onramp_core::Result;
use serde::Serialize;
use serde_json::Value;

/// The outcome of one change.
#[derive(Debug)]
#[non_exhaustive]
pub struct BulkOutcome<K> {
    /// The caller's key.
    pub key: K,
    /// The applied change, or the error: a refusal of the service, `OutcomeUnknown`, or `Cancelled` before it was sent.
    pub result: Result<Applied>,
    /// The number of times it was sent.
    pub attempts: u32,
}

/// An applied change.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct Applied {
    /// The body of the response, such as the created object; null without one.
    pub body: Value,
    /// The evidence that the change was applied.
    pub evidence: Evidence,
}

impl fmt::Debug for Applied {
    /// Without the body, which may hold a new secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Applied").field("evidence", &self.evidence).finish_non_exhaustive()
    }
}

/// The evidence that a change was applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Evidence {
    /// The response of the service.
    Reply,
    /// A response was lost, and the service confirmed the change when it was repeated.
    ReplyToRetry,
    /// A response was lost, and the object was found by its key.
    Lookup,
}
