//! The log of the requests that a tenant received.

use std::collections::VecDeque;

use time::OffsetDateTime;

/// One request the tenant got, over HTTP or through its ports.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LoggedRequest {
    /// The time of the request on the tenant's clock.
    pub at: OffsetDateTime,
    /// HTTP method.
    pub method: String,
    /// Path, decoded, beginning with `/v1.0`, `/beta`, `/subscriptions`, …
    pub path: String,
    /// Query, as it came.
    pub query: String,
    /// Status of the answer; `None` when the connection was cut.
    pub status: Option<u16>,
}

/// The maximum number of requests in the log; older ones are dropped.
const CAPACITY: usize = 100_000;

/// The requests of a tenant, oldest first.
#[derive(Debug, Default)]
pub(crate) struct RequestLog(VecDeque<LoggedRequest>);

impl RequestLog {
    pub(crate) fn record(&mut self, request: LoggedRequest) {
        if self.0.len() == CAPACITY {
            self.0.pop_front();
        }
        self.0.push_back(request);
    }

    pub(crate) fn all(&self) -> Vec<LoggedRequest> {
        self.0.iter().cloned().collect()
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }
}
