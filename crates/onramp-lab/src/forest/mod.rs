//! A forest in memory: naming contexts, domain controllers between which changes take time, users, and an LDAP server over
//! all of it.
//!
//! [`LabForest`] implements the forest ports itself ([`LabForest::forest`]), and [`LabForest::serve`] opens LDAP and LDAPS
//! for each domain controller, for any LDAP client.
//!
//! ```
//! use onramp_lab::forest::LabForest;
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let lab = LabForest::builder().domain("corp.local").users(500).seed(7).controllers(2).build()?;
//! let forest = lab.forest();
//! let suffix = "example.com".parse()?;
//! forest.suffixes.add(&suffix).await?;
//! assert_eq!(forest.suffixes.list().await?.len(), 2);
//! # Ok::<(), onramp_core::Error>(())
//! # }).unwrap();
//! ```

mod admin;
mod builder;
mod data;
mod fault;
mod ports;
mod reading;
mod schema;
mod security;
mod seed;
mod server;
mod writing;

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use onramp_core::{Clock, DistinguishedName, DomainName, Password};

pub use builder::{LabDomain, LabForestBuilder};
pub use data::state::Flavour;
pub use fault::{Fault, Operation, Overload};
pub use server::{LabForestServers, ServedController};

use data::state::{Id, Moment, State};
use data::view::{Reach, View};
use fault::Faults;
use security::access::Principal;
use security::bind::Credentials;
use seed::Landmarks;

/// A forest in memory. Cloning gives another handle to the same forest.
#[derive(Clone)]
pub struct LabForest(Arc<Inner>);

struct Inner {
    domain: DomainName,
    netbios: String,
    clock: Arc<dyn Clock>,
    marks: Landmarks,
    /// The accounts that certificates sign in, by what the certificate is.
    certificates: RwLock<HashMap<Vec<u8>, [u8; 16]>>,
    credentials: Credentials,
    faults: Faults,
    delay: AtomicI64,
    /// When the next change arrives somewhere.
    due: AtomicI64,
    state: RwLock<State>,
}

/// A name to bind with and its password.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Login {
    /// The bind name.
    pub name: String,
    /// The password.
    pub password: Password,
}

impl LabForest {
    /// Describes a forest to build.
    pub fn builder() -> LabForestBuilder {
        LabForestBuilder::default()
    }

    /// The DNS name of the domain at the root of the forest.
    #[must_use]
    pub fn domain(&self) -> &DomainName {
        &self.0.domain
    }

    /// The DNS names of all domains, that at the root of the forest first.
    #[must_use]
    pub fn domains(&self) -> Vec<DomainName> {
        self.with(|state| state.domains.iter().map(|domain| domain.dns.clone()).collect())
    }

    /// The distinguished name of the first domain: where a search for all its users starts.
    #[must_use]
    pub fn base(&self) -> DistinguishedName {
        DistinguishedName::of_domain(&self.0.domain)
    }

    /// The DNS names of the domain controllers, domain by domain. Changes of the ports go to the first of the domain.
    #[must_use]
    pub fn controllers(&self) -> Vec<String> {
        self.with(|state| state.controllers.iter().map(|controller| controller.host.clone()).collect())
    }

    /// How to bind as the built-in administrator, who may do everything.
    #[must_use]
    pub fn administrator(&self) -> Login {
        let name = format!("{}\\Administrator", self.0.netbios);
        Login { name, password: self.0.credentials.administrator_password.clone() }
    }

    /// How to bind as somebody who may read and change nothing; `None` if the forest has no enabled users.
    #[must_use]
    pub fn plain_user(&self) -> Option<Login> {
        let delegate = self.0.credentials.delegate;
        self.login_of(|view, id| Some(id) != delegate && admin::is_enabled_person(view, id))
    }

    /// How to bind as somebody who may change the user principal names of unprotected accounts and nothing else; `None` if
    /// the forest has no service accounts.
    #[must_use]
    pub fn delegate(&self) -> Option<Login> {
        let delegate = self.0.credentials.delegate?;
        self.login_of(|_, id| id == delegate)
    }

    fn login_of(&self, wanted: impl Fn(View<'_>, Id) -> bool) -> Option<Login> {
        self.read(0, |view| {
            let id = (0..view.state.objects.len() as Id).find(|&id| wanted(view, id))?;
            let account = view.text(id, schema::Attr::SAM_ACCOUNT_NAME)?;
            let name = format!("{}\\{account}", self.0.netbios);
            Some(Login { name, password: self.0.credentials.user_password.clone() })
        })
    }

    /// Reads the forest as controller `at` sees it now.
    fn read<T>(&self, at: usize, read: impl FnOnce(View<'_>) -> T) -> T {
        self.read_within(Reach::Whole, at, read)
    }

    /// The same within a reach.
    fn read_within<T>(&self, reach: Reach, at: usize, read: impl FnOnce(View<'_>) -> T) -> T {
        self.catch_up();
        self.with(|state| read(View { state, at, reach }))
    }

    /// Changes the forest.
    fn write<T>(&self, write: impl FnOnce(&mut State, Moment) -> T) -> T {
        self.catch_up();
        let now = self.now();
        let mut state = self.0.state.write().unwrap_or_else(PoisonError::into_inner);
        let result = write(&mut state, now);
        self.replicate(&mut state, now);
        result
    }

    /// Lets the changes arrive that are due.
    fn catch_up(&self) {
        let now = self.now();
        if self.0.due.load(Ordering::Acquire) <= now {
            let mut state = self.0.state.write().unwrap_or_else(PoisonError::into_inner);
            self.replicate(&mut state, now);
        }
    }

    fn replicate(&self, state: &mut State, now: Moment) {
        let delay = self.0.delay.load(Ordering::Acquire);
        state.replicate(now, delay);
        self.0.due.store(state.next_arrival(delay).unwrap_or(Moment::MAX), Ordering::Release);
    }

    fn with<T>(&self, read: impl FnOnce(&State) -> T) -> T {
        read(&self.0.state.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn now(&self) -> Moment {
        Moment::try_from(self.0.clock.now().unix_timestamp_nanos()).unwrap_or(Moment::MAX)
    }

    fn as_administrator(&self) -> Principal {
        Principal::Administrator(self.0.marks.administrator)
    }
}

impl fmt::Debug for LabForest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let objects = self.with(|state| state.objects.len());
        f.debug_struct("LabForest")
            .field("domain", &self.0.domain)
            .field("controllers", &self.controllers())
            .field("objects", &objects)
            .finish_non_exhaustive()
    }
}
