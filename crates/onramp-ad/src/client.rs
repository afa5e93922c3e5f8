//! The client of a forest: shared by all its ports.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

#[cfg(feature = "dns")]
use onramp_core::DomainName;
use onramp_core::{DistinguishedName, Error, Forest, Result};
use tokio::sync::OnceCell;

use crate::builder::ForestClientBuilder;
use crate::password_policy::DirectoryPasswordPolicies;
use crate::reading::objects::DirectoryObjects;
use crate::replication::DirectoryReplication;
use crate::settings::{Service, Settings};
use crate::suffixes::DirectorySuffixes;
use crate::topology::choice::Chosen;
#[cfg(feature = "dns")]
use crate::topology::discovery::Discovery;
use crate::topology::root_dse::RootDse;
use crate::users::DirectoryUsers;
use crate::wire::connection::Target;
use crate::wire::link::Link;
use crate::writing::writer::DirectoryWriter;

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
    start: Start,
    chosen: Chosen,
    /// Where objects stand: the naming contexts of all domains, and those of the Configuration partition. A domain that is
    /// added while a client lives needs a new client.
    contexts: OnceCell<Vec<DistinguishedName>>,
    /// One link per service of a domain controller, by target.
    links: Mutex<HashMap<Target, Arc<Link>>>,
}

/// Where to begin.
#[derive(Debug)]
pub(crate) enum Start {
    /// At the first of these that answers.
    Hosts(Vec<Target>),
    /// At the domain controllers that DNS names for a domain.
    #[cfg(feature = "dns")]
    Domain(Discovery),
}

impl ForestClient {
    /// Begins with the DNS host name of a domain controller.
    pub fn builder(host: &str) -> ForestClientBuilder {
        ForestClientBuilder::new(host)
    }

    /// Begins with the DNS name of a domain of the forest, whose domain controllers DNS names.
    #[cfg(feature = "dns")]
    pub fn discover(domain: &DomainName) -> ForestClientBuilder {
        ForestClientBuilder::of_domain(domain)
    }

    pub(crate) fn new(start: Start, settings: Settings) -> Self {
        Self {
            inner: Arc::new(Inner {
                settings: Arc::new(settings),
                start,
                chosen: Chosen::default(),
                contexts: OnceCell::new(),
                links: Mutex::default(),
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

    /// Whom the client talks to. Read when the domain controller was chosen; another one when that cannot be reached any
    /// more.
    ///
    /// # Errors
    /// `Unavailable`, `Unauthenticated`, and `Invalid` for a certificate that was not accepted or a server that is no
    /// domain controller.
    pub async fn root_dse(&self) -> Result<Arc<RootDse>> {
        Ok(self.entrance().await?.root_dse)
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.inner.settings
    }

    pub(crate) fn start(&self) -> &Start {
        &self.inner.start
    }

    pub(crate) fn chosen(&self) -> &Chosen {
        &self.inner.chosen
    }

    /// The way to a domain controller; always the same one, so that its connection is kept.
    pub(crate) fn link(&self, host: &str, service: Service) -> Arc<Link> {
        let mut target = Target { service, ..Target::of(host) };
        if let (Start::Hosts(hosts), Service::Directory) = (&self.inner.start, service) {
            // One that was named may have been named with a port of its own.
            target.port = hosts.iter().find(|named| named.is(host)).and_then(|named| named.port);
        }
        self.link_to(target)
    }

    pub(crate) fn link_to(&self, target: Target) -> Arc<Link> {
        let mut links = self.inner.links.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || Arc::new(Link::new(target.clone(), Arc::clone(&self.inner.settings)));
        Arc::clone(links.entry(target.clone()).or_insert_with(new))
    }

    /// Every way that was opened so far.
    pub(crate) fn links(&self) -> Vec<Arc<Link>> {
        let links = self.inner.links.lock().unwrap_or_else(PoisonError::into_inner);
        links.values().cloned().collect()
    }

    /// The naming context that an object stands in: the closest one, since a child domain's name is below its
    /// parent's. `None` if it is in none of the forest's.
    pub(crate) async fn context_of(&self, dn: &DistinguishedName) -> Result<Option<DistinguishedName>> {
        let contexts = async || {
            let mut contexts = self.root_dse().await?.naming_contexts.clone();
            for domain in self.domains().await? {
                if !contexts.contains(&domain.naming_context) {
                    contexts.push(domain.naming_context);
                }
            }
            Ok::<_, Error>(contexts)
        };
        let contexts: &Vec<_> = self.inner.contexts.get_or_try_init(contexts).await?;
        let around = contexts.iter().filter(|context| dn.is_within(context));
        Ok(around.max_by_key(|context| context.rdns().len()).cloned())
    }
}

impl fmt::Debug for ForestClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ForestClient")
            .field("start", &self.inner.start)
            .field("security", &self.inner.settings.security)
            .field("sign_in", &self.inner.settings.sign_in)
            .finish_non_exhaustive()
    }
}
