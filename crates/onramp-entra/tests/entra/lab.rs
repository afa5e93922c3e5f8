//! The whole port surface against the laboratory's tenant, over TLS.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use onramp_core::contract::{self, Patience, PublishRecords, TenantFixture};
use onramp_core::tenant::VerificationRecord;
use onramp_core::{DomainName, ErrorKind, ManualClock, Result};
use onramp_entra::{ClientSecret, Endpoints, EntraClient, EntraClientBuilder, WireRecorder};
use onramp_lab::tenant::{Consistency, Fault, FaultAction, LabTenant, LabTenantServer};
use onramp_lab::tls::LabCa;

#[derive(Debug)]
struct LabDns(LabTenant);

#[async_trait]
impl PublishRecords for LabDns {
    async fn publish(&self, domain: &DomainName, records: &[VerificationRecord]) -> Result<()> {
        for record in records {
            if let VerificationRecord::Txt { text, .. } = record {
                self.0.publish_txt(domain.as_str(), text);
            }
        }
        Ok(())
    }
}

struct Lab {
    lab: LabTenant,
    server: LabTenantServer,
    ca: LabCa,
    clock: Arc<ManualClock>,
}

impl Lab {
    async fn start(consistency: Consistency) -> Self {
        let clock = Arc::new(ManualClock::default());
        let lab = LabTenant::builder()
            .users(1200)
            .subscriptions(2)
            .seed(3)
            .consistency(consistency)
            .clock(clock.clone())
            .build()
            .unwrap();
        let ca = LabCa::new().unwrap();
        let server = lab.serve(&ca, ([127, 0, 0, 1], 0).into()).await.unwrap();
        Self { lab, server, ca, clock }
    }

    fn builder(&self) -> EntraClientBuilder {
        let credentials = self.lab.credentials();
        let base = self.server.base_url();
        let secret = ClientSecret::new(credentials.client_id.to_string(), credentials.client_secret.clone());
        EntraClient::builder(secret)
            .tenant(credentials.tenant_id.to_string())
            .endpoints(Endpoints::new(base, base, base).unwrap())
            .clock(self.clock.clone())
            .probe_client_id(credentials.public_client_id.to_string())
    }

    fn client(&self) -> EntraClientBuilder {
        self.builder().trust_root_pem(self.ca.certificate_pem())
    }

    fn fixture(&self, tag: &str) -> TenantFixture {
        let domain = DomainName::parse(&self.lab.initial_domain()).unwrap();
        TenantFixture::new(tag, domain, Patience::new(self.clock.clone()))
            .with_records(Arc::new(LabDns(self.lab.clone())))
            .with_subscription(self.lab.subscription_ids()[0])
            .with_sync_switching()
            .with_sign_in()
    }
}

#[tokio::test]
async fn the_client_keeps_the_contract_of_every_port() {
    let lab = Lab::start(Consistency::Immediate).await;
    // To look at what was sent, name a file here.
    let recorder = match std::env::var_os("ONRAMP_WIRE_HAR") {
        Some(path) => WireRecorder::to_file(path).unwrap(),
        None => WireRecorder::in_memory(),
    };
    let client = lab.client().recorder(recorder.clone()).build().unwrap();
    contract::tenant::run(&client.tenant(), &lab.fixture("entra")).await;
    let recording = recorder.archive().unwrap();
    assert!(!recording.contains(lab.lab.credentials().client_secret.expose()));
}

#[tokio::test]
async fn the_client_keeps_the_contract_when_everything_new_shows_late() {
    let lab = Lab::start(Consistency::Within(Duration::from_secs(60))).await;
    let client = lab.client().build().unwrap();
    contract::tenant::run(&client.tenant(), &lab.fixture("late")).await;
}

#[tokio::test]
async fn the_client_keeps_the_contract_while_the_service_stumbles() {
    let lab = Lab::start(Consistency::AfterRequests(2)).await;
    lab.lab.add_fault(Fault::on("POST", "/v1.0/domains", FaultAction::cut_after()));
    for (method, path, action) in [
        ("GET", "*", FaultAction::status(503)),
        ("POST", "/v1.0/users", FaultAction::cut_after()),
        ("POST", "/v1.0/roleManagement/*", FaultAction::cut_after()),
        ("PUT", "/subscriptions/*", FaultAction::cut_after()),
        ("PATCH", "*", FaultAction::throttle(Duration::from_secs(20))),
        ("DELETE", "*", FaultAction::cut_after()),
        ("*", "*", FaultAction::status(401)),
    ] {
        lab.lab.add_fault(Fault::on(method, path, action).from_nth(2));
    }
    let client = lab.client().build().unwrap();
    contract::tenant::run(&client.tenant(), &lab.fixture("faults")).await;
}

#[tokio::test]
async fn a_server_that_nobody_vouches_for_is_not_talked_to() {
    let lab = Lab::start(Consistency::Immediate).await;
    let other = LabCa::new().unwrap();
    let client = lab.builder().trust_root_pem(other.certificate_pem()).build().unwrap();
    let error = client.tenant().domains.list().await.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Invalid);
    assert!(error.to_string().contains("certificate"), "{error}");
    assert!(lab.lab.requests().is_empty());

    let nonsense = lab.builder().trust_root_pem("no certificate at all").build().unwrap_err();
    assert!(nonsense.to_string().contains("no certificate"), "{nonsense}");
}
