//! Waiting until a value has reached every domain controller that must have it.

use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::join_all;
use serde::{Deserialize, Serialize};

use super::{DomainController, ReplicatedValue, Replication};
use crate::{Clock, Error, ErrorKind, Result};

/// How long to wait and how often to ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct WaitOptions {
    /// When to give up. Fifteen minutes unless set.
    pub timeout: Duration,
    /// Wait before the second look; it doubles up to `longest_interval`. 200 ms unless set.
    pub first_interval: Duration,
    /// Longest wait between two looks. Five seconds unless set.
    pub longest_interval: Duration,
}

impl Default for WaitOptions {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(15 * 60),
            first_interval: Duration::from_millis(200),
            longest_interval: Duration::from_secs(5),
        }
    }
}

impl WaitOptions {
    /// Gives up after that time.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Looks at least this often.
    #[must_use]
    pub fn with_longest_interval(mut self, interval: Duration) -> Self {
        self.longest_interval = interval;
        self.first_interval = self.first_interval.min(interval);
        self
    }
}

/// How far one domain controller is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "state")]
#[non_exhaustive]
pub enum Convergence {
    /// It holds the value.
    Converged,
    /// It answers and does not hold the value yet.
    Lagging,
    /// It cannot be asked.
    Unreachable {
        /// Why.
        reason: String,
    },
    /// It answers, but its inbound replication is switched off: waiting will not help.
    ReplicationDisabled,
}

/// One domain controller and how far it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ControllerProgress {
    /// DNS host name.
    pub host: String,
    /// Its site.
    pub site: String,
    /// How far it is.
    #[serde(flatten)]
    pub convergence: Convergence,
}

/// How far all domain controllers are, at some moment of waiting or at its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ConvergenceReport {
    /// What is waited for.
    pub value: ReplicatedValue,
    /// Every domain controller that must have it.
    pub controllers: Vec<ControllerProgress>,
    /// Milliseconds waited.
    pub waited_ms: u64,
    /// Milliseconds after which waiting ends.
    pub timeout_ms: u64,
}

impl ConvergenceReport {
    /// Whether every domain controller holds the value.
    pub fn is_complete(&self) -> bool {
        self.behind().next().is_none()
    }

    /// Those that do not, or cannot be asked.
    pub fn behind(&self) -> impl Iterator<Item = &ControllerProgress> {
        self.controllers.iter().filter(|c| c.convergence != Convergence::Converged)
    }

    /// `Ok` if complete.
    ///
    /// # Errors
    /// `Unavailable`, naming each domain controller that lags or cannot be reached.
    pub fn require_complete(&self) -> Result<()> {
        if self.is_complete() {
            return Ok(());
        }
        let named: Vec<String> = self
            .behind()
            .map(|c| match &c.convergence {
                Convergence::Unreachable { reason } => format!("{} cannot be reached: {reason}", c.host),
                Convergence::ReplicationDisabled => {
                    format!("{} has inbound replication switched off", c.host)
                }
                _ => format!("{} does not have it yet", c.host),
            })
            .collect();
        Err(Error::new(ErrorKind::Unavailable, "see on every domain controller the")
            .object(&self.value)
            .detail(format!(
                "after {} s {} of {} hold it; {}",
                self.waited_ms / 1000,
                self.controllers.len() - named.len(),
                self.controllers.len(),
                named.join("; ")
            ))
            .hint("Nothing is lost: start these domain controllers or repair replication, then run again."))
    }
}

/// Waiting, for everything that implements [`Replication`].
#[async_trait]
pub trait ReplicationExt: Replication {
    /// Waits until every domain controller that must have the value holds it, or the time is up.
    ///
    /// `on_progress` is called after each look. The report says how it ended; call
    /// [`ConvergenceReport::require_complete`] to make an error of a timeout. Ends early when all that are
    /// missing have replication switched off.
    ///
    /// # Errors
    /// Only if the domain controllers cannot be listed.
    async fn wait(
        &self,
        value: ReplicatedValue,
        options: WaitOptions,
        clock: &dyn Clock,
        on_progress: &mut (dyn for<'r> FnMut(&'r ConvergenceReport) + Send),
    ) -> Result<ConvergenceReport> {
        let started = clock.elapsed();
        let mut controllers: Vec<(DomainController, ControllerProgress)> = self
            .controllers()
            .await?
            .into_iter()
            .filter(|controller| value.concerns(controller))
            .map(|controller| {
                let (host, site) = (controller.host.clone(), controller.site.clone());
                (controller, ControllerProgress { host, site, convergence: Convergence::Lagging })
            })
            .collect();
        let mut interval = options.first_interval;
        loop {
            let pending =
                controllers.iter_mut().filter(|(_, p)| p.convergence != Convergence::Converged).map(|pair| {
                    let (controller, progress) = (&pair.0, &mut pair.1);
                    let value = &value;
                    async move {
                        progress.convergence = match self.holds(controller, value).await {
                            Ok(true) => Convergence::Converged,
                            Ok(false) if controller.inbound_disabled => Convergence::ReplicationDisabled,
                            Ok(false) => Convergence::Lagging,
                            Err(error) => Convergence::Unreachable { reason: error.to_string() },
                        };
                    }
                });
            join_all(pending).await;
            let waited = clock.elapsed().saturating_sub(started);
            let report = ConvergenceReport {
                value: value.clone(),
                controllers: controllers.iter().map(|(_, progress)| progress.clone()).collect(),
                waited_ms: waited.as_millis().try_into().unwrap_or(u64::MAX),
                timeout_ms: options.timeout.as_millis().try_into().unwrap_or(u64::MAX),
            };
            on_progress(&report);
            let hopeless = report.behind().all(|c| c.convergence == Convergence::ReplicationDisabled);
            if hopeless || waited >= options.timeout {
                return Ok(report);
            }
            clock.sleep(interval.min(options.timeout.saturating_sub(waited))).await;
            interval = (interval * 2).min(options.longest_interval);
        }
    }
}

#[async_trait]
impl<T: Replication + ?Sized> ReplicationExt for T {}
