//! The choice of a domain controller for each request.
//!
//! Changes of one object that go to two domain controllers can be lost when these replicate, so that all changes of a domain
//! go to one domain controller. When it cannot be reached any more, another one is chosen; a change that was sent to the
//! first one and never answered is looked up before it is sent again.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use onramp_core::forest::DomainController;
use onramp_core::{DistinguishedName, Error, ErrorKind, Result};

use crate::ldap::connection_handle::ConnectionHandle;
use crate::ldap::endpoint::{Endpoint, Service};
use crate::ldap::exchange_error::ExchangeError;
use crate::ldap::settings::Settings;
use crate::search::request::Search;
use crate::topology::controllers;
use crate::topology::dc_cache::{BootstrapDc, DcCache};
#[cfg(feature = "dns")]
use crate::topology::discovery::Discovery;
use crate::topology::root_dse::RootDse;

const CONNECT: &str = "connect to the domain controller";

/// The configured first domain controllers.
#[derive(Debug)]
pub(crate) enum Bootstrap {
    /// The first of these hosts that answers.
    Hosts(Vec<Endpoint>),
    /// The domain controllers that DNS names for a domain.
    #[cfg(feature = "dns")]
    Domain(Discovery),
}

impl Bootstrap {
    /// Returns true if the caller named that host.
    fn names(&self, host: &str) -> bool {
        match self {
            Self::Hosts(hosts) => hosts.iter().any(|named| named.is_on(host)),
            #[cfg(feature = "dns")]
            Self::Domain(_) => false,
        }
    }
}

/// Chooses domain controllers, and keeps one connection handle for each endpoint.
pub(crate) struct DcLocator {
    settings: Arc<Settings>,
    bootstrap: Bootstrap,
    cache: DcCache,
    handles: Mutex<HashMap<Endpoint, Arc<ConnectionHandle>>>,
}

impl DcLocator {
    pub(crate) fn new(bootstrap: Bootstrap, settings: Settings) -> Self {
        Self { settings: Arc::new(settings), bootstrap, cache: DcCache::default(), handles: Mutex::default() }
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    pub(crate) fn bootstrap(&self) -> &Bootstrap {
        &self.bootstrap
    }

    /// Returns the handle of a service; always the same one, so that its connection is reused.
    fn handle(&self, host: &str, service: Service) -> Arc<ConnectionHandle> {
        let mut endpoint = Endpoint { service, ..Endpoint::directory(host) };
        if let (Bootstrap::Hosts(hosts), Service::Directory) = (&self.bootstrap, service) {
            // The port that the caller gave for this host, if any.
            endpoint.port = hosts.iter().find(|named| named.is_on(host)).and_then(|named| named.port);
        }
        self.handle_to(endpoint)
    }

    fn handle_to(&self, endpoint: Endpoint) -> Arc<ConnectionHandle> {
        let mut handles = self.handles.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || Arc::new(ConnectionHandle::new(endpoint.clone(), Arc::clone(&self.settings)));
        Arc::clone(handles.entry(endpoint.clone()).or_insert_with(new))
    }

    /// Returns every handle that was used so far.
    pub(crate) fn handles(&self) -> Vec<Arc<ConnectionHandle>> {
        let handles = self.handles.lock().unwrap_or_else(PoisonError::into_inner);
        handles.values().cloned().collect()
    }

    /// Returns the handle of a listed domain controller.
    ///
    /// One without a host name is not looked up by the name of its server object: the host of that name in DNS is another
    /// one.
    pub(crate) fn handle_of(
        &self,
        controller: &DomainController,
    ) -> Result<Arc<ConnectionHandle>, ExchangeError> {
        if controller.has_host_name() {
            return Ok(self.handle(&controller.host, Service::Directory));
        }
        let detail = "the Configuration partition has no host name for it";
        Err(ExchangeError::not_connected(&controller.host, ErrorKind::Unavailable, detail).with_hint(
            "It may be what a domain controller that is gone left behind (clean up its metadata), or one that is just \
             being promoted.",
        ))
    }

    /// Returns the first configured domain controller that answers. It is kept until it cannot be reached any more.
    pub(crate) async fn bootstrap_dc(&self) -> Result<BootstrapDc> {
        let mut chosen = self.cache.bootstrap.lock().await;
        let mut failures = Failures::default();
        if let Some(bootstrap_dc) = chosen.as_ref() {
            match bootstrap_dc.handle.connection().await {
                Ok(_) => return Ok(bootstrap_dc.clone()),
                Err(error) => failures.add(
                    bootstrap_dc.handle.host(),
                    error.during(CONNECT).with_object(bootstrap_dc.handle.host()),
                )?,
            }
        }
        for endpoint in self.bootstrap_candidates().await? {
            let handle = self.handle_to(endpoint);
            if failures.tried(handle.host()) {
                continue;
            }
            match RootDse::read(&handle).await.and_then(|root_dse| same_forest(chosen.as_ref(), root_dse)) {
                Ok(root_dse) => {
                    let bootstrap_dc = BootstrapDc { handle, root_dse: Arc::new(root_dse) };
                    *chosen = Some(bootstrap_dc.clone());
                    return Ok(bootstrap_dc);
                }
                Err(error) => failures.add(handle.host(), error)?,
            }
        }
        Err(failures.into_error(|| {
            Error::new(ErrorKind::Unavailable, "connect to a domain controller of the forest")
        }))
    }

    /// Lists the configured hosts, or those that DNS names, then the other domain controllers that are known.
    async fn bootstrap_candidates(&self) -> Result<Vec<Endpoint>> {
        let known = self.cache.controllers.get().into_iter().flatten();
        let mut endpoints = match &self.bootstrap {
            Bootstrap::Hosts(hosts) => hosts.clone(),
            #[cfg(feature = "dns")]
            Bootstrap::Domain(discovery) => {
                match discovery.controllers(self.settings().clock.as_ref()).await {
                    // The name server may be on the same machine as the lost domain controller.
                    Err(_) if known.clone().next().is_some() => Vec::new(),
                    found => found?,
                }
            }
        };
        let others = known.filter(|known| !known.is_read_only && known.has_host_name());
        endpoints.extend(others.map(|known| Endpoint::directory(&known.host)));
        Ok(endpoints)
    }

    /// Returns a domain controller with a writable replica of that naming context. It is kept until it cannot be reached any
    /// more.
    ///
    /// The order of preference: one that the caller named; the PDC emulator of the domain, which other domain controllers
    /// ask about passwords anyway; one of the same site; any.
    pub(crate) async fn writable_dc(&self, context: &DistinguishedName) -> Result<Arc<ConnectionHandle>> {
        let mut servers = self.cache.writable.lock().await;
        let mut failures = Failures::default();
        if let Some(handle) = servers.get(context) {
            match handle.connection().await {
                Ok(_) => return Ok(Arc::clone(handle)),
                Err(error) => {
                    failures.add(handle.host(), error.during("connect to").with_object(handle.host()))?
                }
            }
        }
        let handle = match self.named_dc(context, &mut failures).await? {
            Some(handle) => handle,
            None => self.listed_dc(context, &mut failures).await?,
        };
        servers.insert(context.clone(), Arc::clone(&handle));
        Ok(handle)
    }

    /// Returns the bootstrap domain controller if the caller named it and it has a writable replica: the others need not be
    /// listed then.
    async fn named_dc(
        &self,
        context: &DistinguishedName,
        failures: &mut Failures,
    ) -> Result<Option<Arc<ConnectionHandle>>> {
        let bootstrap_dc = self.bootstrap_dc().await?;
        let named = self.bootstrap.names(bootstrap_dc.handle.host());
        let serves = bootstrap_dc.root_dse.holds(context) && !bootstrap_dc.root_dse.is_read_only;
        Ok((named && serves && !failures.tried(bootstrap_dc.handle.host())).then_some(bootstrap_dc.handle))
    }

    async fn listed_dc(
        &self,
        context: &DistinguishedName,
        failures: &mut Failures,
    ) -> Result<Arc<ConnectionHandle>> {
        let serves = |controller: &DomainController| {
            !controller.is_read_only && controller.naming_contexts.contains(context)
        };
        let mut controllers: Vec<_> = self.known_controllers().await?.iter().filter(|c| serves(c)).collect();
        let site = self.site().await?;
        let is_named = |controller: &DomainController| self.bootstrap.names(&controller.host);
        controllers
            .sort_by_key(|controller| (!is_named(controller), !controller.site.eq_ignore_ascii_case(&site)));
        for controller in controllers.iter().filter(|controller| controller.has_host_name()) {
            let handle = self.handle(&controller.host, Service::Directory);
            if failures.tried(handle.host()) {
                continue;
            }
            if let Err(error) = handle.connection().await {
                failures.add(handle.host(), error.during("connect to").with_object(handle.host()))?;
                continue;
            }
            if is_named(controller) {
                return Ok(handle);
            }
            let emulator = pdc_emulator(&handle, context, &controllers).await;
            let emulator = emulator.map(|host| self.handle(host, Service::Directory));
            return Ok(match emulator {
                Some(emulator) if !failures.tried(emulator.host()) && emulator.connection().await.is_ok() => {
                    emulator
                }
                _ => handle,
            });
        }
        Err(std::mem::take(failures).into_error(|| {
            Error::new(ErrorKind::Unavailable, "find a writable domain controller of")
                .with_object(context)
                .with_detail("the forest lists none")
                .with_hint("Start a domain controller of that domain, or make it reachable from here.")
        }))
    }

    /// Returns a global catalog, of the same site if one answers. It is kept until it cannot be reached any more.
    pub(crate) async fn global_catalog(&self, domain: &DistinguishedName) -> Result<Arc<ConnectionHandle>> {
        let mut chosen = self.cache.global_catalog.lock().await;
        let mut failures = Failures::default();
        if let Some(handle) = chosen.as_ref() {
            match handle.connection().await {
                Ok(_) => return Ok(Arc::clone(handle)),
                Err(error) => {
                    failures.add(handle.host(), error.during("connect to").with_object(handle.host()))?
                }
            }
        }
        let mut catalogs: Vec<_> = self
            .known_controllers()
            .await?
            .iter()
            .filter(|c| c.is_global_catalog && c.has_host_name())
            .collect();
        let site = self.site().await?;
        catalogs.sort_by_key(|controller| {
            (!controller.site.eq_ignore_ascii_case(&site), controller.is_read_only)
        });
        for controller in catalogs {
            let handle = self.handle(&controller.host, Service::GlobalCatalog);
            if failures.tried(handle.host()) {
                continue;
            }
            match handle.connection().await {
                Ok(_) => return Ok(Arc::clone(chosen.insert(handle))),
                Err(error) => {
                    failures.add(handle.host(), error.during("connect to").with_object(handle.host()))?
                }
            }
        }
        Err(failures.into_error(|| {
            Error::new(ErrorKind::Unavailable, "reach a global catalog for the names of")
                .with_object(domain)
                .with_detail("the forest lists none")
                .with_hint(
                    "This domain's names cannot be checked without one; make a global catalog reachable.",
                )
        }))
    }

    /// Returns the preferred site: the configured one, else that of the bootstrap domain controller.
    async fn site(&self) -> Result<String> {
        if let Some(site) = &self.settings().site {
            return Ok(site.clone());
        }
        Ok(self.bootstrap_dc().await?.root_dse.site())
    }

    /// Lists the domain controllers as first read. One that is added later is not written to by this client.
    async fn known_controllers(&self) -> Result<&Vec<DomainController>> {
        self.cache
            .controllers
            .get_or_try_init(async || controllers::list(&self.bootstrap_dc().await?).await)
            .await
    }
}

/// Returns the host name of the PDC emulator, which the root object of the domain names.
async fn pdc_emulator<'a>(
    handle: &Arc<ConnectionHandle>,
    domain: &DistinguishedName,
    controllers: &[&'a DomainController],
) -> Option<&'a str> {
    let head = handle.read(Search::object(domain, &["fSMORoleOwner"])).await.ok()??;
    let owner = DistinguishedName::parse(&head.text("fSMORoleOwner")?).ok()?;
    controllers
        .iter()
        .find(|controller| controller.settings == owner && controller.has_host_name())
        .map(|controller| controller.host.as_str())
}

/// Refuses a host of another forest: such a mistake in the configuration must not pass as a failover.
fn same_forest(before: Option<&BootstrapDc>, found: RootDse) -> Result<RootDse> {
    match before.filter(|before| before.root_dse.configuration != found.configuration) {
        Some(before) => Err(Error::new(ErrorKind::Invalid, CONNECT)
            .with_object(&found.host)
            .with_detail(format!("it belongs to another forest than {}", before.root_dse.host))
            .with_hint("Name hosts of one forest.")),
        None => Ok(found),
    }
}

/// The domain controllers that could not be reached.
#[derive(Debug, Default)]
struct Failures(Vec<(String, Error)>);

impl Failures {
    /// Records an unreachable host. Any other error ends the search for a domain controller.
    fn add(&mut self, host: &str, error: Error) -> Result<()> {
        if error.kind() != ErrorKind::Unavailable {
            return Err(error);
        }
        self.0.push((host.to_owned(), error));
        Ok(())
    }

    fn tried(&self, host: &str) -> bool {
        self.0.iter().any(|(tried, _)| tried.eq_ignore_ascii_case(host))
    }

    /// Returns the only error, or one that lists every host that was tried.
    fn into_error(mut self, otherwise: impl FnOnce() -> Error) -> Error {
        if self.0.len() < 2 {
            return self.0.pop().map_or_else(otherwise, |(_, error)| error);
        }
        let tried: Vec<String> = self.0.iter().map(|(_, error)| error.to_string()).collect();
        otherwise()
            .with_detail(format!("none of {} can be reached: {}", tried.len(), tried.join(" ")))
            .with_hint("Start one of them, or make it reachable from here.")
    }
}
