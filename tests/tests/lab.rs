//! The whole job over the tenant's real protocol, with a fault at each of its requests in turn.
//!
//! In every case, the job is done nevertheless or ends with an error that says what happened; no secret is in its
//! messages; and running it again ends green, with one service account, one role and the stored password.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use onramp::{MemoryJournal, MemorySecretStore, Onramp, SecretStore, Spec, plan};
use onramp_core::tenant::RoleTemplateId;
use onramp_core::{Clock, Error, ErrorKind, ManualClock, Result};
use onramp_entra::{ClientSecret, Endpoints, EntraClient};
use onramp_lab::forest::LabForest;
use onramp_lab::tenant::{Fault, FaultAction, LabTenant, LabTenantServer};
use onramp_lab::tls::LabCa;

const SPEC: &str = r#"
    domain = "contoso.com"
    [users]
    [sync]
    enable = true
    [service_account]
    upn = "onramp-sync@contoso.com"
    alternate_email = "it@contoso.com"
    subscriptions = [{ subscription = "Contoso subscription 1", role = "Reader" }]
"#;

struct World {
    tenant: LabTenant,
    onramp: Onramp,
    spec: Spec,
    secrets: MemorySecretStore,
    _server: LabTenantServer,
}

impl World {
    async fn new(ca: &LabCa) -> Self {
        let clock: Arc<dyn Clock> = Arc::new(ManualClock::default());
        let forest = LabForest::builder()
            .domain("corp.local")
            .users(4)
            .seed(3)
            .clock(Arc::clone(&clock))
            .build()
            .unwrap();
        let tenant =
            LabTenant::builder().name("contoso").seed(3).users(3).clock(Arc::clone(&clock)).build().unwrap();
        tenant.auto_publish_dns(true);
        let server = tenant.serve(ca, SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await.unwrap();
        let base = server.base_url();
        let credentials = tenant.credentials();
        let secret = ClientSecret::new(
            credentials.tenant_id.to_string(),
            credentials.client_id.to_string(),
            credentials.client_secret.clone(),
        );
        let entra = EntraClient::builder(secret)
            .endpoints(Endpoints::at(base).unwrap())
            .trust_root_pem(ca.certificate_pem())
            .clock(Arc::clone(&clock))
            .build()
            .unwrap()
            .with_probe_client_id(credentials.public_client_id.to_string());
        Self {
            onramp: Onramp::new(entra.tenant(), forest.forest()).with_clock(clock),
            spec: Spec::from_toml(SPEC).unwrap(),
            secrets: MemorySecretStore::default(),
            tenant,
            _server: server,
        }
    }

    async fn job(&self) -> Result<()> {
        let plan = plan(&self.spec, &self.onramp.survey(&self.spec).await?);
        let accepted: Vec<String> = plan.consequences().iter().map(|c| c.id()).collect();
        let mut journal = MemoryJournal::default();
        let approved = plan.approve(accepted)?;
        let outcome = self.onramp.apply_to_end(&approved, &mut journal, &self.secrets).await?;
        outcome.require_complete()?;
        let verification = self.onramp.verify(&self.spec, Some(&approved), Some(&self.secrets)).await?;
        match verification.checks.iter().find(|check| check.status != onramp::CheckStatus::True) {
            None => Ok(()),
            Some(check) => {
                Err(Error::new(ErrorKind::Unavailable, "see that").with_object(format!("{check:?}")))
            }
        }
    }
}

async fn at_every_request(what: &str, action: FaultAction) {
    let ca = LabCa::new().unwrap();
    let undisturbed = World::new(&ca).await;
    undisturbed.job().await.unwrap();
    let requests = undisturbed.tenant.requests().len() as u32;
    assert!(requests > 20, "{requests}");
    let mut survived = 0;
    for n in 1..=requests {
        let world = World::new(&ca).await;
        world.tenant.add_fault(Fault::on("*", "*", action.clone()).from_nth(n));
        let first = world.job().await;
        world.tenant.clear_faults();
        let place = format!("{what} at request {n}");
        match first {
            Ok(()) => survived += 1,
            Err(error) => {
                let told = format!("{error} {error:?}");
                assert!(told.starts_with("could not "), "{place}: {told}");
                let stored = world.secrets.load("onramp-sync@contoso.com").await.unwrap();
                let secret = world.tenant.credentials().client_secret.expose();
                assert!(!told.contains(secret), "{place}: the client secret is told");
                assert!(!stored.is_some_and(|s| told.contains(s.expose())), "{place}: the password is told");
                assert!(!told.contains("Bearer"), "{place}: {told}");
            }
        }
        world.job().await.unwrap_or_else(|error| panic!("{place}: running again: {error}"));
        let tenant = world.tenant.tenant();
        let account = tenant.users.find(&"onramp-sync@contoso.com".parse().unwrap()).await.unwrap().unwrap();
        let roles = tenant.roles.assignments_of(&account.id).await.unwrap();
        let roles: Vec<_> = roles.iter().map(|held| held.role).collect();
        assert_eq!(roles, [RoleTemplateId::HYBRID_IDENTITY_ADMINISTRATOR], "{place}");
        assert_eq!(account.other_mails, ["it@contoso.com"], "{place}");
    }
    println!("{what}: {requests} requests, {survived} faults survived without help");
}

macro_rules! at_every_request {
    ($($name:ident: $action:expr;)*) => {
        $(#[tokio::test]
        async fn $name() {
            at_every_request(stringify!($name), $action).await;
        })*
    };
}

at_every_request! {
    unauthenticated: FaultAction::status(401);
    forbidden: FaultAction::status(403);
    not_found: FaultAction::status(404);
    throttled: FaultAction::status(429);
    server_error: FaultAction::status(500);
    unavailable: FaultAction::status(503);
    cut_before_it_happened: FaultAction::cut_before();
    cut_after_it_happened: FaultAction::cut_after();
}
