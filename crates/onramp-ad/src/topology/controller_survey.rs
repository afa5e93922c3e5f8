//! Availability of the domain controllers.

use std::sync::Arc;

use futures_util::StreamExt;
use futures_util::stream;
use onramp_core::Result;
use onramp_core::forest::DomainController;
use tokio::time::timeout;

use crate::ldap::exchange_error::ExchangeError;
use crate::topology::dc_locator::DcLocator;
use crate::topology::root_dse::RootDse;

/// The number of domain controllers that are probed at a time.
const CONCURRENT_PROBES: usize = 16;

/// A domain controller and its answer to a probe.
#[derive(Debug)]
#[non_exhaustive]
pub struct SurveyedController {
    /// The domain controller as the Configuration partition describes it: read-only, global catalog.
    pub controller: DomainController,
    /// The root DSE of the domain controller, or the reason why there was no answer.
    pub answer: Result<Arc<RootDse>>,
}

impl SurveyedController {
    /// Returns true if the domain controller answers.
    pub fn is_online(&self) -> bool {
        self.answer.is_ok()
    }

    /// Returns true if changes of its domain can be sent to the domain controller now.
    pub fn takes_changes(&self) -> bool {
        self.is_online() && !self.controller.is_read_only
    }
}

/// Probes the domain controllers, several at a time, and returns them in the given order.
pub(crate) async fn survey(
    locator: &DcLocator,
    controllers: Vec<DomainController>,
) -> Vec<SurveyedController> {
    let probes = controllers.into_iter().map(|controller| async move {
        let answer = probe(locator, &controller).await;
        SurveyedController { controller, answer }
    });
    stream::iter(probes).buffered(CONCURRENT_PROBES).collect().await
}

/// Connects to one domain controller and reads its root DSE, within the probe timeout.
pub(crate) async fn probe(locator: &DcLocator, controller: &DomainController) -> Result<Arc<RootDse>> {
    const ACTION: &str = "reach the domain controller";
    let named = |error: ExchangeError| error.during(ACTION).with_object(&controller.host);
    let handle = locator.handle_of(controller).map_err(named)?;
    let limit = locator.settings().timeouts.probe;
    match timeout(limit, RootDse::read(&handle)).await {
        Ok(answer) => answer.map(Arc::new),
        Err(_) => Err(named(ExchangeError::timed_out(handle.host(), limit))),
    }
}
