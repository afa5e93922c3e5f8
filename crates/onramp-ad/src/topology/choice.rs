//! Which domain controller is asked for what: chosen once, and kept as long as it answers.
//!
//! Changes of one object that go to two domain controllers can be lost when these replicate, so the changes of a domain all
//! go to one. When that one stops answering, another is chosen; what was sent to the first and never answered is looked
//! up before it is sent again.

use std::sync::Arc;

use onramp_core::forest::DomainController;
use onramp_core::{DistinguishedName, Error, ErrorKind, Result};

use crate::client::{AdClient, Start};
use crate::reading::search::Search;
use crate::settings::Service;
use crate::topology::chosen::Entrance;
use crate::topology::root_dse::RootDse;
use crate::wire::link::Link;
use crate::wire::target::Target;

const CONNECT: &str = "connect to the domain controller";

impl AdClient {
    /// Whom the client talks to. Read when the domain controller was chosen; another one when that cannot be reached any
    /// more.
    ///
    /// # Errors
    /// `Unavailable`, `Unauthenticated`, and `Invalid` for a certificate that was not accepted or a server that is no
    /// domain controller.
    pub async fn root_dse(&self) -> Result<Arc<RootDse>> {
        Ok(self.entrance().await?.root_dse)
    }

    /// The domain controller through which the forest is seen: the first of those that were named or found that answers. Once
    /// chosen, it stays the one until it cannot be reached any more.
    pub(crate) async fn entrance(&self) -> Result<Entrance> {
        let mut chosen = self.chosen().entrance.lock().await;
        let mut failures = Failures::default();
        if let Some(entrance) = chosen.as_ref() {
            match entrance.link.connection().await {
                Ok(_) => return Ok(entrance.clone()),
                Err(fault) => failures
                    .add(entrance.link.host(), fault.during(CONNECT).with_object(entrance.link.host()))?,
            }
        }
        for target in self.entrances().await? {
            let link = self.link_to(target);
            if failures.tried(link.host()) {
                continue;
            }
            match RootDse::read(&link).await.and_then(|root_dse| same_forest(chosen.as_ref(), root_dse)) {
                Ok(root_dse) => {
                    let entrance = Entrance { link, root_dse: Arc::new(root_dse) };
                    *chosen = Some(entrance.clone());
                    return Ok(entrance);
                }
                Err(error) => failures.add(link.host(), error)?,
            }
        }
        Err(failures.into_error(|| {
            Error::new(ErrorKind::Unavailable, "connect to a domain controller of the forest")
        }))
    }

    /// Where to begin: the hosts that were named, or those that DNS names; then what was learnt of the forest.
    async fn entrances(&self) -> Result<Vec<Target>> {
        let known = self.chosen().controllers.get().into_iter().flatten();
        let mut targets = match self.start() {
            Start::Hosts(hosts) => hosts.clone(),
            #[cfg(feature = "dns")]
            Start::Domain(discovery) => {
                match discovery.controllers(self.settings().clock.as_ref()).await {
                    // The name server may be on the machine that is gone.
                    Err(_) if known.clone().next().is_some() => Vec::new(),
                    found => found?,
                }
            }
        };
        let others = known.filter(|known| !known.is_read_only && known.has_host_name());
        targets.extend(others.map(|known| Target::of(&known.host)));
        Ok(targets)
    }

    /// A domain controller that holds that naming context in full and lets it be written. Once found, it stays the one
    /// until it cannot be reached any more.
    ///
    /// One that was named by the caller comes first; then the PDC emulator of the domain, which other domain controllers
    /// ask about passwords anyway; then one of the same site; then any.
    pub(crate) async fn server_of(&self, context: &DistinguishedName) -> Result<Arc<Link>> {
        let mut servers = self.chosen().servers.lock().await;
        let mut failures = Failures::default();
        if let Some(link) = servers.get(context) {
            match link.connection().await {
                Ok(_) => return Ok(Arc::clone(link)),
                Err(fault) => {
                    failures.add(link.host(), fault.during("connect to").with_object(link.host()))?
                }
            }
        }
        let link = match self.named_server_of(context, &mut failures).await? {
            Some(link) => link,
            None => self.found_server_of(context, &mut failures).await?,
        };
        servers.insert(context.clone(), Arc::clone(&link));
        Ok(link)
    }

    /// The entrance, if the caller named it and it can serve the naming context: there is no need to ask who else could.
    async fn named_server_of(
        &self,
        context: &DistinguishedName,
        failures: &mut Failures,
    ) -> Result<Option<Arc<Link>>> {
        let entrance = self.entrance().await?;
        let named = match self.start() {
            Start::Hosts(hosts) => hosts.iter().any(|host| host.is(entrance.link.host())),
            #[cfg(feature = "dns")]
            Start::Domain(_) => false,
        };
        let serves = entrance.root_dse.holds(context) && !entrance.root_dse.is_read_only;
        Ok((named && serves && !failures.tried(entrance.link.host())).then_some(entrance.link))
    }

    async fn found_server_of(
        &self,
        context: &DistinguishedName,
        failures: &mut Failures,
    ) -> Result<Arc<Link>> {
        let serves = |controller: &DomainController| {
            !controller.is_read_only && controller.naming_contexts.contains(context)
        };
        let mut controllers: Vec<_> = self.known_controllers().await?.iter().filter(|c| serves(c)).collect();
        let site = self.site().await?;
        let is_named = |controller: &DomainController| match self.start() {
            Start::Hosts(hosts) => hosts.iter().any(|host| host.is(&controller.host)),
            #[cfg(feature = "dns")]
            Start::Domain(_) => false,
        };
        controllers
            .sort_by_key(|controller| (!is_named(controller), !controller.site.eq_ignore_ascii_case(&site)));
        for controller in controllers.iter().filter(|controller| controller.has_host_name()) {
            let link = self.link(&controller.host, Service::Directory);
            if failures.tried(link.host()) {
                continue;
            }
            if let Err(fault) = link.connection().await {
                failures.add(link.host(), fault.during("connect to").with_object(link.host()))?;
                continue;
            }
            if is_named(controller) {
                return Ok(link);
            }
            let emulator = pdc_emulator(&link, context, &controllers).await;
            let emulator = emulator.map(|host| self.link(host, Service::Directory));
            return Ok(match emulator {
                Some(emulator) if !failures.tried(emulator.host()) && emulator.connection().await.is_ok() => {
                    emulator
                }
                _ => link,
            });
        }
        Err(std::mem::take(failures).into_error(|| {
            Error::new(ErrorKind::Unavailable, "find a writable domain controller of")
                .with_object(context)
                .with_detail("the forest lists none")
                .with_hint("Start a domain controller of that domain, or make it reachable from here.")
        }))
    }

    /// A global catalog, one of the same site if there is one that answers. Once found, it stays the one until it cannot be
    /// reached any more.
    pub(crate) async fn global_catalog(&self, domain: &DistinguishedName) -> Result<Arc<Link>> {
        let mut chosen = self.chosen().catalog.lock().await;
        let mut failures = Failures::default();
        if let Some(link) = chosen.as_ref() {
            match link.connection().await {
                Ok(_) => return Ok(Arc::clone(link)),
                Err(fault) => {
                    failures.add(link.host(), fault.during("connect to").with_object(link.host()))?
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
            let link = self.link(&controller.host, Service::GlobalCatalog);
            if failures.tried(link.host()) {
                continue;
            }
            match link.connection().await {
                Ok(_) => return Ok(Arc::clone(chosen.insert(link))),
                Err(fault) => {
                    failures.add(link.host(), fault.during("connect to").with_object(link.host()))?
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

    /// The site that is preferred: the one that was set, else that of the entrance.
    async fn site(&self) -> Result<String> {
        if let Some(site) = &self.settings().site {
            return Ok(site.clone());
        }
        Ok(self.entrance().await?.root_dse.site())
    }

    /// The domain controllers of the forest as they were when first asked for. One that is added while a client lives is not
    /// written to by it.
    async fn known_controllers(&self) -> Result<&Vec<DomainController>> {
        self.chosen().controllers.get_or_try_init(|| self.controllers()).await
    }
}

/// The host of the domain controller that has the role of PDC emulator, which stands at the head of the domain.
async fn pdc_emulator<'a>(
    link: &Arc<Link>,
    domain: &DistinguishedName,
    controllers: &[&'a DomainController],
) -> Option<&'a str> {
    let head = link.read(Search::object(domain, &["fSMORoleOwner"])).await.ok()??;
    let owner = DistinguishedName::parse(&head.text("fSMORoleOwner")?).ok()?;
    controllers
        .iter()
        .find(|controller| controller.settings == owner && controller.has_host_name())
        .map(|controller| controller.host.as_str())
}

/// Hosts that belong to two forests are a mistake that must not pass as a failover.
fn same_forest(before: Option<&Entrance>, found: RootDse) -> Result<RootDse> {
    match before.filter(|before| before.root_dse.configuration != found.configuration) {
        Some(before) => Err(Error::new(ErrorKind::Invalid, CONNECT)
            .with_object(&found.host)
            .with_detail(format!("it belongs to another forest than {}", before.root_dse.host))
            .with_hint("Name hosts of one forest.")),
        None => Ok(found),
    }
}

/// What was tried in vain.
#[derive(Debug, Default)]
struct Failures(Vec<(String, Error)>);

impl Failures {
    /// Notes that a host cannot be reached; anything else is no reason to go elsewhere.
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

    /// The one error, or one that names all that were tried.
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
