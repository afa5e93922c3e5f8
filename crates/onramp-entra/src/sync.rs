//! The directory synchronisation switch through Graph.

use async_trait::async_trait;
use onramp_core::tenant::{DirectorySync, SyncState, SyncStatus};
use onramp_core::{ErrorKind, ObjectId, Result};
use reqwest::Method;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use url::Url;

use crate::endpoints::Audience;
use crate::paging;
use crate::request::Request;
use crate::transport::Transport;

const READ: &str = "Organization.Read.All";
const WRITE: &str =
    "Organization.ReadWrite.All (a signed-in user also needs the role Hybrid Identity Administrator)";

/// [`DirectorySync`] on Microsoft Graph v1.0.
///
/// | method | least permission, delegated and application |
/// |---|---|
/// | `status` | Organization.Read.All |
/// | `set_enabled` | Organization.ReadWrite.All |
///
/// A signed-in user also needs the role Global Administrator or Hybrid Identity Administrator to turn the switch.
/// Turning it off can take 72 hours, cannot be stopped, and bars turning it on until then.
#[derive(Debug, Clone)]
pub struct EntraSync(pub(crate) Transport);

impl EntraSync {
    fn url(&self, rest: &[&str]) -> Result<Url> {
        self.0.endpoints().url(Audience::Graph, &[&["v1.0", "organization"], rest].concat())
    }
}

#[async_trait]
impl DirectorySync for EntraSync {
    /// `GET /organization`. Organization.Read.All.
    async fn status(&self) -> Result<SyncStatus> {
        let request = Request::new(
            "read the tenant's synchronisation state",
            Audience::Graph,
            Method::GET,
            self.url(&[])?,
        )
        .query("$select", "id,displayName,onPremisesSyncEnabled,onPremisesLastSyncDateTime")
        .needs(READ);
        let found: Vec<OrganizationJson> = paging::all(self.0.clone(), request.clone()).await?;
        let Some(organization) = found.into_iter().next() else {
            return Err(request.error(ErrorKind::NotFound).detail("the tenant shows no organisation"));
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
        let action = if enabled { "switch on synchronisation of" } else { "switch off synchronisation of" };
        let url = self.url(&[&status.tenant_id.to_string()])?;
        let request = Request::new(action, Audience::Graph, Method::PATCH, url)
            .object(&status.display_name)
            .needs(WRITE)
            .json(&Switch { on_premises_sync_enabled: enabled })?;
        self.0.send(&request).await.map(drop)
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
