//! The port of the state of single domain controllers, directly on the model.

use async_trait::async_trait;
use onramp_core::forest::{ControllerProbe, DomainController, ProbedController};
use onramp_core::{Error, ErrorKind, Result};
use time::OffsetDateTime;

use super::Ports;

#[async_trait]
impl ControllerProbe for Ports {
    async fn probe(&self, controller: &DomainController) -> Result<ProbedController> {
        const ACTION: &str = "ask for its state the domain controller";
        if !controller.has_host_name() {
            return Err(Error::new(ErrorKind::Unavailable, ACTION)
                .with_object(&controller.host)
                .with_detail("the Configuration partition has no host name for it"));
        }
        let at = self.lab.position(&controller.host)?;
        self.reachable(at, ACTION)?;
        let now = self.lab.now();
        self.lab.read(at, |view| {
            let own = view.controller().ok_or_else(|| Error::new(ErrorKind::NotFound, ACTION))?;
            // Directories count in whole seconds.
            let time = OffsetDateTime::from_unix_timestamp(own.time(now).div_euclid(1_000_000_000)).ok();
            let mut probed = ProbedController::new(time);
            probed.is_global_catalog_ready = own.catalog;
            Ok(probed)
        })
    }
}
