//! The name server of the lab.

use onramp_core::conformance::dns;
use onramp_core::dns::{Dns, DnsRecord, DnsRecordType};
use onramp_core::{DomainName, ErrorKind};
use onramp_lab::dns::LabDns;
use onramp_lab::forest::{LabDomain, LabForest};
use onramp_lab::tenant::LabTenant;

#[tokio::test]
async fn the_name_server_keeps_the_contract() {
    let name_server = LabDns::new();
    let target = "autodiscover.outlook.com".to_owned();
    let records = [
        ("contoso.com".to_owned(), DnsRecord::Txt { text: "v=spf1 -all".into() }),
        ("contoso.com".to_owned(), DnsRecord::Mx { preference: 0, exchange: "mail.contoso.com".into() }),
        ("autodiscover.contoso.com".to_owned(), DnsRecord::Cname { target: target.clone() }),
        ("_sip._tls.contoso.com".to_owned(), DnsRecord::Srv { priority: 1, weight: 2, port: 443, target }),
    ];
    for (name, record) in &records {
        name_server.publish(name, record.clone());
    }
    dns::run(&name_server, &records, "nowhere.contoso.com").await;
}

#[tokio::test]
async fn records_of_tenant_and_forest_stand_in_it_until_they_are_withdrawn() {
    let domain = DomainName::parse("contoso.com").unwrap();
    let tenant = LabTenant::builder().verified_domain(domain.clone()).build().unwrap();
    let forest = LabForest::builder().controllers(2).add_domain(LabDomain::new("child.corp.local"));
    let forest = forest.users(5).build().unwrap();
    let dns = LabDns::new().with_tenant(&tenant).with_forest(&forest);
    let count = async |name: &str, kind| dns.lookup(name, kind).await.unwrap().len();

    assert_eq!(count("contoso.com", DnsRecordType::Mx).await, 0, "nothing is published by itself");
    dns.publish_services(&domain).await.unwrap();
    assert_eq!(count("contoso.com", DnsRecordType::Mx).await, 1);
    let text = tenant.publish_dns("contoso.com").unwrap();
    let texts = dns.lookup("contoso.com", DnsRecordType::Txt).await.unwrap();
    assert!(texts.contains(&DnsRecord::Txt { text }) && texts.len() == 2, "{texts:?}");

    assert_eq!(count("_ldap._tcp.dc._msdcs.corp.local", DnsRecordType::Srv).await, 2);
    assert_eq!(count("_ldap._tcp.dc._msdcs.child.corp.local", DnsRecordType::Srv).await, 1);
    dns.withdraw("_ldap._tcp.dc._msdcs.corp.local");
    assert_eq!(count("_ldap._tcp.dc._msdcs.corp.local", DnsRecordType::Srv).await, 0);
    dns.set_silent(true);
    let error = dns.lookup("contoso.com", DnsRecordType::Mx).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
}
