//! The client of a forest: shared by all its ports.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use onramp_core::DistinguishedName;
use tokio::sync::OnceCell;

use crate::settings::{Service, Settings};
use crate::topology::chosen::Chosen;
#[cfg(feature = "dns")]
use crate::topology::discovery::Discovery;
use crate::wire::link::Link;
use crate::wire::target::Target;

/// An Active Directory forest, seen through one of its domain controllers and, where a value must be asked of
/// each, through all of them.
///
/// Cheap to clone; clones share their connections. A connection is opened when it is first needed, and opened again
/// when it was lost. Needs a tokio runtime.
#[derive(Clone)]
pub struct AdClient {
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

impl AdClient {
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

    pub(crate) fn contexts(&self) -> &OnceCell<Vec<DistinguishedName>> {
        &self.inner.contexts
    }
}

impl fmt::Debug for AdClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AdClient")
            .field("start", &self.inner.start)
            .field("security", &self.inner.settings.security)
            .field("sign_in", &self.inner.settings.sign_in)
            .finish_non_exhaustive()
    }
}
