//! A tenant and a forest to work on, and what was heard of the work.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use onramp::{
    ApplyOutcome, ApprovedPlan, CertificateGenerator, CertificateRequest, Change, Event, MemoryJournal,
    MemorySecretStore, Onramp, Plan, Spec, Verification, plan,
};
use onramp_core::forest::{Forest, UpnChange};
use onramp_core::tenant::VerificationRecord;
use onramp_core::{Clock, ManualClock, ObjectGuid, Password, Result, Tenant};
use onramp_lab::forest::{LabForest, LabForestBuilder};
use onramp_lab::tenant::{LabTenant, LabTenantBuilder};
use tokio_util::sync::CancellationToken;

pub(crate) struct World {
    pub(crate) forest: LabForest,
    pub(crate) tenant: LabTenant,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) events: Arc<Mutex<Vec<Event>>>,
    pub(crate) token: CancellationToken,
    pub(crate) secrets: MemorySecretStore,
    pub(crate) journal: MemoryJournal,
}

pub(crate) const SPEC: &str = r#"
    domain = "contoso.com"
    [users]
    [sync]
    enable = true
    [service_account]
    upn = "onramp-sync@contoso.com"
    alternate_email = "it@contoso.com"
"#;

pub(crate) fn spec(toml: &str) -> Spec {
    Spec::from_toml(toml).unwrap()
}

impl World {
    pub(crate) fn new(users: u64) -> Self {
        Self::of(users, |forest| forest, |tenant| tenant)
    }

    /// The same with a forest and a tenant that differ from the usual ones.
    pub(crate) fn of(
        users: u64,
        forest_is: impl FnOnce(LabForestBuilder) -> LabForestBuilder,
        tenant_is: impl FnOnce(LabTenantBuilder) -> LabTenantBuilder,
    ) -> Self {
        let clock = Arc::new(ManualClock::default());
        let shared: Arc<dyn Clock> = clock.clone();
        let forest = forest_is(
            LabForest::builder()
                .domain("corp.local")
                .mail_domain("contoso.com")
                .users(users)
                .seed(7)
                .controllers(2)
                .replication_delay(Duration::from_secs(3))
                .clock(shared.clone()),
        )
        .build()
        .unwrap();
        let tenant = tenant_is(LabTenant::builder().name("contoso").seed(7).clock(shared));
        let tenant = tenant.build().unwrap();
        Self {
            forest,
            tenant,
            clock,
            events: Arc::default(),
            token: CancellationToken::new(),
            secrets: MemorySecretStore::default(),
            journal: MemoryJournal::default(),
        }
    }

    /// The run, with somebody who publishes DNS records when asked.
    pub(crate) fn onramp(&self) -> Onramp {
        self.onramp_over(self.forest.forest())
    }

    /// The same over ports of which some are others than the lab's.
    pub(crate) fn onramp_over(&self, forest: Forest) -> Onramp {
        self.onramp_on(self.tenant.tenant(), forest)
    }

    pub(crate) fn onramp_on(&self, tenant: Tenant, forest: Forest) -> Onramp {
        let dns = self.tenant.clone();
        self.watched_on(tenant, forest, move |event| {
            if let Event::DnsRecordNeeded { records, .. } = event {
                for record in records {
                    if let VerificationRecord::Txt { label, text, .. } = record {
                        dns.publish_txt(label, text);
                    }
                }
            }
        })
    }

    pub(crate) fn watched(&self, also: impl Fn(&Event) + Send + Sync + 'static) -> Onramp {
        self.watched_on(self.tenant.tenant(), self.forest.forest(), also)
    }

    pub(crate) fn watched_on(
        &self,
        tenant: Tenant,
        forest: Forest,
        also: impl Fn(&Event) + Send + Sync + 'static,
    ) -> Onramp {
        let events = self.events.clone();
        Onramp::new(tenant, forest)
            .with_clock(self.clock.clone())
            .with_certificate_generator(Arc::new(QuickCertificates))
            .with_cancellation(self.token.clone())
            .with_observer(move |event| {
                events.lock().unwrap().push(event.clone());
                also(event);
            })
    }

    pub(crate) async fn plan(&self, spec: &Spec) -> Plan {
        plan(spec, &self.onramp().survey(spec).await.unwrap())
    }

    pub(crate) async fn approved(&self, spec: &Spec) -> ApprovedPlan {
        approve_all(self.plan(spec).await)
    }

    /// The whole job, applied to its end.
    pub(crate) async fn done(&mut self, spec: &Spec) -> ApprovedPlan {
        let approved = self.approved(spec).await;
        self.apply(&self.onramp(), &approved).await.unwrap().require_complete().unwrap();
        approved
    }

    pub(crate) async fn verified(&self, spec: &Spec, plan: &ApprovedPlan) -> Verification {
        Box::pin(self.onramp().verify(spec, Some(plan), Some(&self.secrets))).await.unwrap()
    }

    pub(crate) async fn apply(&mut self, onramp: &Onramp, plan: &ApprovedPlan) -> Result<ApplyOutcome> {
        onramp.apply_to_end(plan, &mut self.journal, &self.secrets).await
    }
}

/// A generator whose certificates differ and have the same key, because to make one takes a second.
#[derive(Debug)]
pub(crate) struct QuickCertificates;

#[async_trait]
impl CertificateGenerator for QuickCertificates {
    async fn generate(&self, request: &CertificateRequest) -> Result<Password> {
        static NUMBER: AtomicU64 = AtomicU64::new(1);
        const KEY: &str = include_str!("../data/application.key");
        let key = rcgen::KeyPair::from_pem_and_sign_algo(KEY, &rcgen::PKCS_RSA_SHA256).unwrap();
        let mut params = rcgen::CertificateParams::default();
        params.serial_number = Some(NUMBER.fetch_add(1, Ordering::Relaxed).into());
        params.distinguished_name.push(rcgen::DnType::CommonName, &request.name);
        params.not_before = request.not_before;
        params.not_after = request.not_after;
        let certificate = params.self_signed(&key).unwrap();
        Ok(Password::new(format!("{}{}", certificate.pem().replace('\r', ""), KEY.trim_end())))
    }
}

pub(crate) fn approve_all(plan: Plan) -> ApprovedPlan {
    let accepted: Vec<String> = plan.consequences().iter().map(|c| c.id()).collect();
    plan.approve(accepted).unwrap()
}

/// The UPN changes of a plan, each with its number.
pub(crate) fn upn_changes(plan: &Plan) -> Vec<(u64, UpnChange)> {
    let changes = plan.changes().iter().filter_map(|planned| match &planned.change {
        Change::ChangeUpn { upn } => Some((planned.number, upn.clone())),
        _ => None,
    });
    changes.collect()
}

/// Those of a plan's UPN changes that stand in the forest, by number.
pub(crate) fn made(forest: &LabForest, plan: &Plan) -> Vec<(u64, UpnChange)> {
    let host = &forest.controllers()[0];
    let has = |guid: &ObjectGuid| forest.values_on(host, guid, "userPrincipalName").unwrap();
    let mut changes = upn_changes(plan);
    changes.retain(|(_, upn)| has(&upn.guid) == [upn.after.as_str()]);
    changes
}
