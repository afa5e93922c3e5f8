//! Directory synchronization over Graph.

use async_trait::async_trait;
use futures_util::{StreamExt, TryStreamExt, stream};
use onramp_core::tenant::{
    DeletionPrevention, DirectorySync, ProvisioningError, SyncFeatures, SyncState, SyncStatus,
};
use onramp_core::{BoxStream, ErrorKind, ObjectId, Result};
use onramp_graph::GraphClient;
use onramp_graph::http::{Request, ServiceUrl};
use onramp_graph::reqwest::Method;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

const READ: &str = "Organization.Read.All";
const READ_FEATURES: &str = "OnPremDirectorySynchronization.Read.All";
const READ_USERS: &str = "User.Read.All";
const WRITE: &str =
    "Organization.ReadWrite.All (a signed-in user also needs the role Hybrid Identity Administrator)";

/// [`DirectorySync`] on Microsoft Graph v1.0.
///
/// | method | least permission, delegated and application |
/// |---|---|
/// | `status` | Organization.Read.All |
/// | `features` | OnPremDirectorySynchronization.Read.All, delegated only: unknown to an application |
/// | `provisioning_errors` | User.Read.All |
/// | `set_enabled` | Organization.ReadWrite.All |
///
/// A signed-in user also needs the role Global Administrator or Hybrid Identity Administrator to change the state.
/// Switching it off can take 72 hours, cannot be cancelled, and prevents switching it on until then.
#[derive(Debug, Clone)]
pub struct EntraSync(pub(crate) GraphClient);

impl EntraSync {
    fn url(&self, rest: &[&str]) -> Result<ServiceUrl> {
        self.0.endpoints().graph().url(&[&["v1.0", "organization"], rest].concat())
    }
}

#[async_trait]
impl DirectorySync for EntraSync {
    /// `GET /organization`. Organization.Read.All.
    async fn status(&self) -> Result<SyncStatus> {
        let request = Request::new("read the tenant's synchronization state", Method::GET, self.url(&[])?)
            .query("$select", "id,displayName,onPremisesSyncEnabled,onPremisesLastSyncDateTime")
            .needs(READ);
        let found: Vec<OrganizationJson> = self.0.list_all(request.clone()).await?;
        let Some(organization) = found.into_iter().next() else {
            return Err(request
                .error(ErrorKind::NotFound)
                .with_detail("the tenant returned no organization"));
        };
        let state = match organization.on_premises_sync_enabled {
            None => SyncState::NeverEnabled,
            Some(true) => SyncState::Enabled,
            Some(false) => SyncState::Disabled,
        };
        let mut status =
            SyncStatus::new(organization.id, organization.display_name.unwrap_or_default(), state);
        status.last_sync = organization.on_premises_last_sync_date_time;
        Ok(status)
    }

    /// `PATCH /organization/{tenant}`. Organization.ReadWrite.All.
    async fn set_enabled(&self, enabled: bool) -> Result<()> {
        let status = self.status().await?;
        if (status.state == SyncState::Enabled) == enabled {
            return Ok(());
        }
        let action = if enabled { "switch on synchronization of" } else { "switch off synchronization of" };
        let url = self.url(&[&status.tenant_id.to_string()])?;
        let request = Request::new(action, Method::PATCH, url)
            .object(&status.display_name)
            .needs(WRITE)
            .json(&Switch { on_premises_sync_enabled: enabled })?;
        self.0.send(&request).await.map(drop)
    }

    /// `GET /directory/onPremisesSynchronization`. OnPremDirectorySynchronization.Read.All of a signed-in user. There
    /// is no application permission; after a refusal every feature is unknown.
    async fn features(&self) -> Result<SyncFeatures> {
        let path = ["v1.0", "directory", "onPremisesSynchronization"];
        let url = self.0.endpoints().graph().url(&path)?;
        let request =
            Request::new("read the tenant's synchronization features", Method::GET, url).needs(READ_FEATURES);
        let found: Result<Vec<SynchronizationJson>> = self.0.list_all(request).await;
        match found {
            Ok(found) => {
                Ok(found.into_iter().next().map(SynchronizationJson::into_features).unwrap_or_default())
            }
            Err(error) if matches!(error.kind(), ErrorKind::Forbidden | ErrorKind::Unsupported) => {
                Ok(SyncFeatures::default())
            }
            Err(error) => Err(error),
        }
    }

    /// `GET /users` by `onPremisesProvisioningErrors`. User.Read.All.
    fn provisioning_errors(&self) -> BoxStream<'static, Result<ProvisioningError>> {
        let request = self.0.endpoints().graph().url(&["v1.0", "users"]).map(|url| {
            Request::new("list the conflicts of synchronized users", Method::GET, url)
                .query("$filter", "onPremisesProvisioningErrors/any(o:o/category eq 'PropertyConflict')")
                .query("$select", "id,userPrincipalName,onPremisesProvisioningErrors")
                .query("$top", "999")
                .needs(READ_USERS)
        });
        self.0
            .list(request)
            .map_ok(|user: ConflictedJson| stream::iter(user.into_errors().map(Ok)))
            .try_flatten()
            .boxed()
    }
}

#[derive(Deserialize)]
struct SynchronizationJson {
    #[serde(default)]
    features: FeaturesJson,
    #[serde(default)]
    configuration: ConfigurationJson,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct FeaturesJson {
    block_soft_match_enabled: Option<bool>,
    block_cloud_object_takeover_through_hard_match_enabled: Option<bool>,
    allow_on_prem_update_of_on_premises_object_identifier_enabled: Option<bool>,
    soft_match_on_upn_enabled: Option<bool>,
    synchronize_upn_for_managed_users_enabled: Option<bool>,
    password_sync_enabled: Option<bool>,
    cloud_password_policy_for_password_synced_users_enabled: Option<bool>,
    quarantine_upon_proxy_addresses_conflict_enabled: Option<bool>,
    quarantine_upon_upn_conflict_enabled: Option<bool>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ConfigurationJson {
    accidental_deletion_prevention: Option<PreventionJson>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct PreventionJson {
    synchronization_prevention_type: String,
    alert_threshold: Option<u32>,
}

impl SynchronizationJson {
    fn into_features(self) -> SyncFeatures {
        let mut features = SyncFeatures::default();
        features.block_soft_match = self.features.block_soft_match_enabled;
        features.block_hard_match = self.features.block_cloud_object_takeover_through_hard_match_enabled;
        features.allow_identifier_update =
            self.features.allow_on_prem_update_of_on_premises_object_identifier_enabled;
        features.soft_match_on_upn = self.features.soft_match_on_upn_enabled;
        features.synchronize_upn_for_managed_users = self.features.synchronize_upn_for_managed_users_enabled;
        features.password_hash_sync = self.features.password_sync_enabled;
        features.cloud_password_policy =
            self.features.cloud_password_policy_for_password_synced_users_enabled;
        features.quarantine_on_proxy_conflict =
            self.features.quarantine_upon_proxy_addresses_conflict_enabled;
        features.quarantine_on_upn_conflict = self.features.quarantine_upon_upn_conflict_enabled;
        features.deletion_prevention =
            self.configuration.accidental_deletion_prevention.and_then(PreventionJson::into_prevention);
        features
    }
}

impl PreventionJson {
    fn into_prevention(self) -> Option<DeletionPrevention> {
        match (self.synchronization_prevention_type.as_str(), self.alert_threshold) {
            ("disabled", _) => Some(DeletionPrevention::Disabled),
            ("enabledForCount", Some(threshold)) => Some(DeletionPrevention::Objects(threshold)),
            ("enabledForPercentage", Some(threshold)) => Some(DeletionPrevention::Percent(threshold)),
            _ => None,
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ConflictedJson {
    id: ObjectId,
    #[serde(default)]
    user_principal_name: Option<String>,
    #[serde(default)]
    on_premises_provisioning_errors: Option<Vec<ConflictJson>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ConflictJson {
    #[serde(default)]
    property_causing_error: Option<String>,
    #[serde(default)]
    value: Option<String>,
    #[serde(default, with = "time::serde::rfc3339::option")]
    occurred_date_time: Option<OffsetDateTime>,
}

impl ConflictedJson {
    fn into_errors(self) -> impl Iterator<Item = ProvisioningError> {
        let Self { id, user_principal_name: name, on_premises_provisioning_errors: conflicts } = self;
        conflicts.unwrap_or_default().into_iter().map(move |conflict| {
            let property = conflict.property_causing_error.unwrap_or_default();
            let mut error = ProvisioningError::new(id, property, conflict.value.unwrap_or_default());
            error.name.clone_from(&name);
            error.occurred = conflict.occurred_date_time;
            error
        })
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Switch {
    on_premises_sync_enabled: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OrganizationJson {
    id: ObjectId,
    #[serde(default)]
    display_name: Option<String>,
    #[serde(default)]
    on_premises_sync_enabled: Option<bool>,
    #[serde(default, with = "time::serde::rfc3339::option")]
    on_premises_last_sync_date_time: Option<OffsetDateTime>,
}
