//! The client of a forest: shared by all its ports.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use onramp_core::{DistinguishedName, Error, ErrorKind, Forest, Result};
use tokio::sync::OnceCell;

use crate::builder::ForestClientBuilder;
use crate::connection::Target;
use crate::link::Link;
use crate::objects::DirectoryObjects;
use crate::password_policy::DirectoryPasswordPolicies;
use crate::replication::DirectoryReplication;
use crate::root_dse::RootDse;
use crate::settings::{Service, Settings};
use crate::suffixes::DirectorySuffixes;
use crate::users::DirectoryUsers;
use crate::writer::DirectoryWriter;

/// An Active Directory forest, seen through one of its domain controllers and, where a value must be asked of
/// each, through all of them.
///
/// Cheap to clone; clones share their connections. A connection is opened when it is first needed, and opened again
/// when it was lost. Needs a tokio runtime.
#[derive(Clone)]
pub struct ForestClient {
    inner: Arc<Inner>,
}

struct Inner {
    settings: Arc<Settings>,
    primary: Arc<Link>,
    root_dse: OnceCell<RootDse>,
    /// The naming contexts of all domains. A domain that is added while a client lives needs a new client.
    domains: OnceCell<Vec<DistinguishedName>>,
    /// One link per service of a domain controller, by target.
    links: Mutex<HashMap<Target, Arc<Link>>>,
    /// Which domain controller serves a domain that the first one does not hold.
    servers: tokio::sync::Mutex<HashMap<DistinguishedName, Arc<Link>>>,
}

impl ForestClient {
    /// Begins with the DNS host name of a domain controller.
    pub fn builder(host: &str) -> ForestClientBuilder {
        ForestClientBuilder::new(host)
    }

    pub(crate) fn new(host: String, port: Option<u16>, settings: Settings) -> Self {
        let settings = Arc::new(settings);
        let target = Target { host, port, service: Service::Directory };
        Self {
            inner: Arc::new(Inner {
                primary: Arc::new(Link::new(target, Arc::clone(&settings))),
                settings,
                root_dse: OnceCell::new(),
                domains: OnceCell::new(),
                links: Mutex::default(),
                servers: tokio::sync::Mutex::default(),
            }),
        }
    }

    /// The forest's ports, all served by this client.
    pub fn forest(&self) -> Forest {
        Forest {
            suffixes: Arc::new(DirectorySuffixes(self.clone())),
            users: Arc::new(DirectoryUsers(self.clone())),
            object_writer: Arc::new(DirectoryWriter(self.clone())),
            replication: Arc::new(DirectoryReplication(self.clone())),
            password_policies: Arc::new(DirectoryPasswordPolicies(self.clone())),
            objects: Arc::new(DirectoryObjects(self.clone())),
        }
    }

    /// Whom the client talks to. Read once.
    ///
    /// # Errors
    /// `Unavailable`, `Unauthenticated`, and `Invalid` for a certificate that was not accepted or a server that is no
    /// domain controller.
    pub async fn root_dse(&self) -> Result<&RootDse> {
        self.inner.root_dse.get_or_try_init(|| RootDse::read(&self.inner.primary)).await
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.inner.settings
    }

    /// The domain controller that was named.
    pub(crate) fn primary(&self) -> &Arc<Link> {
        &self.inner.primary
    }

    /// The way to another domain controller; always the same one, so that its connection is kept.
    pub(crate) fn link(&self, host: &str, service: Service) -> Arc<Link> {
        let primary = &self.inner.primary;
        if service == Service::Directory && host.eq_ignore_ascii_case(primary.host()) {
            return Arc::clone(primary);
        }
        let target = Target { host: host.to_ascii_lowercase(), port: None, service };
        let mut links = self.inner.links.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || Arc::new(Link::new(target.clone(), Arc::clone(&self.inner.settings)));
        Arc::clone(links.entry(target.clone()).or_insert_with(new))
    }

    /// Every way that was opened so far.
    pub(crate) fn links(&self) -> Vec<Arc<Link>> {
        let links = self.inner.links.lock().unwrap_or_else(PoisonError::into_inner);
        [&self.inner.primary].into_iter().chain(links.values()).cloned().collect()
    }

    /// The naming context that an object stands in: the closest one, since a child domain's name is below its
    /// parent's. `None` if it is in none of the forest's.
    pub(crate) async fn context_of(&self, dn: &DistinguishedName) -> Result<Option<DistinguishedName>> {
        let contexts = async || {
            let domains = self.domains().await?;
            Ok::<_, Error>(domains.into_iter().map(|domain| domain.naming_context).collect())
        };
        let domains: &Vec<_> = self.inner.domains.get_or_try_init(contexts).await?;
        let held = &self.root_dse().await?.naming_contexts;
        let around = held.iter().chain(domains).filter(|context| dn.is_within(context));
        Ok(around.max_by_key(|context| context.rdns().len()).cloned())
    }

    /// A domain controller that holds that naming context in full and lets it be written: the first one if it
    /// does, else one that answers. Once found, it stays the one.
    pub(crate) async fn server_of(&self, context: &DistinguishedName) -> Result<Arc<Link>> {
        if self.root_dse().await?.holds(context) {
            return Ok(Arc::clone(self.primary()));
        }
        let mut servers = self.inner.servers.lock().await;
        if let Some(link) = servers.get(context) {
            return Ok(Arc::clone(link));
        }
        let mut failures = Vec::new();
        for controller in self.controllers().await? {
            if controller.is_read_only || !controller.naming_contexts.contains(context) {
                continue;
            }
            let link = self.link(&controller.host, Service::Directory);
            match link.connection().await {
                Ok(_) => {
                    servers.insert(context.clone(), Arc::clone(&link));
                    return Ok(link);
                }
                Err(fault) => {
                    failures.push(fault.during(format!("connect to {}", controller.host)).to_string())
                }
            }
        }
        let tried =
            if failures.is_empty() { "the forest lists none".to_owned() } else { failures.join("; ") };
        Err(Error::new(ErrorKind::Unavailable, "find a domain controller of")
            .object(context)
            .detail(tried)
            .hint("Start a domain controller of that domain, or make it reachable from here."))
    }
}

impl fmt::Debug for ForestClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ForestClient")
            .field("host", &self.inner.primary.host())
            .field("security", &self.inner.settings.security)
            .field("bind", &self.inner.settings.credentials.name.as_str())
            .finish_non_exhaustive()
    }
}
