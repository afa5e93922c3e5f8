//! Limits on the size of input.

/// The most that a reader holds in memory for one record, so that a hostile or broken file cannot fill it.
///
/// ```
/// use onramp_readiness::source::Limits;
/// let limits = Limits::default().with_value(1024);
/// assert_eq!((limits.value, limits.record), (1024, 256 << 20));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Octets of one value, or of one line; 64 MiB unless set.
    pub value: usize,
    /// Octets of one record; 256 MiB unless set. Each value counts 64 octets more than it is long.
    pub record: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { value: 64 << 20, record: 256 << 20 }
    }
}

impl Limits {
    /// Sets the octets of one value.
    #[must_use]
    pub fn with_value(mut self, octets: usize) -> Self {
        self.value = octets;
        self
    }

    /// Sets the octets of one record.
    #[must_use]
    pub fn with_record(mut self, octets: usize) -> Self {
        self.record = octets;
        self
    }
}
