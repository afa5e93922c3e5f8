//! The application identity over the tenant's real protocol: made, interrupted at each request, finished, rotated and undone, with
//! exactly one of each object in the end.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use futures_util::TryStreamExt;
use onramp::{
    ApplicationPurpose, ApplicationSpec, ApprovedPlan, CertificateGenerator, CertificateRequest, History,
    MemoryJournal, MemorySecretStore, Onramp, Plan, RecordedRun, SecretStore, Spec, UndoSelection, plan,
};
use onramp_core::tenant::AppRole;
use onramp_core::{Clock, ManualClock, Password, Result};
use onramp_entra::{ClientSecret, Endpoints, EntraClient, RetryPolicy};
use onramp_lab::forest::LabForest;
use onramp_lab::tenant::{Fault, FaultAction, LabTenant, LabTenantServer};
use onramp_lab::tls::LabCa;

const NAME: &str = "onramp-entra-connect";

/// A generator whose certificates differ and have the same key, because to make one takes a second.
#[derive(Debug)]
struct QuickCertificates;

#[async_trait::async_trait]
impl CertificateGenerator for QuickCertificates {
    async fn generate(&self, request: &CertificateRequest) -> Result<Password> {
        const KEY: &str = include_str!("../../crates/onramp/tests/data/application.key");
        let key = rcgen::KeyPair::from_pem_and_sign_algo(KEY, &rcgen::PKCS_RSA_SHA256).unwrap();
        let mut params = rcgen::CertificateParams::default();
        params.distinguished_name.push(rcgen::DnType::CommonName, &request.name);
        params.not_before = request.not_before;
        params.not_after = request.not_after;
        let certificate = params.self_signed(&key).unwrap();
        Ok(Password::new(format!("{}{}", certificate.pem().replace('\r', ""), KEY.trim_end())))
    }
}

struct World {
    tenant: LabTenant,
    clock: Arc<ManualClock>,
    entra: EntraClient,
    onramp: Onramp,
    secrets: MemorySecretStore,
    journal: MemoryJournal,
    _server: LabTenantServer,
}

fn spec() -> Spec {
    Spec::new("contoso.com".parse().unwrap())
        .with_sync()
        .with_application(ApplicationSpec::new(ApplicationPurpose::EntraConnect))
}

fn rotating(remove_old: bool) -> Spec {
    let application = ApplicationSpec::new(ApplicationPurpose::EntraConnect);
    let application = match remove_old {
        true => application.with_old_certificates_removed(),
        false => application.with_new_certificate(),
    };
    Spec::new("contoso.com".parse().unwrap()).with_application(application)
}

fn approve(plan: Plan) -> ApprovedPlan {
    let accepted: Vec<String> = plan.consequences().iter().map(onramp::Consequence::id).collect();
    plan.approve(accepted).unwrap()
}

impl World {
    /// A world in which the domain is verified and synchronization is on.
    async fn new(ca: &LabCa) -> Self {
        let clock = Arc::new(ManualClock::default());
        let shared: Arc<dyn Clock> = clock.clone();
        let forest = LabForest::builder()
            .domain("corp.local")
            .users(0)
            .seed(3)
            .clock(Arc::clone(&shared))
            .build()
            .unwrap();
        let tenant = LabTenant::builder().name("contoso").seed(3).users(3).clock(Arc::clone(&shared));
        let tenant = tenant.sync_enabled(Some(true)).build().unwrap();
        tenant.auto_publish_dns(true);
        let server = tenant.serve(ca, SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await.unwrap();
        let credentials = tenant.credentials();
        let secret = ClientSecret::new(
            credentials.tenant_id.to_string(),
            credentials.client_id.to_string(),
            credentials.client_secret.clone(),
        );
        let entra = EntraClient::builder(secret)
            .endpoints(Endpoints::at(server.base_url()).unwrap())
            .trust_root_pem(ca.certificate_pem())
            .clock(Arc::clone(&shared))
            // Every fault reaches the run.
            .retry(RetryPolicy::never())
            .build()
            .unwrap();
        let onramp = Onramp::new(entra.tenant(), forest.forest())
            .with_clock(shared)
            .with_certificate_generator(Arc::new(QuickCertificates));
        let (secrets, journal) = (MemorySecretStore::default(), MemoryJournal::default());
        let mut world = Self { tenant, clock, entra, onramp, secrets, journal, _server: server };
        let domain = Spec::new("contoso.com".parse().unwrap()).with_sync();
        let domain = approve(plan(&domain, &world.onramp.survey(&domain).await.unwrap()));
        world.finish(&domain).await;
        world
    }

    /// A new plan, with the history of the journal as a program reads it.
    async fn plan(&self, spec: &Spec) -> Plan {
        let mut history = History::default();
        history.add(&self.journal.records());
        plan(spec, &self.onramp.clone().with_history(history).survey(spec).await.unwrap())
    }

    async fn finish(&mut self, approved: &ApprovedPlan) {
        let outcome = self.onramp.apply_to_end(approved, &mut self.journal, &self.secrets).await.unwrap();
        outcome.require_complete().unwrap();
    }

    /// Applies a plan with a fault at the n-th request from now. Returns true if there were so many.
    async fn interrupted(&mut self, approved: &ApprovedPlan, n: u32, action: FaultAction) -> bool {
        let before = self.tenant.requests().len();
        self.tenant.add_fault(Fault::on("*", "*", action).from_nth(n));
        let _ = self.onramp.apply_to_end(approved, &mut self.journal, &self.secrets).await;
        let struck = self.tenant.requests().len() - before >= n as usize;
        self.tenant.clear_faults();
        struck
    }

    /// The numbers of registrations, service principals, certificates and permissions of the application; zeros if there is none.
    async fn counts(&self) -> [usize; 4] {
        let name = ApplicationSpec::new(ApplicationPurpose::EntraConnect).shown_name().to_owned();
        let list = async |collection: &str| -> Vec<serde_json::Value> {
            let query = self.entra.graph().query::<serde_json::Value>(collection);
            query.filter_eq("displayName", &name).stream().try_collect().await.unwrap()
        };
        let (registrations, principals) = (list("applications").await, list("servicePrincipals").await);
        let mut counts = [registrations.len(), principals.len(), 0, 0];
        let port = self.entra.tenant().applications;
        if let Some(found) = port.find(NAME).await.unwrap() {
            counts[2] = port.certificates(&found.id).await.unwrap().len();
            if let Some(principal) = found.service_principal {
                counts[3] = port.app_roles_of(&principal).await.unwrap().len();
            }
        }
        counts
    }

    /// The current key in the store signs in, and its token has the permission.
    async fn is_proven(&self) {
        let found = self.entra.tenant().applications.find(NAME).await.unwrap().unwrap();
        let key = self.secrets.load(NAME).await.unwrap().unwrap();
        let sign_in = self.entra.tenant().application_sign_in.unwrap();
        let probe = sign_in.probe(&found.app_id, &key, &AppRole::SYNCHRONIZATION_SERVICE).await.unwrap();
        assert_eq!(probe.to_string(), "a token was issued, with ADSynchronization.ReadWrite.All");
    }
}

async fn whole_life(action: FaultAction) {
    let ca = LabCa::new().unwrap();
    let mut longest = 0;
    for n in 1.. {
        let place = format!("{action:?} at request {n}");
        let mut world = World::new(&ca).await;
        let mut struck = Vec::new();

        // Made.
        let make = approve(world.plan(&spec()).await);
        struck.push(world.interrupted(&make, n, action.clone()).await);
        // Every other time by a new plan, as the same command makes it.
        let again = if n % 2 == 0 { approve(world.plan(&spec()).await) } else { make.clone() };
        world.finish(&again).await;
        assert_eq!(world.counts().await, [1, 1, 1, 1], "{place}");
        world.is_proven().await;
        let first = world.secrets.load(NAME).await.unwrap().unwrap();

        // Rotated.
        world.clock.advance(Duration::from_secs(3600));
        let rotate = approve(world.plan(&rotating(false)).await);
        struck.push(world.interrupted(&rotate, n, action.clone()).await);
        let again = approve(world.plan(&rotating(false)).await);
        world.finish(&again).await;
        assert_eq!(world.counts().await, [1, 1, 2, 1], "{place}");
        world.is_proven().await;
        assert!(!world.secrets.load(NAME).await.unwrap().unwrap().is_same(&first), "{place}");

        let remove = approve(world.plan(&rotating(true)).await);
        struck.push(world.interrupted(&remove, n, action.clone()).await);
        let again = approve(world.plan(&rotating(true)).await);
        world.finish(&again).await;
        assert_eq!(world.counts().await, [1, 1, 1, 1], "{place}");
        world.is_proven().await;
        let verification = world.onramp.verify(&spec(), None, Some(&world.secrets)).await.unwrap();
        assert!(verification.is_green(), "{place}: {verification:?}");

        // Undone.
        let run = RecordedRun::read(make.plan().clone(), &world.journal).await.unwrap();
        let undo = world.onramp.undo(&run, &UndoSelection::default()).await.unwrap();
        if n % 2 == 1 {
            // What a run did that ended with a new plan is in the other plan.
            let undo = approve(undo);
            struck.push(world.interrupted(&undo, n, action.clone()).await);
            world.finish(&undo).await;
            assert_eq!(world.counts().await, [0, 0, 0, 0], "{place}");
            assert!(world.onramp.verify_undo(&undo).await.unwrap().is_green(), "{place}");
        }
        if struck.iter().any(|struck| *struck) {
            longest = n;
        } else {
            break;
        }
    }
    assert!(longest > 20, "the longest part had {longest} requests");
}

#[tokio::test]
async fn an_identity_lives_through_a_connection_cut_before_each_request() {
    Box::pin(whole_life(FaultAction::cut_before())).await;
}

#[tokio::test]
async fn an_identity_lives_through_a_connection_cut_after_each_request() {
    Box::pin(whole_life(FaultAction::cut_after())).await;
}
