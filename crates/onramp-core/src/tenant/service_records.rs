//! The DNS records that the services of a domain need.

use std::fmt::{self, Debug};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::dns::DnsRecord;
use crate::{DomainName, Result};

/// A DNS record that a service needs, such as mail or the registration of devices.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ServiceRecord {
    /// The whole name of the record, such as `autodiscover.contoso.com`.
    pub label: String,
    /// The data.
    pub record: DnsRecord,
    /// The service, as Graph names it: `Email`, `OfficeCommunicationsOnline`, `Intune`.
    pub service: String,
    /// True if the service works without it.
    pub is_optional: bool,
    /// The time to live in seconds.
    pub ttl: u32,
}

impl ServiceRecord {
    /// Creates a record that its service needs, with a time to live of an hour.
    pub fn new(label: impl Into<String>, record: DnsRecord, service: impl Into<String>) -> Self {
        Self { label: label.into(), record, service: service.into(), is_optional: false, ttl: 3600 }
    }
}

impl fmt::Display for ServiceRecord {
    /// One line in the form of a zone file.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}. {} IN {}", self.label.trim_end_matches('.'), self.ttl, self.record)
    }
}

/// The port of the DNS records that the services of a domain need.
///
/// It is optional: where a [`Tenant`](crate::Tenant) has none, nobody can tell what is missing in DNS.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait ServiceRecords: Debug + Send + Sync {
    /// Returns the records for the services that the domain is used for. Kinds of records that are not known are left out.
    ///
    /// # Errors
    /// `NotFound` if the tenant does not have the domain; `Forbidden`.
    async fn service_records(&self, domain: &DomainName) -> Result<Vec<ServiceRecord>>;
}
