//! The process that removes a forest, even if the process that made the forest is killed.

use std::path::Path;
use std::process::{Child, ChildStdin, Stdio};

use super::ForestError;
use super::registry::Claim;
use super::teardown::teardown;

/// A child process that waits for the end of its standard input, which this process holds open, and then removes the
/// forest. The kernel closes the pipe when this process ends, also after a SIGKILL.
#[derive(Debug)]
pub(super) struct Watchdog {
    child: Child,
    pipe: Option<ChildStdin>,
}

impl Watchdog {
    /// Starts the watchdog of the forest in `folder`, before anything else of the forest exists.
    pub(super) fn start(claim: &Claim, folder: &Path) -> Result<Self, ForestError> {
        let mut command = teardown(&claim.id, folder, &claim.record);
        let mut child =
            command.stdin(Stdio::piped()).spawn().map_err(ForestError::io("starting the watchdog"))?;
        let pipe = child.stdin.take();
        Ok(Self { child, pipe })
    }

    /// Removes the forest now and waits until it is gone.
    pub(super) fn finish(&mut self) {
        drop(self.pipe.take());
        // The child ends by itself within seconds. An error means that it has ended already.
        let _ = self.child.wait();
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        self.finish();
    }
}
