//! The documented limits as token buckets: what a request costs, what is left, and what the headers say about it.

use std::time::Duration;

use time::OffsetDateTime;

/// The size of a tenant, which decides the number of resource units per application.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TenantSize {
    /// Fewer than 50 users: 3 500 units in 10 seconds.
    Small,
    /// 50 to 500 users: 5 000 units in 10 seconds.
    Medium,
    /// More: 8 000 units in 10 seconds.
    Large,
}

/// The limits of one application in the tenant: token buckets of resource units and of writes.
///
/// ```
/// use onramp_lab::tenant::{LabTenant, TenantSize, Throttling};
/// let lab = LabTenant::builder().throttling(Throttling::documented(TenantSize::Small)).build()?;
/// # Ok::<(), onramp_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Throttling {
    /// Resource units that the bucket holds, and that come back in [`Throttling::unit_window`].
    pub units: u32,
    /// The time in which an empty bucket of units fills.
    pub unit_window: Duration,
    /// Writes that the bucket holds, and that come back in [`Throttling::write_window`].
    pub writes: u32,
    /// The time in which an empty bucket of writes fills.
    pub write_window: Duration,
}

impl Throttling {
    /// Creates the documented limits for a tenant of that size: the units of [`TenantSize`], 3 000 writes in 150
    /// seconds.
    pub fn documented(size: TenantSize) -> Self {
        let units = match size {
            TenantSize::Small => 3500,
            TenantSize::Medium => 5000,
            TenantSize::Large => 8000,
        };
        Self {
            units,
            unit_window: Duration::from_secs(10),
            writes: 3000,
            write_window: Duration::from_secs(150),
        }
    }

    /// Sets that many writes in that time.
    #[must_use]
    pub fn with_writes(mut self, writes: u32, window: Duration) -> Self {
        (self.writes, self.write_window) = (writes, window);
        self
    }

    /// Sets that many resource units in that time.
    #[must_use]
    pub fn with_units(mut self, units: u32, window: Duration) -> Self {
        (self.units, self.unit_window) = (units, window);
        self
    }
}

/// The buckets of a tenant.
#[derive(Debug)]
pub(crate) struct Buckets {
    units: Bucket,
    writes: Bucket,
}

/// The charge of a request, or the reason of its refusal.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Charge {
    pub(crate) units: u32,
    /// The used share of the fuller bucket, 1 being all of it.
    pub(crate) used: f64,
    /// The empty bucket, and the time until this request would fit.
    pub(crate) refused: Option<(&'static str, Duration)>,
}

impl Buckets {
    pub(crate) fn new(limits: Throttling) -> Self {
        Self {
            units: Bucket::new(limits.units, limits.unit_window),
            writes: Bucket::new(limits.writes, limits.write_window),
        }
    }

    pub(crate) fn charge(&mut self, method: &str, path: &str, query: &str, now: OffsetDateTime) -> Charge {
        let units = cost(method, path, query);
        let writes = u32::from(method != "GET");
        let lacking = [
            ("ResourceUnitLimitExceeded", self.units.lacks(units, now)),
            ("WriteLimitExceeded", self.writes.lacks(writes, now)),
        ];
        let refused =
            lacking.into_iter().filter_map(|(name, wait)| Some((name, wait?))).max_by_key(|(_, wait)| *wait);
        if refused.is_none() {
            self.units.take(units);
            self.writes.take(writes);
        }
        Charge { units, used: self.units.used().max(self.writes.used()), refused }
    }
}

/// Returns the cost of a request in resource units: two for users, one less with `$select`, one more with `$expand`,
/// one less for small pages, never below one.
fn cost(method: &str, path: &str, query: &str) -> u32 {
    if method != "GET" {
        return 1;
    }
    let base: i32 = if path.ends_with("/domainNameReferences") {
        4
    } else if path.contains("/transitiveMember") {
        5
    } else if path.split('/').nth(2) == Some("users") {
        2
    } else {
        1
    };
    let option = |name: &str| query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
    let any = |name: &str| option(name).or_else(|| option(&name.replace('$', "%24"))).is_some();
    let small = option("$top").or_else(|| option("%24top")).and_then(|top| top.parse::<u32>().ok());
    let adjusted = base - i32::from(any("$select")) + i32::from(any("$expand"))
        - i32::from(small.is_some_and(|top| top < 20));
    u32::try_from(adjusted.max(1)).unwrap_or(1)
}

#[derive(Debug)]
struct Bucket {
    size: f64,
    per_second: f64,
    level: f64,
    at: Option<OffsetDateTime>,
}

impl Bucket {
    fn new(size: u32, window: Duration) -> Self {
        let size = f64::from(size.max(1));
        Self { size, per_second: size / window.as_secs_f64().max(0.001), level: size, at: None }
    }

    /// Returns the time until the amount is available, if it is not.
    fn lacks(&mut self, amount: u32, now: OffsetDateTime) -> Option<Duration> {
        let passed = self.at.map_or(0.0, |at| (now - at).as_seconds_f64().max(0.0));
        self.level = (self.level + passed * self.per_second).min(self.size);
        self.at = Some(now);
        let missing = f64::from(amount) - self.level;
        // A hair of rounding is not worth a refusal.
        (missing > 1e-6).then(|| Duration::try_from_secs_f64(missing / self.per_second).unwrap_or_default())
    }

    fn take(&mut self, amount: u32) {
        self.level -= f64::from(amount);
    }

    fn used(&self) -> f64 {
        1.0 - self.level / self.size
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    const START: OffsetDateTime = datetime!(2026-11-22 10:00 UTC);

    #[test]
    fn a_bucket_runs_dry_says_how_long_and_fills_again() {
        let limits = Throttling::documented(TenantSize::Small).with_writes(30, Duration::from_secs(15));
        let mut buckets = Buckets::new(limits);
        let mut write =
            |after: u64| buckets.charge("PATCH", "/v1.0/users/1", "", START + Duration::from_secs(after));
        for n in 1..=30 {
            let charge = write(0);
            assert_eq!((charge.units, charge.refused), (1, None));
            assert!((charge.used - f64::from(n) / 30.0).abs() < 0.01);
        }
        let (name, wait) = write(0).refused.unwrap();
        assert_eq!((name, wait.as_millis()), ("WriteLimitExceeded", 500));
        assert_eq!((write(1).refused, write(1).refused), (None, None));
        assert!(write(1).refused.is_some());
        assert!((write(100).used - 1.0 / 30.0).abs() < 0.01, "full, and no fuller");
    }

    #[test]
    fn requests_cost_what_is_documented() {
        for (method, path, query, units) in [
            ("GET", "/v1.0/users", "", 2),
            ("GET", "/v1.0/users", "$select=id", 1),
            ("GET", "/v1.0/users", "%24select=id&%24top=999", 1),
            ("GET", "/v1.0/users", "$expand=manager", 3),
            ("GET", "/v1.0/users", "$top=5", 1),
            ("GET", "/v1.0/users", "$top=5&$select=id", 1),
            ("GET", "/v1.0/domains", "", 1),
            ("GET", "/v1.0/domains/a.example/domainNameReferences", "", 4),
            ("PATCH", "/v1.0/users/1", "", 1),
        ] {
            assert_eq!(cost(method, path, query), units, "{method} {path}?{query}");
        }
    }

    proptest::proptest! {
        /// Whenever writes come, no stretch of time sees more than a full bucket and what flowed into it.
        #[test]
        fn nobody_gets_more_than_the_bucket_gives(gaps in proptest::collection::vec(0_u64..3, 1..200)) {
            let limits = Throttling::documented(TenantSize::Large).with_writes(10, Duration::from_secs(10));
            let mut buckets = Buckets::new(limits);
            let (mut now, mut made) = (0, 0_u64);
            for gap in gaps {
                now += gap;
                let charge = buckets.charge("POST", "/v1.0/users", "", START + Duration::from_secs(now));
                made += u64::from(charge.refused.is_none());
                proptest::prop_assert!(made <= 10 + now);
            }
        }
    }
}
