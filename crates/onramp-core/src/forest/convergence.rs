//! Waiting until a value has reached every domain controller that must have it.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::{join, join_all};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::{BulkReport, bulk_convergence, conflict};
use super::{
    DomainController, MarkedController, ReplicatedValue, Replication, ReplicationGoal, ReplicationMark,
};
use crate::{Clock, DistinguishedName, Error, ErrorKind, Result};

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
    /// The same for domain controllers of other sites than the one written to, where changes travel by schedule. A
    /// minute unless set. Known to [`ReplicationExt::wait_for`] only.
    pub longest_interval_between_sites: Duration,
}

impl Default for WaitOptions {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(15 * 60),
            first_interval: Duration::from_millis(200),
            longest_interval: Duration::from_secs(5),
            longest_interval_between_sites: Duration::from_secs(60),
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

    /// Looks at least this often, at domain controllers of other sites too.
    #[must_use]
    pub fn with_longest_interval(mut self, interval: Duration) -> Self {
        self.longest_interval = interval;
        self.longest_interval_between_sites = self.longest_interval_between_sites.min(interval);
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
    /// It answers, and holds another value that wins over the one that is waited for: waiting will not help.
    Conflict {
        /// The other value; `None` if it has none.
        found: Option<String>,
    },
    /// It answers, and its up-to-dateness vector says that changes have not arrived yet.
    Behind {
        /// By how many update sequence numbers of the domain controller that was written to.
        usns: u64,
    },
    /// Its up-to-dateness vector says that everything has arrived, and yet it holds other values that no later write
    /// explains: waiting will not help.
    Diverged {
        /// How many.
        values: u64,
    },
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
    /// How many values were not seen on it yet, of many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing: Option<u64>,
    /// When it was last heard from, if it has not converged and anybody knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_contact: Option<LastContact>,
}

impl ControllerProgress {
    /// Of a domain controller that was not asked yet.
    pub(super) fn new(controller: &DomainController) -> Self {
        Self {
            host: controller.host.clone(),
            site: controller.site.clone(),
            convergence: Convergence::Lagging,
            missing: None,
            last_contact: None,
        }
    }
}

impl fmt::Display for ControllerProgress {
    /// What is the matter with it, in a clause.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = &self.host;
        match (&self.convergence, self.missing) {
            (Convergence::Converged, _) => return write!(f, "{host} has it"),
            (Convergence::Unreachable { reason }, _) => write!(f, "{host} cannot be reached: {reason}")?,
            (Convergence::ReplicationDisabled, _) => {
                write!(f, "{host} has inbound replication switched off")?;
            }
            (Convergence::Conflict { found: Some(found) }, _) => {
                return write!(f, "conflict: {host} holds another value that won, “{found}”");
            }
            (Convergence::Conflict { found: None }, _) => {
                return write!(f, "conflict: on {host} the value was removed later");
            }
            (Convergence::Behind { usns }, _) => write!(f, "{host} is behind by {usns} USNs")?,
            (Convergence::Diverged { values }, _) => write!(
                f,
                "{host} has received everything and holds {values} other values that nothing explains"
            )?,
            (Convergence::Lagging, None) => write!(f, "{host} does not have it yet")?,
            (Convergence::Lagging, Some(missing)) => write!(f, "{host} does not have {missing} of them yet")?,
        }
        match &self.last_contact {
            Some(contact) => write!(f, " ({contact})"),
            None => Ok(()),
        }
    }
}

/// When a domain controller was last heard from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(clippy::exhaustive_structs)] // when and by whom
pub struct LastContact {
    /// When.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// The domain controller that was last in step with it then; `None` if it answered ourselves.
    pub by: Option<String>,
}

impl fmt::Display for LastContact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = self.at.format(&time::format_description::well_known::Rfc3339).unwrap_or_default();
        match &self.by {
            Some(host) => write!(f, "{host} was last in step with it at {at}"),
            None => write!(f, "it last answered at {at}"),
        }
    }
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
    /// `Stale` if another value won, `Unavailable` otherwise, naming each domain controller that lags or cannot be reached.
    pub fn require_complete(&self) -> Result<()> {
        if self.is_complete() {
            return Ok(());
        }
        let named: Vec<String> = self.behind().map(ToString::to_string).collect();
        let has_conflict = self.behind().any(|one| matches!(one.convergence, Convergence::Conflict { .. }));
        let (kind, hint) = match has_conflict {
            true => (
                ErrorKind::Stale,
                "Somebody else changed it at the same time: look who, and make a new plan.",
            ),
            false => (
                ErrorKind::Unavailable,
                "Nothing is lost: start these domain controllers or repair replication, then run again.",
            ),
        };
        Err(Error::new(kind, "see on every domain controller the")
            .with_object(&self.value)
            .with_detail(format!(
                "after {} s {} of {} hold it; {}",
                self.waited_ms / 1000,
                self.controllers.len() - named.len(),
                self.controllers.len(),
                named.join("; ")
            ))
            .with_hint(hint))
    }
}

/// Waiting, for everything that implements [`Replication`].
#[async_trait]
pub trait ReplicationExt: Replication {
    /// Waits until every domain controller that must have the value holds it, or the time is up.
    ///
    /// `on_progress` is called after each look. The report says how it ended; call
    /// [`ConvergenceReport::require_complete`] to make an error of a timeout. Ends early when all that are
    /// missing have replication switched off, or another value won.
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
                let progress = ControllerProgress::new(&controller);
                (controller, progress)
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
            conflict::mark(self, &value, &mut controllers).await;
            let waited = clock.elapsed().saturating_sub(started);
            let report = ConvergenceReport {
                value: value.clone(),
                controllers: controllers.iter().map(|(_, progress)| progress.clone()).collect(),
                waited_ms: waited.as_millis().try_into().unwrap_or(u64::MAX),
                timeout_ms: options.timeout.as_millis().try_into().unwrap_or(u64::MAX),
            };
            on_progress(&report);
            let hopeless = report.behind().all(|one| {
                matches!(one.convergence, Convergence::ReplicationDisabled | Convergence::Conflict { .. })
            });
            if hopeless || waited >= options.timeout {
                return Ok(report);
            }
            clock.sleep(interval.min(options.timeout.saturating_sub(waited))).await;
            interval = (interval * 2).min(options.longest_interval);
        }
    }

    /// Notes where replication of a naming context stands, before many changes are made in it. Domain controllers that
    /// cannot be reached are left out; [`wait_for`](Self::wait_for) asks them again.
    ///
    /// # Errors
    /// `Unsupported` if the implementation can only wait by value; `Unavailable` if the domain controller that is
    /// written to cannot be asked.
    async fn begin(&self, context: &DistinguishedName) -> Result<ReplicationMark> {
        let writer = self.writer(context).await?;
        let all = self.controllers().await?;
        let others =
            all.into_iter().filter(|other| other.settings != writer.settings && other.holds(context));
        let asked = others.map(|controller| async move {
            let position = self.position(&controller, context).await.ok()?;
            Some(marked(&controller, &position))
        });
        let (first, others) = join(self.position(&writer, context), join_all(asked)).await;
        let mut mark = ReplicationMark::new(context.clone(), &writer.host);
        mark.controllers.push(marked(&writer, &first?));
        mark.controllers.extend(others.into_iter().flatten());
        Ok(mark)
    }

    /// Waits until every domain controller of a naming context has received many changes, or the time is up, and proves
    /// it both ways: by the high-water mark of the domain controller that was written to, in each one's up-to-dateness
    /// vector (where this account may read that), and by the values ([`ValueProof`](super::ValueProof)), read as what
    /// changed on each since the mark. A value that is another one is looked into: it lags, somebody else's later write
    /// won, or it diverged.
    ///
    /// Changes that an earlier run made, before the mark, are proven too, by reading more.
    ///
    /// `on_progress` is called after each look. The report says how it ended; call [`BulkReport::require_complete`] to
    /// make an error of anything less. Ends early when waiting longer cannot help.
    ///
    /// # Errors
    /// `Unsupported` if the implementation can only wait by value; else only if the domain controllers cannot be listed.
    async fn wait_for(
        &self,
        goal: &ReplicationGoal,
        options: WaitOptions,
        clock: &dyn Clock,
        on_progress: &mut (dyn for<'r> FnMut(&'r BulkReport) + Send),
    ) -> Result<BulkReport> {
        bulk_convergence::wait(self, goal, options, clock, on_progress).await
    }
}

fn marked(controller: &DomainController, position: &super::ReplicationPosition) -> MarkedController {
    MarkedController {
        host: controller.host.clone(),
        invocation_id: position.invocation_id,
        highest_usn: position.highest_usn,
    }
}

#[async_trait]
impl<T: Replication + ?Sized> ReplicationExt for T {}
