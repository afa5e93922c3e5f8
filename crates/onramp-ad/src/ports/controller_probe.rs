//! [`ControllerProbe`] over LDAP: the root DSE of each domain controller.

use async_trait::async_trait;
use onramp_core::Result;
use onramp_core::forest::{ControllerProbe, DomainController, ProbedController};

use crate::topology::Topology;

/// [`ControllerProbe`] over LDAP.
#[derive(Debug)]
pub(crate) struct DirectoryProbe(pub(crate) Topology);

#[async_trait]
impl ControllerProbe for DirectoryProbe {
    async fn probe(&self, controller: &DomainController) -> Result<ProbedController> {
        let root_dse = self.0.probe(controller).await?;
        let mut probed = ProbedController::new(root_dse.time);
        probed.is_synchronized = root_dse.is_synchronized;
        probed.is_global_catalog_ready = root_dse.is_global_catalog;
        Ok(probed)
    }
}
