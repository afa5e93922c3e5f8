//! The address of a service: host, port and the kind of service.

use crate::ldap::security::LdapSecurity;

/// A service of a domain controller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Service {
    /// The directory: the naming contexts that the domain controller holds in full.
    Directory,
    /// The global catalog: some attributes of every object of the forest.
    GlobalCatalog,
}

impl Service {
    /// Returns the standard port of the service.
    pub(crate) fn port(self, security: LdapSecurity) -> u16 {
        match self {
            Self::Directory => security.port(),
            Self::GlobalCatalog => security.global_catalog_port(),
        }
    }
}

/// A service of one host.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Endpoint {
    /// The host name, in lower case.
    pub(crate) host: String,
    /// The port, if it is not the standard one.
    pub(crate) port: Option<u16>,
    pub(crate) service: Service,
}

impl Endpoint {
    /// Creates the endpoint of the directory on a host, at the standard port.
    pub(crate) fn directory(host: &str) -> Self {
        Self { host: host.to_ascii_lowercase(), port: None, service: Service::Directory }
    }

    /// Returns true if the endpoint is on that host.
    pub(crate) fn is_on(&self, host: &str) -> bool {
        self.host.eq_ignore_ascii_case(host)
    }
}
