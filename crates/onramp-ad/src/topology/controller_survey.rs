//! Which domain controllers of the forest answer.

use std::sync::Arc;

use futures_util::StreamExt;
use futures_util::stream;
use onramp_core::forest::DomainController;
use onramp_core::{ErrorKind, Result};
use tokio::time::timeout;

use crate::client::AdClient;
use crate::settings::Service;
use crate::topology::root_dse::RootDse;
use crate::wire::fault::Fault;
use crate::wire::link::Link;

/// So many domain controllers are asked at a time.
const AT_A_TIME: usize = 16;

/// A domain controller and whether it answers.
#[derive(Debug)]
#[non_exhaustive]
pub struct ControllerStatus {
    /// What the Configuration partition says of it: whether it is read-only, whether it is a global catalog.
    pub controller: DomainController,
    /// What it said when it was asked, or why there was no answer.
    pub answer: Result<Arc<RootDse>>,
}

impl ControllerStatus {
    /// Whether it answers.
    pub fn is_online(&self) -> bool {
        self.answer.is_ok()
    }

    /// Whether changes of its domain can be sent to it now.
    pub fn takes_changes(&self) -> bool {
        self.is_online() && !self.controller.is_read_only
    }
}

impl AdClient {
    /// Every domain controller of the forest, asked itself whether it is there, several at a time. In the order of
    /// [`controllers`](Self::controllers).
    ///
    /// # Errors
    /// Only if the domain controllers cannot be listed: one that does not answer is part of the survey.
    pub async fn survey_controllers(&self) -> Result<Vec<ControllerStatus>> {
        let controllers = self.controllers().await?;
        let asked = controllers.into_iter().map(|controller| async move {
            let answer = self.ask(&controller).await;
            ControllerStatus { controller, answer }
        });
        Ok(stream::iter(asked).buffered(AT_A_TIME).collect().await)
    }

    /// Asks one domain controller whether it is there, in a bounded time.
    pub(crate) async fn ask(&self, controller: &DomainController) -> Result<Arc<RootDse>> {
        const ACTION: &str = "reach the domain controller";
        let named = |fault: Fault| fault.during(ACTION).with_object(&controller.host);
        let link = self.link_of(controller).map_err(named)?;
        let limit = self.settings().timeouts.probe;
        match timeout(limit, RootDse::read(&link)).await {
            Ok(answer) => answer.map(Arc::new),
            Err(_) => Err(named(Fault::timed_out(link.host(), limit))),
        }
    }

    /// The way to a domain controller that the forest lists.
    ///
    /// One without a host name is not looked for by the name of its server object: whoever answers to that in DNS is
    /// somebody else.
    pub(crate) fn link_of(&self, controller: &DomainController) -> Result<Arc<Link>, Fault> {
        if controller.has_host_name() {
            return Ok(self.link(&controller.host, Service::Directory));
        }
        let detail = "the Configuration partition has no host name for it";
        Err(Fault::not_connected(&controller.host, ErrorKind::Unavailable, detail).with_hint(
            "It may be what a domain controller that is gone left behind (clean up its metadata), or one that is just \
             being promoted.",
        ))
    }
}
