//! The public DNS of the lab: what was published by hand, beside the records of a tenant and of a forest.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use onramp_core::dns::{Dns, DnsRecord, DnsRecordType};
use onramp_core::{DomainName, Error, ErrorKind, Result};

use crate::forest::LabForest;
use crate::tenant::LabTenant;

/// The port of LDAP.
const LDAP: u16 = 389;

/// A name server in memory. Cheap to clone; clones share their records.
///
/// It has the records that a [`LabTenant`] was told of, the `SRV` records of the domain controllers of a [`LabForest`], and
/// those that are published here.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> onramp_core::Result<()> {
/// use onramp_core::dns::{Dns, DnsRecord, DnsRecordType};
/// use onramp_lab::dns::LabDns;
///
/// let dns = LabDns::new();
/// dns.publish("contoso.com", DnsRecord::Txt { text: "hello".into() });
/// assert_eq!(dns.lookup("Contoso.com.", DnsRecordType::Txt).await?.len(), 1);
/// assert!(dns.lookup("contoso.com", DnsRecordType::Mx).await?.is_empty());
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, Default)]
pub struct LabDns {
    tenant: Option<LabTenant>,
    forest: Option<LabForest>,
    zone: Arc<Mutex<Zone>>,
}

#[derive(Debug, Default)]
struct Zone {
    records: BTreeMap<String, Vec<DnsRecord>>,
    /// Names at which the records of tenant and forest do not stand any more.
    withdrawn: BTreeSet<String>,
    is_silent: bool,
}

impl LabDns {
    /// Creates a name server without records.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the verification records that a tenant was told of.
    #[must_use]
    pub fn with_tenant(mut self, tenant: &LabTenant) -> Self {
        self.tenant = Some(tenant.clone());
        self
    }

    /// Adds the `SRV` records that the domain controllers of a forest register.
    #[must_use]
    pub fn with_forest(mut self, forest: &LabForest) -> Self {
        self.forest = Some(forest.clone());
        self
    }

    /// Publishes a record.
    pub fn publish(&self, name: &str, record: DnsRecord) {
        self.zone().records.entry(canonical(name)).or_default().push(record);
    }

    /// Publishes every record that the tenant of this name server needs for a domain.
    ///
    /// # Errors
    /// Those of the tenant; `NotFound` without a tenant.
    pub async fn publish_services(&self, domain: &DomainName) -> Result<()> {
        let ports = self.tenant.as_ref().and_then(|tenant| tenant.tenant().service_records);
        let ports = ports.ok_or_else(|| {
            Error::new(ErrorKind::NotFound, "publish the service records of").with_object(domain)
        })?;
        for record in ports.service_records(domain).await? {
            self.publish(&record.label, record.record);
        }
        Ok(())
    }

    /// Takes every record of a name out of DNS, those of tenant and forest included. Others can be published after it.
    pub fn withdraw(&self, name: &str) {
        let mut zone = self.zone();
        zone.records.remove(&canonical(name));
        zone.withdrawn.insert(canonical(name));
    }

    /// Lets every lookup fail as with a name server that does not answer, or no longer.
    pub fn set_silent(&self, is_silent: bool) {
        self.zone().is_silent = is_silent;
    }

    fn zone(&self) -> MutexGuard<'_, Zone> {
        self.zone.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn records_at(&self, name: &str) -> Result<Vec<DnsRecord>> {
        let mut found = {
            let zone = self.zone();
            if zone.is_silent {
                return Err(Error::new(ErrorKind::Unavailable, "look up in DNS")
                    .with_object(name)
                    .with_detail("the name server does not answer"));
            }
            let published = zone.records.get(name).cloned().unwrap_or_default();
            if zone.withdrawn.contains(name) {
                return Ok(published);
            }
            published
        };
        found.extend(self.tenant.iter().flat_map(|tenant| tenant.dns_records(name)));
        found.extend(self.forest.iter().flat_map(|forest| locator_records(forest, name)));
        Ok(found)
    }
}

#[async_trait]
impl Dns for LabDns {
    async fn lookup(&self, name: &str, record_type: DnsRecordType) -> Result<Vec<DnsRecord>> {
        let name = canonical(name);
        let is_label = |label: &str| (1..=63).contains(&label.len());
        if name.len() > 253 || !name.split('.').all(is_label) {
            return Err(Error::new(ErrorKind::Invalid, "look up in DNS")
                .with_object(&name)
                .with_detail("it is no name of a host or a service"));
        }
        let mut found = self.records_at(&name)?;
        found.retain(|record| record.record_type() == record_type);
        Ok(found)
    }
}

/// Returns the records of the writable domain controllers of the domain that a name is about ([MS-ADTS] 6.3.2.3).
fn locator_records(forest: &LabForest, name: &str) -> Vec<DnsRecord> {
    let Some(domain) = name.strip_prefix("_ldap._tcp.dc._msdcs.") else { return Vec::new() };
    let record = |target: String| DnsRecord::Srv { priority: 0, weight: 100, port: LDAP, target };
    forest.controllers_of(domain).into_iter().map(record).collect()
}

fn canonical(name: &str) -> String {
    name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase()
}
