//! What every connection of a client has in common.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use onramp_core::Clock;
use rustls::ClientConfig;

use crate::ldap::bind::BindMethod;
use crate::ldap::endpoint::Service;
use crate::ldap::exchange_error::ExchangeError;
use crate::ldap::result_code::INVALID_CREDENTIALS;
use crate::ldap::security::LdapSecurity;

/// How long to wait for what. These are limits on the network, so they run on the machine's timer, not on the
/// [`Clock`], which measures the client's own waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Timeouts {
    /// Name resolution, TCP and TLS together. 10 s unless set.
    pub connect: Duration,
    /// One answer: of a bind, a change, or the next entry of a page. 30 s unless set.
    pub operation: Duration,
    /// The first entry of a page, before which some servers work through the whole result. 120 s unless set.
    pub first_page: Duration,
    /// Asking one domain controller whether it holds a value, connecting included. 15 s unless set.
    pub probe: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            operation: Duration::from_secs(30),
            first_page: Duration::from_secs(120),
            probe: Duration::from_secs(15),
        }
    }
}

impl Timeouts {
    /// Limit on name resolution, TCP and TLS together.
    #[must_use]
    pub fn with_connect(mut self, limit: Duration) -> Self {
        self.connect = limit;
        self
    }

    /// Limit on one answer.
    #[must_use]
    pub fn with_operation(mut self, limit: Duration) -> Self {
        self.operation = limit;
        self
    }

    /// Limit on the first entry of a page.
    #[must_use]
    pub fn with_first_page(mut self, limit: Duration) -> Self {
        self.first_page = limit;
        self
    }

    /// Limit on asking one domain controller whether it holds a value.
    #[must_use]
    pub fn with_probe(mut self, limit: Duration) -> Self {
        self.probe = limit;
        self
    }
}

#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) security: LdapSecurity,
    pub(crate) tls: Arc<ClientConfig>,
    pub(crate) bind: BindMethod,
    /// The site whose domain controllers are preferred.
    pub(crate) site: Option<String>,
    /// Whom to ask for addresses, instead of whom the machine asks.
    #[cfg(feature = "dns")]
    pub(crate) name_server: Option<SocketAddr>,
    pub(crate) timeouts: Timeouts,
    pub(crate) page_size: u32,
    /// Changes under way at a time on one server, at most.
    pub(crate) max_in_flight: usize,
    pub(crate) changes_per_second: Option<f64>,
    /// Addresses to dial instead of resolving a host name (in lower case).
    pub(crate) addresses: HashMap<(String, Service), SocketAddr>,
    pub(crate) clock: Arc<dyn Clock>,
    /// Why the credentials were refused. Once they were, they are not sent again: retries lock the account.
    pub(crate) refused: Mutex<Option<ExchangeError>>,
}

impl Settings {
    /// Where to dial for a host, if that was said; a directory's address also tells the global catalog's.
    pub(crate) fn address(&self, host: &str, service: Service) -> Option<SocketAddr> {
        let host = host.to_ascii_lowercase();
        if let Some(address) = self.addresses.get(&(host.clone(), service)) {
            return Some(*address);
        }
        let mut address = *self.addresses.get(&(host, Service::Directory))?;
        address.set_port(service.port(self.security));
        Some(address)
    }

    /// Why the credentials must not be sent again, if they were refused.
    pub(crate) fn refusal(&self) -> Option<ExchangeError> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Remembers a refused bind, unless it says that this one server could not check the password.
    pub(crate) fn remember_refusal(&self, error: &ExchangeError) {
        if error.has_code(INVALID_CREDENTIALS) && !error.diagnostic().contains("data 51f") {
            *self.refused.lock().unwrap_or_else(PoisonError::into_inner) = Some(error.clone());
        }
    }
}
