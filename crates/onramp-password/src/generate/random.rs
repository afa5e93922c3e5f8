//! Sources of random bytes for the generators.

use alloc::boxed::Box;
use core::fmt;

/// A source of random bytes. Implemented by `OsRandom` (feature `os-random`); a test brings its own.
pub trait RandomSource {
    /// Fills the buffer with bytes nobody can predict.
    ///
    /// # Errors
    /// When the source cannot deliver; nothing is generated then.
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), RandomError>;
}

/// The operating system's random numbers.
#[cfg(feature = "os-random")]
#[derive(Clone, Copy, Debug, Default)]
pub struct OsRandom;

#[cfg(feature = "os-random")]
impl RandomSource for OsRandom {
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), RandomError> {
        getrandom::fill(bytes).map_err(RandomError::new)
    }
}

/// A source of random bytes did not deliver.
#[derive(Debug)]
pub struct RandomError(Box<dyn core::error::Error + Send + Sync>);

impl RandomError {
    /// Wraps what went wrong.
    pub fn new(source: impl Into<Box<dyn core::error::Error + Send + Sync>>) -> Self {
        Self(source.into())
    }
}

impl fmt::Display for RandomError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the source of random bytes did not deliver")
    }
}

impl core::error::Error for RandomError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        Some(&*self.0)
    }
}
