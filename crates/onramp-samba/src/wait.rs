//! Waits for other processes.

use std::time::{Duration, Instant};

use super::ForestError;

/// The pause between two attempts.
const PAUSE: Duration = Duration::from_millis(50);

/// Calls `look` until it returns a value or the time limit has passed. Its error says what is missing.
pub(super) fn until<T>(
    what: &str,
    limit: Duration,
    mut look: impl FnMut() -> Result<T, String>,
) -> Result<T, ForestError> {
    let start = Instant::now();
    loop {
        match look() {
            Ok(value) => return Ok(value),
            Err(last) if start.elapsed() >= limit => {
                return Err(ForestError::TimedOut { what: what.to_owned(), limit, last });
            }
            Err(_) => pause(),
        }
    }
}

#[allow(clippy::disallowed_methods, reason = "other processes are waited for, and those live in real time")]
fn pause() {
    std::thread::sleep(PAUSE);
}
