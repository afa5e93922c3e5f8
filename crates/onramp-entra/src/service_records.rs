//! The DNS records that the services of a domain need, over Graph.

use async_trait::async_trait;
use onramp_core::dns::DnsRecord;
use onramp_core::tenant::{ServiceRecord, ServiceRecords};
use onramp_core::{DomainName, Result};
use onramp_graph::GraphClient;
use onramp_graph::http::Request;
use onramp_graph::reqwest::Method;
use serde::Deserialize;

const READ: &str = "Domain.Read.All";
/// The time to live of a record that does not tell it.
const HOUR: u32 = 3600;

/// [`ServiceRecords`] on Microsoft Graph v1.0.
///
/// | method | least permission, delegated and application |
/// |---|---|
/// | `service_records` | Domain.Read.All |
#[derive(Debug, Clone)]
pub struct EntraServiceRecords(pub(crate) GraphClient);

#[async_trait]
impl ServiceRecords for EntraServiceRecords {
    /// `GET /domains/{name}/serviceConfigurationRecords`. Domain.Read.All. A record that the service could not tell
    /// (`domainDnsUnavailableRecord`) is left out.
    async fn service_records(&self, domain: &DomainName) -> Result<Vec<ServiceRecord>> {
        let path = ["v1.0", "domains", domain.ascii(), "serviceConfigurationRecords"];
        let url = self.0.endpoints().graph().url(&path)?;
        let request = Request::new("read the service records of", Method::GET, url)
            .object(domain)
            .refers_to(domain.ascii())
            .needs(READ);
        let records: Vec<RecordJson> = self.0.list_all(request).await?;
        Ok(records.into_iter().filter_map(|record| record.into_record(domain)).collect())
    }
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct RecordJson {
    #[serde(rename = "@odata.type")]
    kind: String,
    label: Option<String>,
    ttl: Option<u32>,
    is_optional: Option<bool>,
    supported_service: Option<String>,
    text: Option<String>,
    mail_exchange: Option<String>,
    preference: Option<u16>,
    canonical_name: Option<String>,
    service: Option<String>,
    protocol: Option<String>,
    priority: Option<u16>,
    weight: Option<u16>,
    port: Option<u16>,
    name_target: Option<String>,
}

impl RecordJson {
    fn into_record(self, domain: &DomainName) -> Option<ServiceRecord> {
        let kind = self.kind.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
        let mut label = whole(self.label.as_deref().unwrap_or_default(), domain);
        let record = match kind.as_str() {
            "domaindnstxtrecord" => DnsRecord::Txt { text: self.text? },
            "domaindnsmxrecord" => DnsRecord::Mx {
                preference: self.preference.unwrap_or_default(),
                exchange: self.mail_exchange?,
            },
            "domaindnscnamerecord" => DnsRecord::Cname { target: self.canonical_name? },
            "domaindnssrvrecord" => {
                if !label.starts_with('_') {
                    label = format!("{}.{}.{label}", self.service?, self.protocol?);
                }
                DnsRecord::Srv {
                    priority: self.priority.unwrap_or_default(),
                    weight: self.weight.unwrap_or_default(),
                    port: self.port?,
                    target: self.name_target?,
                }
            }
            _ => return None,
        };
        let service = self.supported_service.filter(|service| !service.is_empty());
        let mut found = ServiceRecord::new(label, record, service.unwrap_or_else(|| "unknown".to_owned()));
        found.is_optional = self.is_optional.unwrap_or_default();
        found.ttl = self.ttl.unwrap_or(HOUR);
        Some(found)
    }
}

/// Returns the whole name of a record whose label may be relative to its domain, with `@` for the domain itself.
fn whole(label: &str, domain: &DomainName) -> String {
    let (label, domain) = (label.trim_end_matches('.').to_ascii_lowercase(), domain.ascii());
    match label.as_str() {
        "" | "@" => domain.to_owned(),
        _ if label == domain || label.ends_with(&format!(".{domain}")) => label,
        _ => format!("{label}.{domain}"),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    #[test]
    fn records_of_each_kind_are_read_with_whole_names() {
        let domain = DomainName::parse("contoso.com").unwrap();
        let read = |json: &str| {
            let record: RecordJson = serde_json::from_str(json).unwrap();
            record.into_record(&domain).map(|record| record.to_string())
        };
        for (json, expected) in [
            (
                r##"{"@odata.type":"#microsoft.graph.domainDnsMxRecord","label":"contoso.com","ttl":60,
                    "mailExchange":"contoso-com.mail.protection.outlook.com","preference":0}"##,
                Some("contoso.com. 60 IN MX 0 contoso-com.mail.protection.outlook.com."),
            ),
            (
                r##"{"@odata.type":"#microsoft.graph.domainDnsCnameRecord","label":"autodiscover",
                    "canonicalName":"autodiscover.outlook.com"}"##,
                Some("autodiscover.contoso.com. 3600 IN CNAME autodiscover.outlook.com."),
            ),
            (
                r##"{"@odata.type":"#microsoft.graph.domainDnsSrvRecord","label":"@","service":"_sip",
                    "protocol":"_tls","port":443,"priority":100,"weight":1,"nameTarget":"sipdir.online.lync.com"}"##,
                Some("_sip._tls.contoso.com. 3600 IN SRV 100 1 443 sipdir.online.lync.com."),
            ),
            (
                r##"{"@odata.type":"#microsoft.graph.domainDnsTxtRecord","label":"Contoso.com.","text":"v=spf1"}"##,
                Some("contoso.com. 3600 IN TXT \"v=spf1\""),
            ),
            (r##"{"@odata.type":"#microsoft.graph.domainDnsUnavailableRecord","description":"?"}"##, None),
            (r##"{"@odata.type":"#microsoft.graph.domainDnsTxtRecord","label":"contoso.com"}"##, None),
        ] {
            assert_eq!(read(json).as_deref(), expected, "{json}");
        }
    }
}
