//! The directory synchronisation switch of a tenant.

use std::fmt::{self, Debug};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::{ObjectId, Result};

/// Where the switch stands (`onPremisesSyncEnabled`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum SyncState {
    /// Never switched on.
    NeverEnabled,
    /// On.
    Enabled,
    /// Was on and is off; switching off takes up to 72 hours, during which it cannot be switched on.
    Disabled,
}

impl fmt::Display for SyncState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NeverEnabled => "never switched on",
            Self::Enabled => "on",
            Self::Disabled => "switched off",
        })
    }
}

/// What the tenant says of its synchronisation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SyncStatus {
    /// The tenant's ID.
    pub tenant_id: ObjectId,
    /// The organisation's display name.
    pub display_name: String,
    /// The switch.
    pub state: SyncState,
    /// When the last synchronisation ended.
    #[serde(with = "time::serde::rfc3339::option")]
    pub last_sync: Option<OffsetDateTime>,
}

impl SyncStatus {
    /// A status of which no synchronisation is known yet.
    pub fn new(tenant_id: ObjectId, display_name: impl Into<String>, state: SyncState) -> Self {
        Self { tenant_id, display_name: display_name.into(), state, last_sync: None }
    }
}

/// Port: the directory synchronisation switch.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait DirectorySync: Debug + Send + Sync {
    /// What the tenant says of its synchronisation.
    async fn status(&self) -> Result<SyncStatus>;

    /// Turns the switch. Turning it to where it stands changes nothing.
    ///
    /// # Errors
    /// `Forbidden`; `Invalid` while an earlier switching-off is not finished.
    async fn set_enabled(&self, enabled: bool) -> Result<()>;
}
