//! Blocking work, such as writing files, away from the threads that run futures.

use onramp_core::{Error, ErrorKind, Result};

/// Runs blocking work on a thread for such work if there is a tokio runtime, else on the current thread.
pub(crate) async fn run_blocking<T: Send + 'static>(
    action: &str,
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    match tokio::runtime::Handle::try_current() {
        Ok(runtime) => runtime.spawn_blocking(work).await.unwrap_or_else(|error| {
            // The runtime was shut down, or the work panicked.
            Err(Error::new(ErrorKind::Unavailable, action).with_detail(error.to_string()))
        }),
        Err(_) => work(),
    }
}
