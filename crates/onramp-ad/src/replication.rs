//! Whether a value has arrived: every domain controller is asked itself.

use async_trait::async_trait;
use onramp_core::forest::{DomainController, ReplicatedValue, Replication};
use onramp_core::{ErrorKind, Result, UpnSuffix};
use tokio::time::timeout;

use crate::client::ForestClient;
use crate::fault::Fault;
use crate::settings::Service;
use crate::suffixes::explicit;
use crate::users::read_upn;

/// [`Replication`] of the directory.
#[derive(Debug)]
pub(crate) struct DirectoryReplication(pub(crate) ForestClient);

#[async_trait]
impl Replication for DirectoryReplication {
    async fn controllers(&self) -> Result<Vec<DomainController>> {
        self.0.controllers().await
    }

    async fn holds(&self, controller: &DomainController, value: &ReplicatedValue) -> Result<bool> {
        let partitions = self.0.root_dse().await?.partitions();
        let link = self.0.link(&controller.host, Service::Directory);
        let asking = async {
            match value {
                ReplicatedValue::Suffix { suffix } => {
                    let values = explicit(&link, &partitions).await?;
                    Ok(values.iter().any(|text| UpnSuffix::parse(text).is_ok_and(|held| held == *suffix)))
                }
                ReplicatedValue::UserUpn { guid, upn, .. } => {
                    // Exactly: a change of case must arrive too. An object that is not there yet has no UPN.
                    let held = read_upn(&link, guid).await?;
                    Ok(held.flatten().is_some_and(|held| held == upn.as_str()))
                }
                other => Err(Fault::not_sent(
                    link.host(),
                    ErrorKind::Unsupported,
                    format!("this client cannot look for the {other}"),
                )),
            }
        };
        let limit = self.0.settings().timeouts.probe;
        let answer =
            timeout(limit, asking).await.unwrap_or_else(|_| Err(Fault::timed_out(link.host(), limit)));
        answer.map_err(|fault| fault.during("look on a domain controller for the").object(value))
    }
}
