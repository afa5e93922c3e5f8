//! Custom domains: added, proven by a DNS record, removed.

use std::collections::{BTreeMap, BTreeSet};

use onramp_core::dns::DnsRecord;
use onramp_core::tenant::ServiceRecord;
use time::{Duration, OffsetDateTime};

use super::refusal::Refusal;
use crate::tenant::limits::consistency::Visibility;

/// The message of the service for a domain that is not verified.
pub(crate) const RECORD_MISSING: &str = "Cannot find the verification DNS record";

/// A domain of the tenant.
#[derive(Clone, Debug)]
pub(crate) struct Domain {
    pub(crate) name: String,
    pub(crate) is_verified: bool,
    pub(crate) is_initial: bool,
    pub(crate) is_default: bool,
    /// The number in the verification records, such as `ms12345678`.
    pub(crate) proof: String,
    pub(crate) txt_id: String,
    pub(crate) mx_id: String,
    pub(crate) federated: bool,
    pub(crate) added: OffsetDateTime,
    pub(crate) supported_services: Vec<String>,
    pub(crate) password_validity_days: Option<i32>,
    pub(crate) password_notification_days: Option<i32>,
    pub(crate) seen: Visibility,
}

impl Domain {
    /// Returns the text of the TXT record that proves the domain.
    pub(crate) fn txt(&self) -> String {
        format!("MS={}", self.proof)
    }

    /// Returns the host of the MX record that proves the domain.
    pub(crate) fn mail_exchange(&self) -> String {
        format!("{}.msv1.invalid", self.proof)
    }
}

impl Domain {
    /// Returns the records that the services of the domain need in DNS.
    pub(crate) fn service_records(&self) -> Vec<ServiceRecord> {
        let name = &self.name;
        let cname = |label: &str, target: &str, service: &str| {
            let record = DnsRecord::Cname { target: target.to_owned() };
            ServiceRecord::new(format!("{label}.{name}"), record, service)
        };
        let srv = |label: &str, port: u16, target: &str, service: &str| {
            let record = DnsRecord::Srv { priority: 100, weight: 1, port, target: target.to_owned() };
            ServiceRecord::new(format!("{label}.{name}"), record, service)
        };
        let of = |service: &str| {
            let text = "v=spf1 include:spf.protection.outlook.com -all".to_owned();
            let exchange = format!("{}.mail.protection.outlook.com", name.replace('.', "-"));
            match service {
                "Email" => vec![
                    ServiceRecord::new(name, DnsRecord::Mx { preference: 0, exchange }, service),
                    ServiceRecord::new(name, DnsRecord::Txt { text }, service),
                    cname("autodiscover", "autodiscover.outlook.com", service),
                ],
                "OfficeCommunicationsOnline" => vec![
                    srv("_sipfederationtls._tcp", 5061, "sipfed.online.lync.com", service),
                    optional(cname("lyncdiscover", "webdir.online.lync.com", service)),
                ],
                "Intune" => vec![
                    cname("enterpriseregistration", "enterpriseregistration.windows.net", service),
                    cname("enterpriseenrollment", "enterpriseenrollment.manage.microsoft.com", service),
                ],
                _ => Vec::new(),
            }
        };
        self.supported_services.iter().flat_map(|service| of(service)).collect()
    }
}

fn optional(mut record: ServiceRecord) -> ServiceRecord {
    record.is_optional = true;
    record
}

/// The words in which the service says that another tenant has a domain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum UsedElsewhere {
    /// `Unable to verify this domain because it is used elsewhere …`
    #[default]
    Plain,
    /// The same behind `Domain verification failed with the following error: `, as for a record that is missing.
    Wrapped,
}

impl UsedElsewhere {
    pub(crate) fn refusal(self, name: &str) -> Refusal {
        let why = format!(
            "Unable to verify this domain because it is used elsewhere in Office 365. Remove the verified domain {name} from the other service before adding it here."
        );
        Refusal::bad_request(match self {
            Self::Plain => why,
            Self::Wrapped => format!("Domain verification failed with the following error: '{why}'."),
        })
    }
}

/// The records of the lab's simulated public DNS.
#[derive(Clone, Debug, Default)]
pub(crate) struct Dns {
    txt: BTreeMap<String, BTreeSet<String>>,
    mx: BTreeMap<String, BTreeSet<String>>,
    /// Every verification record counts as published the moment it is handed out.
    pub(crate) auto_publish: bool,
    /// Every verification record counts as published so long after its domain was added.
    pub(crate) publish_after: Option<Duration>,
}

impl Dns {
    pub(crate) fn new(auto_publish: bool, publish_after: Option<std::time::Duration>) -> Self {
        let mut dns = Self { auto_publish, ..Self::default() };
        dns.publish_after(publish_after);
        dns
    }

    pub(crate) fn publish_after(&mut self, time: Option<std::time::Duration>) {
        // A time that is too long to be told is never reached.
        self.publish_after = time.map(|time| Duration::try_from(time).unwrap_or(Duration::MAX));
    }

    pub(crate) fn publish_txt(&mut self, name: &str, text: &str) {
        self.txt.entry(canonical(name)).or_default().insert(text.trim().to_owned());
    }

    pub(crate) fn publish_mx(&mut self, name: &str, exchange: &str) {
        self.mx.entry(canonical(name)).or_default().insert(canonical(exchange));
    }

    /// Returns the verification records that stand at a name.
    pub(crate) fn records(&self, name: &str) -> Vec<DnsRecord> {
        let name = canonical(name);
        let texts = self.txt.get(&name).into_iter().flatten();
        let texts = texts.map(|text| DnsRecord::Txt { text: text.clone() });
        let hosts = self.mx.get(&name).into_iter().flatten();
        // The preference that verification records have.
        let hosts = hosts.map(|host| DnsRecord::Mx { preference: 32_767, exchange: host.clone() });
        texts.chain(hosts).collect()
    }

    pub(crate) fn withdraw(&mut self, name: &str) {
        self.txt.remove(&canonical(name));
        self.mx.remove(&canonical(name));
    }

    pub(crate) fn proves(&self, domain: &Domain, now: OffsetDateTime) -> bool {
        let txt = self.txt.get(&domain.name).is_some_and(|texts| texts.contains(&domain.txt()));
        let mx = self.mx.get(&domain.name).is_some_and(|hosts| hosts.contains(&domain.mail_exchange()));
        let in_time = self.publish_after.is_some_and(|after| now - domain.added >= after);
        self.auto_publish || in_time || txt || mx
    }
}

/// The changes of a domain.
#[derive(Clone, Debug, Default)]
pub(crate) struct DomainPatch {
    pub(crate) is_default: Option<bool>,
    pub(crate) supported_services: Option<Vec<String>>,
    pub(crate) password_validity_days: Option<i32>,
    pub(crate) password_notification_days: Option<i32>,
}

/// Returns the name as the directory compares it: lower case, without a final dot.
pub(crate) fn canonical(name: &str) -> String {
    name.trim().trim_end_matches('.').to_ascii_lowercase()
}
