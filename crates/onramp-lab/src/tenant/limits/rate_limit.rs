//! A plain limit on writes per window.

use std::time::Duration;

use time::OffsetDateTime;

use crate::tenant::data::refusal::Refusal;

/// A limit on the writes in a window of time; more are answered 429.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct WriteLimit {
    /// Writes per window.
    pub writes: u32,
    /// Length of the window.
    pub window: Duration,
}

impl WriteLimit {
    /// Creates a limit of so many writes per window.
    pub fn new(writes: u32, window: Duration) -> Self {
        Self { writes, window }
    }
}

/// The writes of the current window.
#[derive(Debug, Default)]
pub(super) struct WriteWindow {
    limit: Option<WriteLimit>,
    /// The start of the window and the writes since.
    window: Option<(OffsetDateTime, u32)>,
}

impl WriteWindow {
    pub(super) fn set_limit(&mut self, limit: Option<WriteLimit>) {
        self.limit = limit;
    }

    /// Counts a write, or refuses it if the window is full.
    pub(super) fn count(&mut self, now: OffsetDateTime) -> Result<(), Refusal> {
        let Some(limit) = self.limit else { return Ok(()) };
        let (since, count) = match self.window {
            Some((since, count)) if now < since + limit.window => (since, count),
            _ => (now, 0),
        };
        if count >= limit.writes {
            let left = Duration::try_from(since + limit.window - now).unwrap_or_default();
            let seconds = left.as_secs() + u64::from(left.subsec_nanos() > 0);
            return Err(Refusal::throttled(Some(Duration::from_secs(seconds.max(1)))));
        }
        self.window = Some((since, count + 1));
        Ok(())
    }
}
