//! The program `check` over the real protocols of a lab: Graph, LDAPS and DNS.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::net::SocketAddr;
use std::process::{Command, Output};
use std::time::Duration;

use hickory_resolver::proto::op::{Message, ResponseCode};
use hickory_resolver::proto::rr::rdata::{CNAME, MX, SRV, TXT};
use hickory_resolver::proto::rr::{Name, RData, Record, RecordType};
use hickory_resolver::proto::serialize::binary::{BinDecodable, BinEncodable};
use onramp::preflight::{ItemStatus, Preflight, catalog};
use onramp_core::conformance::dns;
use onramp_core::dns::{Dns, DnsRecord, DnsRecordType};
use onramp_core::tenant::DeletionPrevention;
use onramp_core::{Clock, DistinguishedName, DomainName, SystemClock};
use onramp_lab::dns::LabDns;
use onramp_lab::forest::{LabForest, LabForestServers, Login, Vendor};
use onramp_lab::tenant::{ConditionalAccess, LabTenant, LabTenantBuilder, LabTenantServer};
use onramp_lab::tls::LabCa;
use tokio::net::UdpSocket;

const SPEC: &str = r#"
[spec]
domain = "contoso.com"
[spec.users]
[spec.sync]
enable = true
[spec.service_account]
upn = "onramp-sync@contoso.com"
"#;

/// A lab with its servers, and a configuration file for them.
struct Lab {
    tenant: LabTenant,
    forest: LabForest,
    dns: LabDns,
    name_server: SocketAddr,
    folder: tempfile::TempDir,
    forest_servers: LabForestServers,
    tenant_server: LabTenantServer,
}

impl Lab {
    /// Starts three domain controllers that are in step, and a tenant with the verified domain.
    async fn start(tenant: impl FnOnce(LabTenantBuilder) -> LabTenantBuilder) -> Self {
        let domain = DomainName::parse("contoso.com").unwrap();
        let builder = LabTenant::builder().verified_domain(domain.clone()).users(5);
        let builder = builder.sync_enabled(Some(true)).app_only_sync_features(true);
        let tenant = tenant(builder).build().unwrap();
        let forest = LabForest::builder().users(30).controllers(3).vendor(Vendor::Windows).build().unwrap();
        let guest = forest.find_account("Guest").unwrap();
        for host in forest.controllers() {
            forest.set_on(&host, &guest, "description", &[&format!("written on {host}")]).unwrap();
        }
        let ca = LabCa::new().unwrap();
        let forest_servers = forest.serve(&ca).await.unwrap();
        let tenant_server = tenant.serve(&ca, ([127, 0, 0, 1], 0).into()).await.unwrap();
        let dns = LabDns::new().with_tenant(&tenant).with_forest(&forest);
        dns.publish_services(&domain).await.unwrap();
        let name_server = serve(dns.clone()).await;
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("ca.pem"), ca.certificate_pem()).unwrap();
        Self { tenant, forest, dns, name_server, folder, forest_servers, tenant_server }
    }

    fn set_in_configuration(&self, rdns: &str, attribute: &str, values: &[&str]) {
        let dn = format!("{rdns},CN=Configuration,DC=corp,DC=local");
        let object = self.forest.find(&DistinguishedName::parse(&dn).unwrap()).unwrap();
        self.forest.set_on("dc1.corp.local", &object, attribute, values).unwrap();
    }

    /// Runs the program as an account of the forest, with further lines of configuration.
    async fn check(&self, login: &Login, policy: &str, arguments: &[&str]) -> Output {
        let (credentials, base) = (self.tenant.credentials(), self.tenant_server.base_url());
        let addresses = self.forest_servers.controllers().iter();
        let addresses: String =
            addresses.map(|one| format!("\"{}\" = \"{}\"\n", one.host, one.ldaps)).collect();
        let config = format!(
            "[tenant]\nid = '{}'\nclient_id = '{}'\nclient_secret = {{ env = 'TENANT_SECRET' }}\ntrust_root = 'ca.pem'\n\
             endpoints = {{ graph = '{base}', arm = '{base}', login = '{base}' }}\n\
             [forest]\nhost = 'dc1.corp.local'\nbind = '{}'\npassword = {{ env = 'FOREST_SECRET' }}\ntrust_root = 'ca.pem'\n\
             [forest.addresses]\n{addresses}[dns]\nserver = '{}'\n{policy}\n{SPEC}",
            credentials.tenant_id, credentials.client_id, login.name, self.name_server,
        );
        std::fs::write(self.folder.path().join("onboard.toml"), config).unwrap();
        let mut program = Command::new(env!("CARGO_BIN_EXE_onramp"));
        program.arg("check").args(arguments).current_dir(self.folder.path());
        program.env("TENANT_SECRET", credentials.client_secret.expose());
        program.env("FOREST_SECRET", login.password.expose());
        tokio::task::spawn_blocking(move || program.output().unwrap()).await.unwrap()
    }
}

/// Serves the records over UDP.
async fn serve(records: LabDns) -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    tokio::spawn(async move {
        let mut buffer = [0; 4096];
        while let Ok((length, peer)) = socket.recv_from(&mut buffer).await {
            let request = Message::from_bytes(&buffer[..length]).unwrap();
            let query = request.queries[0].clone();
            let mut response = Message::response(request.metadata.id, request.metadata.op_code);
            response.add_query(query.clone());
            let record_type = match query.query_type() {
                RecordType::TXT => Some(DnsRecordType::Txt),
                RecordType::MX => Some(DnsRecordType::Mx),
                RecordType::CNAME => Some(DnsRecordType::Cname),
                RecordType::SRV => Some(DnsRecordType::Srv),
                _ => None,
            };
            if let Some(record_type) = record_type {
                match records.lookup(&query.name().to_ascii(), record_type).await {
                    Ok(found) => found.iter().map(data).for_each(|data| {
                        response.add_answer(Record::from_rdata(query.name().clone(), 60, data));
                    }),
                    Err(_) => response.metadata.response_code = ResponseCode::ServFail,
                }
            }
            if response.answers.is_empty() && response.metadata.response_code == ResponseCode::NoError {
                response.metadata.response_code = ResponseCode::NXDomain;
            }
            socket.send_to(&response.to_bytes().unwrap(), peer).await.unwrap();
        }
    });
    address
}

fn data(record: &DnsRecord) -> RData {
    let name = |host: &str| Name::from_ascii(format!("{}.", host.trim_end_matches('.'))).unwrap();
    match record {
        DnsRecord::Txt { text } => {
            // A text is sent in parts of at most 255 bytes.
            let parts = text.as_bytes().chunks(255).map(|part| String::from_utf8(part.to_vec()).unwrap());
            RData::TXT(TXT::new(parts.collect()))
        }
        DnsRecord::Mx { preference, exchange } => RData::MX(MX::new(*preference, name(exchange))),
        DnsRecord::Cname { target } => RData::CNAME(CNAME(name(target))),
        DnsRecord::Srv { priority, weight, port, target } => {
            RData::SRV(SRV::new(*priority, *weight, *port, name(target)))
        }
        other => panic!("{other}"),
    }
}

fn text(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap() + &String::from_utf8(output.stderr.clone()).unwrap()
}

fn ids(preflight: &Preflight, status: ItemStatus) -> Vec<&str> {
    preflight.with_status(status).map(|item| item.id.as_str()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_resolver_keeps_the_contract() {
    let zone = LabDns::new();
    let long = format!("v=DKIM1; p={}", "A".repeat(400));
    let target = "autodiscover.outlook.com".to_owned();
    let records = [
        ("contoso.com".to_owned(), DnsRecord::Txt { text: long }),
        ("contoso.com".to_owned(), DnsRecord::Mx { preference: 5, exchange: "mail.contoso.com".into() }),
        ("autodiscover.contoso.com".to_owned(), DnsRecord::Cname { target: target.clone() }),
        ("_sip._tls.contoso.com".to_owned(), DnsRecord::Srv { priority: 1, weight: 2, port: 443, target }),
    ];
    for (name, record) in &records {
        zone.publish(name, record.clone());
    }
    let resolver = onramp::SystemDns::at(serve(zone.clone()).await).unwrap();
    dns::run(&resolver, &records, "nowhere.contoso.com").await;
    zone.set_silent(true);
    let error = resolver.lookup("other.contoso.com", DnsRecordType::Txt).await.unwrap_err();
    assert_eq!(error.kind(), onramp_core::ErrorKind::Unavailable);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sound_lab_is_checked_over_its_protocols_and_nothing_fails() {
    let lab = Lab::start(|tenant| tenant).await;
    let login = lab.forest.administrator();
    let output = lab.check(&login, "", &["--json"]).await;
    let preflight: Preflight =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", text(&output)));
    let others: Vec<_> = preflight.items.iter().filter(|item| item.status != ItemStatus::Pass).collect();
    assert!(others.is_empty(), "{others:#?}");
    assert_eq!(preflight.items.len(), catalog().len());
    assert_eq!(output.status.code(), Some(0));
    let shown = text(&lab.check(&login, "", &[]).await);
    assert!(shown.contains("0 fail, 0 warn, 0 cannot be told, 30 pass"), "{shown}");
    assert!(!shown.contains("time-skew"), "what passes is shown on demand: {shown}");
    let shown = text(&lab.check(&login, "", &["--all"]).await);
    assert!(shown.contains("time-skew (forest)"), "{shown}");
    assert!(lab.tenant.requests().iter().all(|one| one.method == "GET" || one.path.ends_with("/token")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lab_with_twenty_three_things_wrong_is_checked_over_its_protocols_and_all_are_found() {
    let now = SystemClock::new().now();
    let lab = Lab::start(|tenant| {
        tenant
            .sync_enabled(Some(false))
            .last_sync(now - time::Duration::hours(2))
            .secret_expires(now + time::Duration::days(3))
            .security_defaults(true)
            .conditional_access(ConditionalAccess::block("\u{1b}[2Jblock"))
            .sync_feature("blockCloudObjectTakeoverThroughHardMatchEnabled", true)
            .sync_feature("allowOnPremUpdateOfOnPremisesObjectIdentifierEnabled", true)
            .deletion_prevention(DeletionPrevention::Disabled)
    })
    .await;
    for permission in
        ["Domain.ReadWrite.All", "Organization.ReadWrite.All", "RoleManagement.ReadWrite.Directory"]
    {
        lab.tenant.take_permission(permission).unwrap();
    }
    lab.dns.withdraw("_sipfederationtls._tcp.contoso.com");
    lab.dns.withdraw("_ldap._tcp.dc._msdcs.corp.local");
    let only = DnsRecord::Srv { priority: 0, weight: 100, port: 389, target: "dc1.corp.local".into() };
    lab.dns.publish("_ldap._tcp.dc._msdcs.corp.local", only);
    let service = "CN=Directory Service,CN=Windows NT,CN=Services";
    lab.set_in_configuration(service, "tombstoneLifetime", &["30"]);
    lab.set_in_configuration(service, "dSHeuristics", &["000000000100000000021"]);
    lab.set_in_configuration("CN=Partitions", "msDS-Behavior-Version", &["0"]);
    lab.set_in_configuration("CN=Schema", "objectVersion", &["13"]);
    let gone = "CN=NTDS Settings,CN=DC9,CN=Servers,CN=Default-First-Site-Name,CN=Sites,CN=Configuration,DC=corp,DC=local";
    lab.set_in_configuration("CN=Partitions", "fSMORoleOwner", &[gone]);
    let settings = "CN=NTDS Settings,CN=DC2,CN=Servers,CN=Default-First-Site-Name,CN=Sites";
    lab.set_in_configuration(settings, "options", &["3"]);
    lab.forest.set_clock_offset("dc2.corp.local", time::Duration::minutes(-11)).unwrap();
    lab.forest.stop_controller("dc3.corp.local").unwrap();

    let login = lab.forest.plain_user().unwrap();
    let output = lab.check(&login, "", &["--json"]).await;
    let preflight: Preflight =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", text(&output)));
    let expected = [
        "tenant-rights-read",
        "tenant-rights-domain",
        "tenant-rights-sync",
        "tenant-rights-service-account",
        "secret-expiry",
        "security-defaults",
        "conditional-access",
        "hard-match-block",
        "hard-match-bypass",
        "deletion-threshold",
        "sync-switching-off",
        "forest-rights-suffix",
        "forest-rights-users",
        "domain-controllers",
        "time-skew",
        "replication-health",
        "fsmo-roles",
        "functional-level",
        "schema-version",
        "tombstone-lifetime",
        "upn-uniqueness",
        "service-records",
        "dc-locator-records",
    ];
    assert_eq!(ids(&preflight, ItemStatus::Fail), expected, "{:#?}", preflight.by_urgency());
    assert_eq!(ids(&preflight, ItemStatus::CannotTell), Vec::<&str>::new());
    assert_eq!(output.status.code(), Some(1));

    let output = lab.check(&login, "[policy]\npreflight = ['recycle-bin']", &[]).await;
    let shown = text(&output);
    assert_eq!(output.status.code(), Some(1), "what the policy names passes: {shown}");
    assert!(!shown.contains('\u{1b}'), "a hostile name moves no cursor: {shown}");
    assert!(shown.contains("\\u{1b}"), "{shown}");
    let lines: Vec<&str> = shown.lines().collect();
    assert!(lines[0].contains("23 fail"), "the totals come first: {shown}");
    assert!(lines[1].contains("tenant-rights-read"), "then what fails: {shown}");

    let output = lab.check(&login, "[policy]\npreflight = ['security-defaults']", &[]).await;
    assert_eq!(output.status.code(), Some(2), "{}", text(&output));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forest_that_does_not_answer_is_a_failing_item_and_no_error() {
    let lab = Lab::start(|tenant| tenant.latency(Duration::ZERO)).await;
    for host in lab.forest.controllers() {
        lab.forest.stop_controller(&host).unwrap();
    }
    let output = lab.check(&lab.forest.administrator(), "", &["--json"]).await;
    let preflight: Preflight =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", text(&output)));
    assert_eq!(ids(&preflight, ItemStatus::Fail), ["domain-controllers"]);
    assert!(ids(&preflight, ItemStatus::Pass).contains(&"service-records"));
    assert_eq!(output.status.code(), Some(1));
}
