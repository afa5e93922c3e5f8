//! The forest: its state behind one lock, read and changed as of now.

use super::data::accounts;
use super::data::object::{Id, UnixNanos};
use super::data::state::State;
use super::data::view::{DirectoryScope, View};
use super::fault::Faults;
use super::schema;
use super::security::access::Principal;
use super::security::bind::Credentials;
use super::seed::WellKnownObjects;
use onramp_core::{Clock, DistinguishedName, DomainName, Password};
use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

/// A forest in memory. Cloning gives another handle to the same forest.
#[derive(Clone)]
pub struct LabForest(pub(super) Arc<Inner>);

pub(super) struct Inner {
    pub(super) domain: DomainName,
    pub(super) netbios: String,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) well_known: WellKnownObjects,
    /// The accounts that certificates sign in, by what the certificate is.
    pub(super) certificates: RwLock<HashMap<Vec<u8>, [u8; 16]>>,
    pub(super) credentials: Credentials,
    pub(super) faults: Faults,
    pub(super) delay: AtomicI64,
    /// The time of the next arrival of a change.
    pub(super) due: AtomicI64,
    pub(super) state: RwLock<State>,
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
    /// Returns the DNS name of the domain at the root of the forest.
    #[must_use]
    pub fn domain(&self) -> &DomainName {
        &self.0.domain
    }

    /// Returns the DNS names of all domains, that at the root of the forest first.
    #[must_use]
    pub fn domains(&self) -> Vec<DomainName> {
        self.with(|state| state.domains.iter().map(|domain| domain.dns.clone()).collect())
    }

    /// Returns the distinguished name of the first domain: where a search for all its users starts.
    #[must_use]
    pub fn base(&self) -> DistinguishedName {
        DistinguishedName::of_domain(&self.0.domain)
    }

    /// Returns the DNS names of the domain controllers, domain by domain. Changes of the ports go to the first of the domain.
    #[must_use]
    pub fn controllers(&self) -> Vec<String> {
        self.with(|state| state.controllers.iter().map(|controller| controller.host.clone()).collect())
    }

    /// Returns the DNS names of the domain controllers of a domain.
    pub(crate) fn controllers_of(&self, domain: &str) -> Vec<String> {
        self.with(|state| {
            let context = state.domains.iter().find(|known| known.dns.as_str() == domain)?.context;
            let of_it = state.controllers.iter().filter(|one| one.domain == context);
            Some(of_it.map(|one| one.host.clone()).collect())
        })
        .unwrap_or_default()
    }

    /// Returns the login of the built-in administrator, who may do everything.
    #[must_use]
    pub fn administrator(&self) -> Login {
        let name = format!("{}\\Administrator", self.0.netbios);
        Login { name, password: self.0.credentials.administrator_password.clone() }
    }

    /// Returns the login of a user who may read and change nothing; `None` if the forest has no enabled users.
    #[must_use]
    pub fn plain_user(&self) -> Option<Login> {
        let delegate = self.0.credentials.delegate;
        self.login_of(|view, id| Some(id) != delegate && accounts::is_enabled_person(view, id))
    }

    /// Returns the login of a user who may change the user principal names of unprotected accounts and nothing else;
    /// `None` if the forest has no service accounts.
    #[must_use]
    pub fn delegate(&self) -> Option<Login> {
        let delegate = self.0.credentials.delegate?;
        self.login_of(|_, id| id == delegate)
    }

    pub(super) fn login_of(&self, wanted: impl Fn(View<'_>, Id) -> bool) -> Option<Login> {
        self.read(0, |view| {
            let id = (0..view.state.objects.len() as Id).find(|&id| wanted(view, id))?;
            let account = view.text(id, schema::Attr::SAM_ACCOUNT_NAME)?;
            let name = format!("{}\\{account}", self.0.netbios);
            Some(Login { name, password: self.0.credentials.user_password.clone() })
        })
    }

    /// Reads the forest as controller `at` sees it now.
    pub(super) fn read<T>(&self, at: usize, read: impl FnOnce(View<'_>) -> T) -> T {
        self.read_in(DirectoryScope::Whole, at, read)
    }

    /// Reads the part of the forest in a scope, as controller `at` sees it now.
    pub(super) fn read_in<T>(
        &self,
        directory_scope: DirectoryScope,
        at: usize,
        read: impl FnOnce(View<'_>) -> T,
    ) -> T {
        self.catch_up();
        self.with(|state| read(View { state, at, directory_scope }))
    }

    /// Changes the forest.
    pub(super) fn write<T>(&self, write: impl FnOnce(&mut State, UnixNanos) -> T) -> T {
        self.catch_up();
        let now = self.now();
        let mut state = self.0.state.write().unwrap_or_else(PoisonError::into_inner);
        let result = write(&mut state, now);
        self.replicate(&mut state, now);
        result
    }

    /// Lets the changes arrive that are due.
    pub(super) fn catch_up(&self) {
        let now = self.now();
        if self.0.due.load(Ordering::Acquire) <= now {
            let mut state = self.0.state.write().unwrap_or_else(PoisonError::into_inner);
            self.replicate(&mut state, now);
        }
    }

    pub(super) fn replicate(&self, state: &mut State, now: UnixNanos) {
        let delay = self.0.delay.load(Ordering::Acquire);
        state.replicate(now, delay);
        self.0.due.store(state.next_arrival(delay).unwrap_or(UnixNanos::MAX), Ordering::Release);
    }

    pub(super) fn with<T>(&self, read: impl FnOnce(&State) -> T) -> T {
        read(&self.0.state.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn now(&self) -> UnixNanos {
        UnixNanos::try_from(self.0.clock.now().unix_timestamp_nanos()).unwrap_or(UnixNanos::MAX)
    }

    pub(super) fn as_administrator(&self) -> Principal {
        Principal::Administrator(self.0.well_known.administrator)
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
