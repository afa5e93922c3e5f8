//! Waiting until a value, or many, have reached every domain controller that must have them.
//!
//! ```no_run
//! use onramp::replication::ReplicationExt;
//! use onramp_core::forest::{Forest, ReplicatedValue};
//!
//! # async fn example(forest: Forest) -> onramp_core::Result<()> {
//! let suffix = ReplicatedValue::Suffix { suffix: "contoso.com".parse()? };
//! let report = forest.wait_for_value(suffix).on_progress(|report| println!("{report}")).await?;
//! report.require_complete()
//! # }
//! ```

mod conflict;
mod controller_state;
mod diagnosis;
mod goal;
mod many;
mod poll;
mod report;
mod value;
mod wait_options;

use std::fmt;
use std::future::IntoFuture;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::{BoxFuture, join, join_all};
use onramp_core::forest::{DomainController, ReplicatedValue, ReplicationMetadata, ReplicationPosition};
use onramp_core::{Clock, DistinguishedName, Error, ErrorKind, Forest, Result, SystemClock};

pub use goal::{MarkedController, ReplicationGoal, ReplicationMark, ValueProof};
pub use report::{
    ControllerStatus, HighWaterMark, LastContact, MismatchCause, ReplicationReport, ReplicationState,
    ReplicationSubject, ValueMismatch,
};
use wait_options::OnProgress;
pub use wait_options::WaitOptions;

/// The goal of a wait.
enum Goal<'a> {
    Value(Box<ReplicatedValue>),
    Many(&'a ReplicationGoal),
}

/// A wait for replication, which begins when it is awaited.
///
/// Without further calls it uses the default [`WaitOptions`] and the system clock. The report says how the wait ended; call
/// [`ReplicationReport::require_complete`] to make an error of a timeout.
#[must_use = "a wait does nothing unless it is awaited"]
pub struct ReplicationWait<'a> {
    forest: &'a Forest,
    goal: Goal<'a>,
    options: WaitOptions,
    clock: Option<&'a dyn Clock>,
    on_progress: OnProgress<'a>,
}

impl<'a> ReplicationWait<'a> {
    fn new(forest: &'a Forest, goal: Goal<'a>) -> Self {
        Self { forest, goal, options: WaitOptions::default(), clock: None, on_progress: None }
    }

    /// Sets the timeout and the intervals.
    pub fn with_options(mut self, options: WaitOptions) -> Self {
        self.options = options;
        self
    }

    /// Sets the timeout.
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.options.timeout = timeout;
        self
    }

    /// Sets the clock.
    pub fn with_clock(mut self, clock: &'a dyn Clock) -> Self {
        self.clock = Some(clock);
        self
    }

    /// Sets a callback that receives a report after each poll.
    pub fn on_progress(mut self, callback: impl FnMut(&ReplicationReport) + Send + 'a) -> Self {
        self.on_progress = Some(Box::new(callback));
        self
    }
}

impl fmt::Debug for ReplicationWait<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReplicationWait").field("options", &self.options).finish_non_exhaustive()
    }
}

impl<'a> IntoFuture for ReplicationWait<'a> {
    type Output = Result<ReplicationReport>;
    type IntoFuture = BoxFuture<'a, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let system;
            let clock = match self.clock {
                Some(clock) => clock,
                None => {
                    system = SystemClock::new();
                    &system
                }
            };
            match self.goal {
                Goal::Value(value) => {
                    value::wait(self.forest, *value, self.options, clock, self.on_progress).await
                }
                Goal::Many(goal) => {
                    let metadata = metadata_of(self.forest)?;
                    many::wait(self.forest, metadata, goal, self.options, clock, self.on_progress).await
                }
            }
        })
    }
}

/// Waits for the replication of what was changed in a [`Forest`].
#[async_trait]
pub trait ReplicationExt {
    /// Waits until every domain controller that must have the value holds it, or the time is up.
    ///
    /// Ends early when all that are missing have replication disabled, or another value won.
    ///
    /// # Errors
    /// Only if the domain controllers cannot be listed.
    fn wait_for_value(&self, value: ReplicatedValue) -> ReplicationWait<'_>;

    /// Waits until every domain controller of a naming context has received many changes, or the time is up.
    ///
    /// Proves it both ways: by the high-water mark of the domain controller that was written to, in each one's
    /// up-to-dateness vector (where this account may read that), and by the values ([`ValueProof`]), read as what changed
    /// on each since the mark. The cause of a mismatch is diagnosed: the value lags, a later write won, or it diverged.
    ///
    /// Changes that an earlier run made, before the mark, are proven too, by reading more. Ends early when waiting longer
    /// cannot help.
    ///
    /// # Errors
    /// `Unsupported` if the forest has no [`ReplicationMetadata`]; else only if the domain controllers cannot be listed.
    fn wait_for_changes<'a>(&'a self, goal: &'a ReplicationGoal) -> ReplicationWait<'a>;

    /// Reads the replication state of a naming context, before many changes are made in it. Domain controllers that
    /// cannot be reached are left out; [`wait_for_changes`](Self::wait_for_changes) polls them again.
    ///
    /// # Errors
    /// `Unsupported` if the forest has no [`ReplicationMetadata`]; `Unavailable` if the domain controller that is
    /// written to cannot be asked.
    async fn mark_replication(&self, context: &DistinguishedName) -> Result<ReplicationMark>;
}

#[async_trait]
impl ReplicationExt for Forest {
    fn wait_for_value(&self, value: ReplicatedValue) -> ReplicationWait<'_> {
        ReplicationWait::new(self, Goal::Value(Box::new(value)))
    }

    fn wait_for_changes<'a>(&'a self, goal: &'a ReplicationGoal) -> ReplicationWait<'a> {
        ReplicationWait::new(self, Goal::Many(goal))
    }

    async fn mark_replication(&self, context: &DistinguishedName) -> Result<ReplicationMark> {
        let metadata = metadata_of(self)?;
        let writer = metadata.writer(context).await?;
        let all = self.replication.controllers().await?;
        let others =
            all.into_iter().filter(|other| other.settings != writer.settings && other.holds(context));
        let asked = others.map(|controller| async move {
            let position = metadata.position(&controller, context).await.ok()?;
            Some(marked(&controller, &position))
        });
        let (first, others) = join(metadata.position(&writer, context), join_all(asked)).await;
        let mut mark = ReplicationMark::new(context.clone(), &writer.host);
        mark.controllers.push(marked(&writer, &first?));
        mark.controllers.extend(others.into_iter().flatten());
        Ok(mark)
    }
}

fn marked(controller: &DomainController, position: &ReplicationPosition) -> MarkedController {
    MarkedController {
        host: controller.host.clone(),
        invocation_id: position.invocation_id,
        highest_usn: position.highest_usn,
    }
}

/// Returns the port of the metadata of replication.
fn metadata_of(forest: &Forest) -> Result<&dyn ReplicationMetadata> {
    forest.replication_metadata.as_deref().ok_or_else(|| {
        Error::new(ErrorKind::Unsupported, "prove the replication of many changes in")
            .with_object("the forest")
            .with_detail("it has no port for the metadata of replication")
            .with_hint("Wait for each value instead.")
    })
}
