//! The gate before the model: each request passes faults, latency and limits there, and is logged.

use std::time::Duration;

use time::OffsetDateTime;

use super::faults::Faults;
use super::rate_limit::{WriteLimit, WriteWindow};
use super::request_log::RequestLog;
use super::throttling::{Buckets, Charge, Throttling};
use crate::tenant::data::ids::SeededRng;
use crate::tenant::data::refusal::Refusal;

/// The faults, limits and log of a tenant.
#[derive(Debug)]
pub(crate) struct Gate {
    draw: SeededRng,
    pub(crate) faults: Faults,
    pub(crate) log: RequestLog,
    pub(crate) latency: Option<Duration>,
    /// The maximum addition to the latency.
    pub(crate) spread: Duration,
    buckets: Option<Buckets>,
    writes: WriteWindow,
}

impl Gate {
    pub(crate) fn new(draw: SeededRng) -> Self {
        Self {
            draw,
            faults: Faults::default(),
            log: RequestLog::default(),
            latency: None,
            spread: Duration::ZERO,
            buckets: None,
            writes: WriteWindow::default(),
        }
    }

    /// An id for the next request.
    pub(crate) fn request_id(&mut self) -> String {
        self.draw.guid()
    }

    /// Returns the latency of this request.
    pub(crate) fn draw_latency(&mut self) -> Option<Duration> {
        let least = self.latency?;
        let micros = u64::try_from(self.spread.as_micros()).unwrap_or(u64::MAX);
        let more = if micros == 0 { 0 } else { self.draw.below(micros) };
        Some(least + Duration::from_micros(more))
    }

    pub(crate) fn limit_by(&mut self, limits: Option<Throttling>) {
        self.buckets = limits.map(Buckets::new);
    }

    /// Charges the request, if requests are charged.
    pub(crate) fn charge(
        &mut self,
        method: &str,
        path: &str,
        query: &str,
        now: OffsetDateTime,
    ) -> Option<Charge> {
        self.buckets.as_mut().map(|buckets| buckets.charge(method, path, query, now))
    }

    pub(crate) fn limit_writes(&mut self, limit: Option<WriteLimit>) {
        self.writes.set_limit(limit);
    }

    /// Counts a write, or refuses it if the window is full.
    pub(crate) fn count_write(&mut self, now: OffsetDateTime) -> Result<(), Refusal> {
        self.writes.count(now)
    }
}
