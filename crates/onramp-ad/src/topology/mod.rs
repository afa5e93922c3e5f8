//! Domains and domain controllers of a forest, and the choice of the server for each request.

pub(crate) mod controller_survey;
pub(crate) mod controllers;
pub(crate) mod dc_cache;
pub(crate) mod dc_locator;
#[cfg(feature = "dns")]
pub(crate) mod discovery;
pub(crate) mod domains;
pub(crate) mod root_dse;

use std::fmt;
use std::sync::Arc;

use onramp_core::forest::DomainController;
use onramp_core::{DistinguishedName, Result};
use tokio::sync::OnceCell;

use crate::ldap::connection_handle::ConnectionHandle;
use crate::ldap::exchange_error::ExchangeError;
use crate::ldap::settings::Settings;
use crate::topology::controller_survey::SurveyedController;
use crate::topology::dc_cache::BootstrapDc;
use crate::topology::dc_locator::{Bootstrap, DcLocator};
use crate::topology::domains::ForestDomain;
use crate::topology::root_dse::RootDse;

/// The forest, as one client knows it.
///
/// Cheap to clone; clones share the connections and the choice of domain controllers.
#[derive(Clone)]
pub(crate) struct Topology {
    inner: Arc<Inner>,
}

struct Inner {
    locator: DcLocator,
    /// The naming contexts of all domains and of the Configuration partition. A domain that is added later is seen by a
    /// new client only.
    contexts: OnceCell<Vec<DistinguishedName>>,
}

impl Topology {
    /// Creates the topology; nothing is read until it is needed.
    pub(crate) fn new(bootstrap: Bootstrap, settings: Settings) -> Self {
        let locator = DcLocator::new(bootstrap, settings);
        Self { inner: Arc::new(Inner { locator, contexts: OnceCell::new() }) }
    }

    /// Returns the settings of every connection.
    pub(crate) fn settings(&self) -> &Settings {
        self.inner.locator.settings()
    }

    /// Returns every connection handle that was used so far.
    pub(crate) fn handles(&self) -> Vec<Arc<ConnectionHandle>> {
        self.inner.locator.handles()
    }

    /// Returns the root DSE of the bootstrap domain controller.
    pub(crate) async fn root_dse(&self) -> Result<Arc<RootDse>> {
        Ok(self.bootstrap_dc().await?.root_dse)
    }

    /// Lists the domains of the forest.
    pub(crate) async fn domains(&self) -> Result<Vec<ForestDomain>> {
        domains::list(&self.bootstrap_dc().await?).await
    }

    /// Lists the domain controllers of the forest, unreachable ones included.
    pub(crate) async fn controllers(&self) -> Result<Vec<DomainController>> {
        controllers::list(&self.bootstrap_dc().await?).await
    }

    /// Probes every domain controller of the forest.
    pub(crate) async fn survey_controllers(&self) -> Result<Vec<SurveyedController>> {
        Ok(controller_survey::survey(&self.inner.locator, self.controllers().await?).await)
    }

    /// Connects to one domain controller and reads its root DSE.
    pub(crate) async fn probe(&self, controller: &DomainController) -> Result<Arc<RootDse>> {
        controller_survey::probe(&self.inner.locator, controller).await
    }

    /// Returns the handle of a listed domain controller.
    pub(crate) fn handle_of(
        &self,
        controller: &DomainController,
    ) -> Result<Arc<ConnectionHandle>, ExchangeError> {
        self.inner.locator.handle_of(controller)
    }

    /// Returns the domain controller that the Configuration partition is read from.
    pub(crate) async fn bootstrap_dc(&self) -> Result<BootstrapDc> {
        self.inner.locator.bootstrap_dc().await
    }

    /// Returns the writable domain controller of a naming context.
    pub(crate) async fn writable_dc(&self, context: &DistinguishedName) -> Result<Arc<ConnectionHandle>> {
        self.inner.locator.writable_dc(context).await
    }

    /// Returns the writable domain controller for an object with that distinguished name.
    ///
    /// Objects are addressed by GUID; the name says only which domain the object is in.
    pub(crate) async fn writable_dc_for(&self, dn: &DistinguishedName) -> Result<Arc<ConnectionHandle>> {
        match self.context_of(dn).await? {
            Some(context) => self.writable_dc(&context).await,
            None => Ok(self.bootstrap_dc().await?.handle),
        }
    }

    /// Returns a global catalog.
    pub(crate) async fn global_catalog(&self, domain: &DistinguishedName) -> Result<Arc<ConnectionHandle>> {
        self.inner.locator.global_catalog(domain).await
    }

    /// Returns the naming context that holds an object, or `None` if it is in none of the forest's.
    ///
    /// The name of a child domain is below the name of its parent, so that the longest match counts.
    pub(crate) async fn context_of(&self, dn: &DistinguishedName) -> Result<Option<DistinguishedName>> {
        let contexts = self.inner.contexts.get_or_try_init(|| self.naming_contexts()).await?;
        let around = contexts.iter().filter(|context| dn.is_within(context));
        Ok(around.max_by_key(|context| context.rdns().len()).cloned())
    }

    async fn naming_contexts(&self) -> Result<Vec<DistinguishedName>> {
        let mut contexts = self.root_dse().await?.naming_contexts.clone();
        for domain in self.domains().await? {
            if !contexts.contains(&domain.naming_context) {
                contexts.push(domain.naming_context);
            }
        }
        Ok(contexts)
    }
}

impl fmt::Debug for Topology {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let settings = self.settings();
        f.debug_struct("Topology")
            .field("bootstrap", self.inner.locator.bootstrap())
            .field("security", &settings.security)
            .field("bind", &settings.bind)
            .finish_non_exhaustive()
    }
}
