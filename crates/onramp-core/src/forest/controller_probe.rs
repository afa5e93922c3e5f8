//! The description of a domain controller by itself.

use std::fmt::Debug;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::DomainController;
use crate::Result;

/// The state of a domain controller, as its root DSE has it ([MS-ADTS] 3.1.1.3.2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ProbedController {
    /// The time by the clock of the domain controller (`currentTime`), in whole seconds; `None` if it does not tell.
    #[serde(with = "time::serde::rfc3339::option")]
    pub time: Option<OffsetDateTime>,
    /// True after its first synchronization (`isSynchronized`).
    pub is_synchronized: bool,
    /// True if it answers as a global catalog (`isGlobalCatalogReady`).
    pub is_global_catalog_ready: bool,
}

impl ProbedController {
    /// Creates the state of a synchronized domain controller that is no global catalog.
    pub fn new(time: Option<OffsetDateTime>) -> Self {
        Self { time, is_synchronized: true, is_global_catalog_ready: false }
    }
}

/// The port of the state of single domain controllers.
///
/// It is optional: where a [`Forest`](crate::Forest) has none, nobody can tell which domain controllers answer before a wait for
/// replication does.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait ControllerProbe: Debug + Send + Sync {
    /// Asks a domain controller itself for its state.
    ///
    /// # Errors
    /// `Unavailable` if it cannot be reached, after a bounded time, or has no host name; `Unauthenticated` if it is there and
    /// refuses the account.
    async fn probe(&self, controller: &DomainController) -> Result<ProbedController>;
}
