//! The directory synchronization switch of a tenant.

use std::fmt::{self, Debug};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::{BoxStream, ObjectId, Result};

/// The state of directory synchronization (`onPremisesSyncEnabled`).
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

/// The synchronization state of the tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SyncStatus {
    /// The tenant's ID.
    pub tenant_id: ObjectId,
    /// The organisation's display name.
    pub display_name: String,
    /// The switch.
    pub state: SyncState,
    /// The end of the last synchronization.
    #[serde(with = "time::serde::rfc3339::option")]
    pub last_sync: Option<OffsetDateTime>,
}

impl SyncStatus {
    /// A status of which no synchronization is known yet.
    pub fn new(tenant_id: ObjectId, display_name: impl Into<String>, state: SyncState) -> Self {
        Self { tenant_id, display_name: display_name.into(), state, last_sync: None }
    }
}

/// The synchronization features of the tenant. `None` is "not known": an application may not read
/// these settings, only a signed-in administrator.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SyncFeatures {
    /// Matching by UPN or primary address is off (`blockSoftMatchEnabled`).
    pub block_soft_match: Option<bool>,
    /// Taking over a cloud object by its source anchor is off (`blockCloudObjectTakeoverThroughHardMatchEnabled`).
    pub block_hard_match: Option<bool>,
    /// The source anchor of a cloud object may be changed from on-premises
    /// (`allowOnPremUpdateOfOnPremisesObjectIdentifierEnabled`): the block of hard matches since July 2026 is bypassed.
    #[serde(default)]
    pub allow_identifier_update: Option<bool>,
    /// Matching looks at the UPN too, not only at the primary address (`softMatchOnUpnEnabled`).
    pub soft_match_on_upn: Option<bool>,
    /// UPNs of licensed users follow the directory (`synchronizeUpnForManagedUsersEnabled`).
    pub synchronize_upn_for_managed_users: Option<bool>,
    /// Password hashes are synchronized (`passwordSyncEnabled`).
    pub password_hash_sync: Option<bool>,
    /// The cloud's password policy binds synchronized users (`cloudPasswordPolicyForPasswordSyncedUsersEnabled`).
    pub cloud_password_policy: Option<bool>,
    /// An object whose proxy address is taken comes in without it
    /// (`quarantineUponProxyAddressesConflictEnabled`).
    pub quarantine_on_proxy_conflict: Option<bool>,
    /// An object whose UPN is taken comes in under another one (`quarantineUponUpnConflictEnabled`).
    pub quarantine_on_upn_conflict: Option<bool>,
    /// From how many deletions on a synchronization is stopped.
    pub deletion_prevention: Option<DeletionPrevention>,
}

/// From how many deletions on a synchronization is stopped as an accident.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "from", content = "threshold")]
#[non_exhaustive]
pub enum DeletionPrevention {
    /// Never.
    Disabled,
    /// From that many objects on. 500 unless changed.
    Objects(u32),
    /// From that percentage of the objects on.
    Percent(u32),
}

/// A value of a synchronized object that Entra did not take over because another object has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ProvisioningError {
    /// The object that came in without the value.
    pub object: ObjectId,
    /// The UPN or the name.
    pub name: Option<String>,
    /// The property: `UserPrincipalName` or `ProxyAddresses`, as Graph writes it.
    pub property: String,
    /// The value.
    pub value: String,
    /// Since when.
    #[serde(with = "time::serde::rfc3339::option")]
    pub occurred: Option<OffsetDateTime>,
}

impl ProvisioningError {
    /// A conflict about a value.
    pub fn new(object: ObjectId, property: impl Into<String>, value: impl Into<String>) -> Self {
        Self { object, name: None, property: property.into(), value: value.into(), occurred: None }
    }
}

/// The port of the directory synchronization switch, and what comes of synchronizing.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait DirectorySync: Debug + Send + Sync {
    /// The synchronization state of the tenant.
    async fn status(&self) -> Result<SyncStatus>;

    /// Turns the switch. Turning it to where it stands changes nothing.
    ///
    /// # Errors
    /// `Forbidden`; `Invalid` while an earlier switching-off is not finished.
    async fn set_enabled(&self, enabled: bool) -> Result<()>;

    /// Returns the synchronization features. Those that the caller may not read are unknown, not an error.
    async fn features(&self) -> Result<SyncFeatures>;

    /// The conflicts of synchronized users, page by page as the consumer takes them. A user that cannot be understood
    /// is one error of kind `Unreadable`, and the stream goes on; every other error ends the stream.
    fn provisioning_errors(&self) -> BoxStream<'static, Result<ProvisioningError>>;
}
