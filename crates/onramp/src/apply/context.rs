//! The data that every change needs.

use std::sync::Arc;
use std::time::Duration;

use onramp_core::{Error, ErrorKind, Result};

use super::slice::Slices;
use crate::event::Event;
use crate::onramp::Onramp;
use crate::outcome::WaitReason;
use crate::plan::ApprovedPlan;
use crate::secret_store::SecretStore;

/// The maximum time until a tenant returns a value that was written to it.
const VISIBLE_WITHIN: Duration = Duration::from_secs(120);

/// The data that every change needs.
pub(crate) struct Context<'a> {
    /// The tenant and the forest, with a clock that pauses the run, and the token that stops it.
    pub(crate) onramp: Onramp,
    pub(crate) plan: &'a ApprovedPlan,
    pub(crate) secrets: &'a dyn SecretStore,
    pub(crate) slices: Arc<Slices>,
    /// The time for which an interrupted run waited in the current change already.
    pub(crate) waited_before: Duration,
}

impl Context<'_> {
    /// Sends an event to the observer.
    pub(crate) fn notify(&self, event: Event) {
        match &event {
            Event::Waiting { reason, .. } => self.slices.set_reason(reason.clone()),
            Event::Replication { .. } | Event::BulkReplication { .. } => {
                self.slices.set_reason(WaitReason::Replication);
            }
            _ => {}
        }
        self.onramp.observer.notify(&event);
    }

    /// Waits, unless the run is stopped first.
    pub(crate) async fn pause(&self, action: &str, time: Duration) -> Result<()> {
        let sleep = async {
            self.onramp.clock.sleep(time).await;
            Ok(())
        };
        self.onramp.unless_cancelled(action, sleep).await
    }

    /// Reads until a write is visible: a tenant returns old values for a while. The write was sent, so that every error
    /// is `OutcomeUnknown`.
    pub(crate) async fn visible<F: Future<Output = Result<bool>> + Send>(
        &self,
        what: &str,
        look: impl Fn() -> F,
    ) -> Result<()> {
        let unseen = |detail: String| {
            Error::new(ErrorKind::OutcomeUnknown, format!("see {what}"))
                .with_detail(detail)
                .with_hint("Run again: completed changes are recognized and not repeated.")
        };
        let clock = &self.onramp.clock;
        let (started, mut pause) = (clock.elapsed(), Duration::from_millis(250));
        loop {
            let is_seen = look().await;
            if is_seen.map_err(|error| unseen(format!("it was written, but cannot be read back: {error}")))? {
                return Ok(());
            }
            let waited = clock.elapsed().saturating_sub(started);
            if waited >= VISIBLE_WITHIN {
                return Err(unseen(format!(
                    "it was written, but is not visible after {} s",
                    waited.as_secs()
                )));
            }
            self.notify(Event::Waiting {
                reason: WaitReason::Visible { value: what.to_owned() },
                waited,
                timeout: VISIBLE_WITHIN,
            });
            self.pause(&format!("see {what}"), pause).await.map_err(|_| {
                unseen("it was written, but the run was stopped before it was visible".into())
            })?;
            pause = (pause * 2).min(Duration::from_secs(10));
        }
    }
}
