//! The settings that all connections of a client share.

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

/// The timeouts of a client.
///
/// They limit the network, so that they use the timer of tokio and not the [`Clock`], which measures the
/// waits between attempts.
///
/// ```
/// use std::time::Duration;
/// use onramp_ad::LdapTimeouts;
/// let timeouts = LdapTimeouts::default().with_connect(Duration::from_secs(3));
/// assert_eq!(timeouts.connect, Duration::from_secs(3));
/// assert_eq!(timeouts.operation, Duration::from_secs(30));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct LdapTimeouts {
    /// Name resolution, TCP and TLS together. The default is 10 s.
    pub connect: Duration,
    /// One answer: of a bind, a change, or the next entry of a page. The default is 30 s.
    pub operation: Duration,
    /// The first entry of a page, before which some servers compute the whole result. The default is 120 s.
    pub first_page: Duration,
    /// The lookup of a value on one domain controller, with the time to connect. The default is 15 s.
    pub probe: Duration,
}

impl Default for LdapTimeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            operation: Duration::from_secs(30),
            first_page: Duration::from_secs(120),
            probe: Duration::from_secs(15),
        }
    }
}

impl LdapTimeouts {
    /// Sets the limit on name resolution, TCP and TLS together.
    #[must_use]
    pub fn with_connect(mut self, limit: Duration) -> Self {
        self.connect = limit;
        self
    }

    /// Sets the limit on one answer.
    #[must_use]
    pub fn with_operation(mut self, limit: Duration) -> Self {
        self.operation = limit;
        self
    }

    /// Sets the limit on the first entry of a page.
    #[must_use]
    pub fn with_first_page(mut self, limit: Duration) -> Self {
        self.first_page = limit;
        self
    }

    /// Sets the limit on the lookup of a value on one domain controller.
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
    /// The preferred site.
    pub(crate) site: Option<String>,
    /// The name server to ask, instead of those of the operating system.
    #[cfg(feature = "dns")]
    pub(crate) name_server: Option<SocketAddr>,
    pub(crate) timeouts: LdapTimeouts,
    pub(crate) page_size: u32,
    /// The maximum number of changes in flight at one server.
    pub(crate) max_in_flight: usize,
    pub(crate) changes_per_second: Option<f64>,
    /// Addresses to connect to instead of name resolution, by host name in lower case.
    pub(crate) addresses: HashMap<(String, Service), SocketAddr>,
    pub(crate) clock: Arc<dyn Clock>,
    /// The error of the refused credentials. They are not sent again, since retries lock the account.
    pub(crate) refused: Mutex<Option<ExchangeError>>,
}

impl Settings {
    /// Returns the configured address of a service. The global catalog is at the IP address of the directory,
    /// unless it has its own.
    pub(crate) fn address(&self, host: &str, service: Service) -> Option<SocketAddr> {
        let host = host.to_ascii_lowercase();
        if let Some(address) = self.addresses.get(&(host.clone(), service)) {
            return Some(*address);
        }
        let mut address = *self.addresses.get(&(host, Service::Directory))?;
        address.set_port(service.port(self.security));
        Some(address)
    }

    /// Returns the error of the refused credentials, if they were refused.
    pub(crate) fn refusal(&self) -> Option<ExchangeError> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Records a refused bind, unless only this server could not check the password.
    pub(crate) fn remember_refusal(&self, error: &ExchangeError) {
        if error.has_code(INVALID_CREDENTIALS) && !error.diagnostic().contains("data 51f") {
            *self.refused.lock().unwrap_or_else(PoisonError::into_inner) = Some(error.clone());
        }
    }
}
