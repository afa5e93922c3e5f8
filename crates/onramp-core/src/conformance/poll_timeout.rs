//! Waiting for what a server shows late.

use std::sync::Arc;
use std::time::Duration;

use crate::{Clock, Result};

/// The timeout and the interval of polls for what a server shows late.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct PollTimeout {
    /// The clock. With a manual clock no real time passes.
    pub clock: Arc<dyn Clock>,
    /// The timeout. Two minutes unless set, which covers the delays that a real tenant documents.
    pub timeout: Duration,
    /// The interval between two polls. Half a second unless set.
    pub interval: Duration,
}

impl PollTimeout {
    /// Creates a timeout of two minutes with a poll every half second.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, timeout: Duration::from_secs(120), interval: Duration::from_millis(500) }
    }

    /// Sets the timeout.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets the interval.
    #[must_use]
    pub fn with_interval(mut self, interval: Duration) -> Self {
        self.interval = interval;
        self
    }

    /// Reads until the value is as it should be, and gives it. Errors count as "not yet": an object may be invisible for a
    /// while after it was created.
    ///
    /// # Panics
    /// When the time is up, with the last thing that was read.
    pub(crate) async fn until<T: std::fmt::Debug>(
        &self,
        what: &str,
        mut read: impl AsyncFnMut() -> Result<T>,
        mut right: impl FnMut(&T) -> bool,
    ) -> T {
        let deadline = self.clock.elapsed() + self.timeout;
        loop {
            let last = read().await;
            match last {
                Ok(value) if right(&value) => return value,
                last => assert!(
                    self.clock.elapsed() < deadline,
                    "{what}: not within {:?}; the last answer was {last:?}",
                    self.timeout
                ),
            }
            self.clock.sleep(self.interval).await;
        }
    }

    /// Tries until a call fails with "not found".
    ///
    /// # Panics
    /// When the time is up.
    pub(crate) async fn until_gone<T: std::fmt::Debug>(
        &self,
        what: &str,
        mut read: impl AsyncFnMut() -> Result<T>,
    ) {
        let gone = async || match read().await {
            Err(error) if error.is_not_found() => Ok(None),
            other => other.map(Some),
        };
        self.until(what, gone, Option::is_none).await;
    }
}
