//! The options of a wait.

use std::time::Duration;

use super::report::ReplicationReport;

/// The timeout and the intervals of a wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct WaitOptions {
    /// The timeout. Fifteen minutes unless set.
    pub timeout: Duration,
    /// The interval before the second poll; it doubles up to `longest_interval`. 200 ms unless set.
    pub first_interval: Duration,
    /// The longest interval between two polls. Five seconds unless set.
    pub longest_interval: Duration,
    /// The longest interval for domain controllers of other sites than the one written to, where changes travel by
    /// schedule. A minute unless set. Used by
    /// [`ReplicationExt::wait_for_changes`](super::ReplicationExt::wait_for_changes) only.
    pub longest_interval_between_sites: Duration,
}

impl Default for WaitOptions {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(15 * 60),
            first_interval: Duration::from_millis(200),
            longest_interval: Duration::from_secs(5),
            longest_interval_between_sites: Duration::from_secs(60),
        }
    }
}

impl WaitOptions {
    /// Sets the timeout.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets the longest interval between two polls, for domain controllers of other sites too.
    #[must_use]
    pub fn with_longest_interval(mut self, interval: Duration) -> Self {
        self.longest_interval = interval;
        self.longest_interval_between_sites = self.longest_interval_between_sites.min(interval);
        self.first_interval = self.first_interval.min(interval);
        self
    }
}

/// The callback that receives a report after each poll.
pub(super) type OnProgress<'a> = Option<Box<dyn FnMut(&ReplicationReport) + Send + 'a>>;
