//! The application identity: made, interrupted anywhere, finished, rotated and undone.

use std::fmt::{self, Debug};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use onramp::{
    ApplyStatus, ApprovedPlan, CertificateGenerator, CertificateRequest, Change, CheckStatus, Consequence,
    History, MemorySecretStore, Outcome, Plan, RecordedRun, SecretStore, Spec, Step, UndoSelection,
    Verification, plan,
};
use onramp_core::tenant::{
    AppRole, AppRoleAssignment, Application, ApplicationProbe, ApplicationSignIn, Applications,
    CertificateCredential, NewApplication, NewCertificate, OfferedAppRole,
};
use onramp_core::{Clock, ObjectId, Password, Result, Tenant};
use onramp_lab::tenant::{Fault, FaultAction};
use tokio::sync::Notify;

use crate::world::{QuickCertificates, World, approve_all, spec};

const CONNECT: &str = "
    domain = \"contoso.com\"
    [sync]
    enable = true
    [application]
    purpose = \"entra-connect\"
    password_writeback = true
";
const CLOUD_SYNC: &str = "domain = \"contoso.com\"\n[application]\npurpose = \"cloud-sync\"\n";
const NAME: &str = "onramp-entra-connect";

/// The application as a tenant has it.
struct Found {
    application: Application,
    certificates: Vec<CertificateCredential>,
    roles: usize,
}

async fn found(world: &World, name: &str) -> Found {
    let port = world.tenant.tenant().applications;
    let application = port.find(name).await.unwrap().expect("the application is registered");
    let certificates = port.certificates(&application.id).await.unwrap();
    let roles = match &application.service_principal {
        Some(principal) => port.app_roles_of(principal).await.unwrap().len(),
        None => 0,
    };
    Found { application, certificates, roles }
}

/// Everything is there once, and the current key in the store is the one of the certificate.
async fn is_whole(world: &World, name: &str, certificates: usize, roles: usize) {
    let found = found(world, name).await;
    assert!(found.application.service_principal.is_some());
    assert_eq!((found.certificates.len(), found.roles), (certificates, roles));
    let current = world.secrets.load(name).await.unwrap().expect("a current key");
    let port = world.tenant.tenant().application_sign_in.unwrap();
    let probe = port.probe(&found.application.app_id, &current, &AppRole::GRAPH).await.unwrap();
    assert!(matches!(probe, ApplicationProbe::Accepted { .. }), "{probe}");
    assert_eq!(world.secrets.pending(name).await.unwrap().len(), 0, "no key is left over");
}

fn has(plan: &Plan, kind: impl Fn(&Change) -> bool) -> usize {
    plan.changes().iter().filter(|planned| kind(&planned.change)).count()
}

fn status_of(verification: &Verification, part: &str) -> (CheckStatus, String) {
    let check = verification.checks.iter().find(|check| check.name.contains(part)).expect("the check");
    (check.status, check.detail.clone())
}

/// A world with the domain and synchronization, in which only the application is missing.
async fn prepared() -> World {
    let mut world = World::new(0);
    world.tenant.auto_publish_dns(true);
    world.done(&spec("domain = \"contoso.com\"\n[sync]\nenable = true\n")).await;
    world
}

/// A new plan, with the history of the journal as a program reads it.
async fn next_plan(world: &World, spec: &Spec) -> Plan {
    let mut history = History::default();
    history.add(&world.journal.records());
    let onramp = world.onramp().with_history(history);
    plan(spec, &onramp.survey(spec).await.unwrap())
}

async fn undo_plan(world: &World, plan: &Plan) -> Plan {
    let run = RecordedRun::read(plan.clone(), &world.journal).await.unwrap();
    let selection = UndoSelection::default().with_steps([Step::Application]);
    world.onramp().undo(&run, &selection).await.unwrap()
}

#[tokio::test]
async fn each_purpose_gets_its_registration_certificate_and_permissions() {
    for (text, name, roles) in [(CONNECT, NAME, 4), (CLOUD_SYNC, "onramp-cloud-sync", 1)] {
        let mut world = World::new(0);
        let spec = spec(text);
        let approved = world.done(&spec).await;
        is_whole(&world, name, 1, roles).await;
        let verification = world.verified(&spec, &approved).await;
        assert!(verification.is_green(), "{verification:?}");
        let (_, detail) = status_of(&verification, "valid for long enough");
        assert!(
            detail.starts_with("364 days are left") || detail.starts_with("365 days are left"),
            "{detail}"
        );
        assert!(next_plan(&world, &spec).await.is_empty(), "a second run changes nothing");

        // No secret is in what is kept.
        let mut written = Vec::new();
        approved.plan().write(&mut written).unwrap();
        let told = format!(
            "{}{:?}{:?}{verification:?}{:?}",
            String::from_utf8(written).unwrap(),
            world.journal.records(),
            world.events.lock().unwrap(),
            world.secrets
        );
        assert!(told.contains(name) && !told.contains("PRIVATE"), "{told}");
        let key = world.secrets.load(name).await.unwrap().unwrap();
        let line = key.expose().lines().rev().nth(3).unwrap();
        assert!(!told.contains(line));
    }
}

#[tokio::test]
async fn permissions_are_named_as_privileged_and_each_change_is_accepted_by_name() {
    let world = World::new(0);
    let plan = world.plan(&spec(CONNECT)).await;
    let ids: Vec<String> = plan.consequences().iter().map(Consequence::id).collect();
    for id in [
        "application-created:onramp-entra-connect",
        "app-role-granted:onramp-entra-connect:adsynchronization.readwrite.all",
        "app-role-granted:onramp-entra-connect:passwordwriteback.refreshclient.all",
    ] {
        assert!(ids.iter().any(|known| known == id), "{id} in {ids:?}");
    }
    let text = plan.consequences().iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    assert!(text.contains("privileged permission ADSynchronization.ReadWrite.All"), "{text}");
}

#[tokio::test]
async fn an_api_that_the_tenant_does_not_have_blocks_the_plan_unless_the_plan_brings_it() {
    let world = World::new(0);
    let without =
        world.plan(&spec("domain = \"contoso.com\"\n[application]\npurpose = \"entra-connect\"\n")).await;
    assert!(without.is_blocked());
    let text = without.blockers()[0].to_string();
    assert!(
        text.contains("ADSynchronization.ReadWrite.All") && text.contains("synchronization on"),
        "{text}"
    );
    assert!(!world.plan(&spec(CONNECT)).await.is_blocked(), "turning synchronization on brings it");
}

#[tokio::test]
async fn properties_that_are_not_valid_block_the_plan() {
    for (line, word) in [
        ("unique_name = \"a b\"", "unique_name"),
        ("unique_name = \"\"", "unique_name"),
        ("display_name = \" \"", "display_name"),
        ("valid_days = 0", "valid_days"),
        ("valid_days = 900", "valid_days"),
        ("valid_days = 20", "rotation_days"),
    ] {
        let world = World::new(0);
        let plan = world.plan(&spec(&format!("{CLOUD_SYNC}{line}\n"))).await;
        let text: Vec<String> = plan.blockers().iter().map(ToString::to_string).collect();
        assert!(plan.is_blocked() && text.iter().any(|text| text.contains(word)), "{line}: {text:?}");
    }
}

/// Applies a plan with a fault at the n-th request. Returns `None` if there were fewer requests.
async fn with_fault(world: &mut World, approved: &ApprovedPlan, n: u32, action: FaultAction) -> Option<()> {
    world.tenant.clear_requests();
    world.tenant.add_fault(Fault::on("*", "*", action).from_nth(n));
    // A fault before the first change is an error of the run.
    let _ = world.apply(&world.onramp(), approved).await;
    let struck = world.tenant.requests().len() >= n as usize;
    world.tenant.clear_faults();
    struck.then_some(())
}

#[tokio::test]
async fn a_lost_answer_at_any_request_is_finished_by_a_second_run_of_the_same_plan() {
    let spec = spec(CONNECT);
    for action in [FaultAction::cut_before(), FaultAction::cut_after(), FaultAction::status(503)] {
        for n in 1.. {
            let mut world = prepared().await;
            let approved = world.approved(&spec).await;
            if with_fault(&mut world, &approved, n, action.clone()).await.is_none() {
                assert!(n > 12, "there were {n} requests");
                break;
            }
            world.apply(&world.onramp(), &approved).await.unwrap().require_complete().unwrap();
            is_whole(&world, NAME, 1, 4).await;
            assert!(world.verified(&spec, &approved).await.is_green(), "request {n}");
        }
    }
}

#[tokio::test]
async fn a_lost_answer_at_any_request_is_finished_by_a_new_plan_that_knows_its_own_registration() {
    let spec = spec(CONNECT);
    for action in [FaultAction::cut_before(), FaultAction::cut_after()] {
        for n in 1.. {
            let mut world = prepared().await;
            let approved = world.approved(&spec).await;
            if with_fault(&mut world, &approved, n, action.clone()).await.is_none() {
                break;
            }
            let again = next_plan(&world, &spec).await;
            let is_taken_over =
                |consequence: &&Consequence| matches!(consequence, Consequence::ApplicationTakenOver { .. });
            let taken_over = again.consequences().iter().find(is_taken_over);
            assert_eq!(taken_over, None, "request {n}: the registration is its own");
            // What is left of an accepted plan needs no other acceptance.
            let wanted: Vec<String> = again.consequences().iter().map(Consequence::id).collect();
            assert_eq!(again.covered_by(approved.plan(), approved.accepted()), wanted, "request {n}");
            let again = approve_all(again);
            world.apply(&world.onramp(), &again).await.unwrap().require_complete().unwrap();
            assert!(world.verified(&spec, &again).await.is_green(), "request {n}");
            is_whole(&world, NAME, 1, 4).await;
        }
    }
}

/// Ports that end a run before or after one of their calls: there the program was killed.
struct Killing {
    sound: Tenant,
    secrets: Arc<MemorySecretStore>,
    left: AtomicUsize,
    killed: Notify,
}

impl Debug for Killing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Killing")
    }
}

impl Killing {
    fn new(world: &World, secrets: &Arc<MemorySecretStore>, points: usize) -> Arc<Self> {
        let (sound, secrets) = (world.tenant.tenant(), Arc::clone(secrets));
        Arc::new(Self { sound, secrets, left: AtomicUsize::new(points), killed: Notify::new() })
    }

    /// A point at which the program may be killed.
    async fn point(&self) {
        if self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_err() {
            self.killed.notify_one();
            std::future::pending().await
        }
    }

    async fn between<T>(&self, call: impl Future<Output = T>) -> T {
        self.point().await;
        let answer = call.await;
        self.point().await;
        answer
    }
}

#[async_trait]
impl Applications for Killing {
    async fn find(&self, unique_name: &str) -> Result<Option<Application>> {
        self.between(self.sound.applications.find(unique_name)).await
    }
    async fn create(&self, application: &NewApplication) -> Result<Application> {
        self.between(self.sound.applications.create(application)).await
    }
    async fn create_service_principal(&self, app_id: &ObjectId) -> Result<ObjectId> {
        self.between(self.sound.applications.create_service_principal(app_id)).await
    }
    async fn delete_service_principal(&self, id: &ObjectId) -> Result<()> {
        self.between(self.sound.applications.delete_service_principal(id)).await
    }
    async fn delete(&self, id: &ObjectId) -> Result<()> {
        self.between(self.sound.applications.delete(id)).await
    }
    async fn certificates(&self, id: &ObjectId) -> Result<Vec<CertificateCredential>> {
        self.between(self.sound.applications.certificates(id)).await
    }
    async fn add_certificate(&self, id: &ObjectId, new: &NewCertificate) -> Result<CertificateCredential> {
        self.between(self.sound.applications.add_certificate(id, new)).await
    }
    async fn remove_certificate(&self, id: &ObjectId, key_id: &ObjectId) -> Result<()> {
        self.between(self.sound.applications.remove_certificate(id, key_id)).await
    }
    async fn app_role(&self, role: &AppRole) -> Result<Option<OfferedAppRole>> {
        self.between(self.sound.applications.app_role(role)).await
    }
    async fn app_roles_of(&self, principal: &ObjectId) -> Result<Vec<AppRoleAssignment>> {
        self.between(self.sound.applications.app_roles_of(principal)).await
    }
    async fn grant_app_role(&self, principal: &ObjectId, role: &AppRole) -> Result<AppRoleAssignment> {
        self.between(self.sound.applications.grant_app_role(principal, role)).await
    }
    async fn revoke_app_role(&self, principal: &ObjectId, id: &str) -> Result<()> {
        self.between(self.sound.applications.revoke_app_role(principal, id)).await
    }
}

#[async_trait]
impl ApplicationSignIn for Killing {
    async fn probe(
        &self,
        app_id: &ObjectId,
        key: &Password,
        resource: &ObjectId,
    ) -> Result<ApplicationProbe> {
        let port = self.sound.application_sign_in.clone().unwrap();
        self.between(port.probe(app_id, key, resource)).await
    }
}

#[async_trait]
impl SecretStore for Killing {
    async fn store(&self, name: &str, secret: &Password) -> Result<String> {
        self.between(self.secrets.store(name, secret)).await
    }
    async fn promote(&self, name: &str, secret: &Password) -> Result<String> {
        self.between(self.secrets.promote(name, secret)).await
    }
    async fn discard(&self, name: &str, secret: &Password) -> Result<()> {
        self.between(self.secrets.discard(name, secret)).await
    }
    async fn load(&self, name: &str) -> Result<Option<Password>> {
        self.secrets.load(name).await
    }
    async fn pending(&self, name: &str) -> Result<Vec<Password>> {
        self.secrets.pending(name).await
    }
}

/// Applies a plan, and kills the run after so many points. Returns true if it ended before.
async fn killed_after(points: usize, world: &mut World, approved: &ApprovedPlan) -> bool {
    let secrets = Arc::new(std::mem::take(&mut world.secrets));
    let killing = Killing::new(world, &secrets, points);
    let tenant =
        world.tenant.tenant().with_applications(killing.clone()).with_application_sign_in(killing.clone());
    let onramp = world.onramp_on(tenant, world.forest.forest());
    let ended = tokio::select! {
        outcome = onramp.apply_to_end(approved, &mut world.journal, &*killing) => {
            outcome.unwrap().require_complete().unwrap();
            true
        }
        () = killing.killed.notified() => false,
    };
    drop((onramp, killing));
    world.secrets = Arc::try_unwrap(secrets).expect("nobody else holds the store");
    ended
}

#[tokio::test]
async fn a_run_that_is_killed_anywhere_is_finished_to_the_same_identity() {
    let spec = spec(CONNECT);
    for points in 0.. {
        let mut world = prepared().await;
        let approved = world.approved(&spec).await;
        let ended = killed_after(points, &mut world, &approved).await;
        let registered =
            world.tenant.tenant().applications.find(NAME).await.unwrap().map(|found| found.app_id);
        world.apply(&world.onramp(), &approved).await.unwrap().require_complete().unwrap();
        is_whole(&world, NAME, 1, 4).await;
        let same = found(&world, NAME).await.application.app_id;
        assert!(registered.is_none_or(|before| before == same), "after {points} points");
        assert!(world.verified(&spec, &approved).await.is_green(), "after {points} points");
        if ended {
            assert!(points > 20, "there were {points} points");
            break;
        }
    }
}

fn rotating(remove_old: bool) -> Spec {
    let mut spec = spec(CONNECT);
    let application = spec.application.take().unwrap();
    let application = match remove_old {
        true => application.with_old_certificates_removed(),
        false => application.with_new_certificate(),
    };
    spec.with_application(application)
}

#[tokio::test]
async fn a_rotation_adds_a_certificate_proves_it_and_removes_the_old_one_in_a_later_plan() {
    let mut world = prepared().await;
    world.done(&spec(CONNECT)).await;
    let first = found(&world, NAME).await.certificates[0].clone();
    let old_key = world.secrets.load(NAME).await.unwrap().unwrap();
    world.clock.advance(std::time::Duration::from_secs(3600));

    // Nothing old: nothing is removed.
    assert!(next_plan(&world, &rotating(true)).await.is_empty());
    let add = next_plan(&world, &rotating(false)).await;
    let kinds = |plan: &Plan| {
        [
            has(plan, |change| matches!(change, Change::AddApplicationCertificate { .. })),
            has(plan, |change| matches!(change, Change::ProveApplicationSignIn { .. })),
            has(plan, |change| matches!(change, Change::RemoveApplicationCertificate { .. })),
        ]
    };
    assert_eq!((kinds(&add), add.changes().len()), ([1, 1, 0], 2));
    let ids: Vec<String> = add.consequences().iter().map(Consequence::id).collect();
    assert!(ids.len() == 1 && ids[0].starts_with("application-changed:onramp-entra-connect:"), "{ids:?}");
    let add = approve_all(add);
    world.apply(&world.onramp(), &add).await.unwrap().require_complete().unwrap();
    is_whole(&world, NAME, 2, 4).await;
    assert!(
        !world.secrets.load(NAME).await.unwrap().unwrap().is_same(&old_key),
        "the new key is the current one"
    );

    // Both are accepted during the overlap, and asking again adds no third one.
    let port = world.tenant.tenant().application_sign_in.unwrap();
    let app_id = found(&world, NAME).await.application.app_id;
    let probe = port.probe(&app_id, &old_key, &AppRole::GRAPH).await.unwrap();
    assert!(matches!(probe, ApplicationProbe::Accepted { .. }), "{probe}");
    assert_eq!(kinds(&next_plan(&world, &rotating(false)).await), [0, 1, 0]);
    let overlap = next_plan(&world, &spec(CONNECT)).await;
    assert!(overlap.is_empty() && overlap.warnings()[0].contains("--remove-old"), "{:?}", overlap.warnings());

    let remove = next_plan(&world, &rotating(true)).await;
    assert_eq!(kinds(&remove), [0, 1, 1]);
    let removed = format!("application-certificate-removed:{NAME}:{}", first.key_id);
    assert!(remove.consequences().iter().any(|consequence| consequence.id() == removed));
    let remove = approve_all(remove);
    world.apply(&world.onramp(), &remove).await.unwrap().require_complete().unwrap();
    is_whole(&world, NAME, 1, 4).await;
    let probe = port.probe(&app_id, &old_key, &AppRole::GRAPH).await.unwrap();
    assert!(matches!(probe, ApplicationProbe::UnknownCertificate { .. }), "{probe}");
    assert!(world.verified(&spec(CONNECT), &remove).await.is_green());
}

#[tokio::test]
async fn a_rotation_that_is_killed_anywhere_is_finished_with_two_certificates_and_no_third() {
    for points in 0.. {
        let mut world = prepared().await;
        world.done(&spec(CONNECT)).await;
        world.clock.advance(std::time::Duration::from_secs(3600));
        let add = approve_all(next_plan(&world, &rotating(false)).await);
        let ended = killed_after(points, &mut world, &add).await;
        // The same command again, which makes a new plan.
        let again = approve_all(next_plan(&world, &rotating(false)).await);
        world.apply(&world.onramp(), &again).await.unwrap().require_complete().unwrap();
        is_whole(&world, NAME, 2, 4).await;

        let remove = approve_all(next_plan(&world, &rotating(true)).await);
        let _ = killed_after(points, &mut world, &remove).await;
        let rest = next_plan(&world, &rotating(true)).await;
        world.apply(&world.onramp(), &approve_all(rest)).await.unwrap().require_complete().unwrap();
        is_whole(&world, NAME, 1, 4).await;
        if ended {
            assert!(points > 6, "there were {points} points");
            break;
        }
    }
}

#[tokio::test]
async fn the_old_certificate_stays_if_the_current_one_cannot_sign_in() {
    let mut world = prepared().await;
    world.done(&spec(CONNECT)).await;
    world.clock.advance(std::time::Duration::from_secs(3600));
    let add = approve_all(next_plan(&world, &rotating(false)).await);
    world.apply(&world.onramp(), &add).await.unwrap().require_complete().unwrap();
    let remove = approve_all(next_plan(&world, &rotating(true)).await);
    // The store was lost: the server may use the old certificate still.
    world.secrets = MemorySecretStore::default();
    let outcome = world.apply(&world.onramp(), &remove).await.unwrap();
    assert!(
        matches!(&outcome.status, ApplyStatus::Stopped { problem, .. } if problem.contains("secret store")),
        "{outcome:?}"
    );
    assert_eq!(found(&world, NAME).await.certificates.len(), 2);

    let (status, detail) =
        status_of(&world.verified(&spec(CONNECT), &remove).await, "can sign in with its certificate");
    assert!(status == CheckStatus::Unknown && detail.contains("identity rotate"), "{detail}");
}

#[tokio::test]
async fn a_certificate_is_reported_with_its_days_and_replaced_within_the_window() {
    let mut world = prepared().await;
    let spec = spec(CONNECT);
    let approved = world.done(&spec).await;
    let day = std::time::Duration::from_secs(86_400);
    world.clock.advance(day * 330);
    assert!(next_plan(&world, &spec).await.is_empty(), "outside of the window nothing is planned");
    world.clock.advance(day * 10);
    let (status, detail) = status_of(&world.verified(&spec, &approved).await, "valid for long enough");
    assert!(
        status == CheckStatus::False && detail.contains("2") && detail.contains("days are left"),
        "{detail}"
    );
    let renew = next_plan(&world, &spec).await;
    let reason = &renew.changes()[0].reason;
    assert!(reason.starts_with("the current certificate expires in 2"), "{reason}");
    world.clock.advance(day * 30);
    let renew = next_plan(&world, &spec).await;
    assert_eq!(renew.changes()[0].reason, "the current certificate is expired");
    let renew = approve_all(renew);
    world.apply(&world.onramp(), &renew).await.unwrap().require_complete().unwrap();
    assert!(world.verified(&spec, &renew).await.is_green());
}

#[tokio::test]
async fn a_registration_of_somebody_else_is_named_with_what_can_act_as_it() {
    let mut world = prepared().await;
    let port = world.tenant.tenant().applications;
    let theirs =
        port.create(&NewApplication::new(NAME, "Not yours").with_tags(["onramp:0123"])).await.unwrap();
    let now = world.clock.now();
    let request = CertificateRequest::new("x", now, now + time::Duration::days(90));
    let key = QuickCertificates.generate(&request).await.unwrap();
    port.add_certificate(&theirs.id, &NewCertificate::new("Their key", der(&key))).await.unwrap();

    let plan = next_plan(&world, &spec(CONNECT)).await;
    let taken =
        plan.consequences().iter().find(|c| matches!(c, Consequence::ApplicationTakenOver { .. })).unwrap();
    assert!(taken.to_string().contains("Not yours") && taken.members()[0].contains("Their key"), "{taken}");
    assert_eq!(has(&plan, |change| matches!(change, Change::CreateApplication { .. })), 0);
    let approved = approve_all(plan);
    world.apply(&world.onramp(), &approved).await.unwrap().require_complete().unwrap();
    is_whole(&world, NAME, 2, 4).await;

    // What was theirs stays when the run is undone.
    let undo = approve_all(undo_plan(&world, approved.plan()).await);
    world.apply(&world.onramp(), &undo).await.unwrap().require_complete().unwrap();
    let left = found(&world, NAME).await;
    assert_eq!((left.application.id, left.certificates.len(), left.roles), (theirs.id, 1, 0));
    assert_eq!(left.application.service_principal, None);
    assert!(world.onramp().verify_undo(&undo).await.unwrap().is_green());
}

#[tokio::test]
async fn a_registration_that_appears_after_the_survey_is_stale() {
    let mut world = prepared().await;
    let approved = world.approved(&spec(CONNECT)).await;
    let port = world.tenant.tenant().applications;
    port.create(&NewApplication::new(NAME, "Not yours")).await.unwrap();
    let outcome = world.apply(&world.onramp(), &approved).await.unwrap();
    assert_eq!(outcome.steps[0].outcome, Outcome::Stale, "{outcome:?}");
    let left = found(&world, NAME).await;
    assert_eq!((left.application.display_name.as_str(), left.certificates.len()), ("Not yours", 0));
}

#[tokio::test]
async fn an_undo_deletes_what_the_run_created_and_can_be_repeated() {
    let mut world = prepared().await;
    let spec = spec(CONNECT);
    let approved = world.done(&spec).await;
    let plan = undo_plan(&world, approved.plan()).await;
    let [deleted] = plan.changes() else { panic!("{:?}", plan.changes()) };
    assert!(matches!(deleted.change, Change::DeleteApplication { .. }), "{deleted:?}");
    assert!(plan.consequences()[0].to_string().contains("30 days"), "{}", plan.consequences()[0]);
    for n in 1.. {
        let mut world = prepared().await;
        let approved = world.done(&spec).await;
        let undo = approve_all(undo_plan(&world, approved.plan()).await);
        let struck = with_fault(&mut world, &undo, n, FaultAction::cut_after()).await;
        world.apply(&world.onramp(), &undo).await.unwrap().require_complete().unwrap();
        assert_eq!(world.tenant.tenant().applications.find(NAME).await.unwrap(), None);
        assert!(world.onramp().verify_undo(&undo).await.unwrap().is_green());
        assert!(undo_plan(&world, approved.plan()).await.is_empty(), "nothing is left to undo");
        // A new run makes a new identity.
        let again = approve_all(next_plan(&world, &spec).await);
        world.apply(&world.onramp(), &again).await.unwrap().require_complete().unwrap();
        is_whole(&world, NAME, 1, 4).await;
        if struck.is_none() {
            assert!(n > 3);
            break;
        }
    }
}

#[tokio::test]
async fn an_undo_leaves_a_registration_that_somebody_else_uses_and_says_so() {
    let mut world = prepared().await;
    let approved = world.done(&spec(CONNECT)).await;
    let port = world.tenant.tenant().applications;
    let id = found(&world, NAME).await.application.id;
    let now = world.clock.now();
    let request = CertificateRequest::new("x", now, now + time::Duration::days(90));
    let key = QuickCertificates.generate(&request).await.unwrap();
    port.add_certificate(&id, &NewCertificate::new("Their key", der(&key))).await.unwrap();
    let undo = undo_plan(&world, approved.plan()).await;
    let left = undo.consequences().iter().find(|c| matches!(c, Consequence::NotUndone { .. })).unwrap();
    assert!(left.members()[0].contains("1 certificates that Onramp did not add"), "{:?}", left.members());
    assert_eq!(has(&undo, |change| matches!(change, Change::DeleteApplication { .. })), 0);
    assert_eq!(has(&undo, |change| matches!(change, Change::RevokeAppRole { .. })), 4);
    let undo = approve_all(undo);
    world.apply(&world.onramp(), &undo).await.unwrap().require_complete().unwrap();
    let left = found(&world, NAME).await;
    assert_eq!((left.certificates.len(), left.roles), (1, 0));
}

#[tokio::test]
async fn an_undone_rotation_takes_its_certificate_back_and_leaves_the_old_one() {
    let mut world = prepared().await;
    world.done(&spec(CONNECT)).await;
    let first = found(&world, NAME).await.certificates[0].key_id;
    world.clock.advance(std::time::Duration::from_secs(3600));
    let add = approve_all(next_plan(&world, &rotating(false)).await);
    world.apply(&world.onramp(), &add).await.unwrap().require_complete().unwrap();
    let undo = approve_all(undo_plan(&world, add.plan()).await);
    world.apply(&world.onramp(), &undo).await.unwrap().require_complete().unwrap();
    let left = found(&world, NAME).await.certificates;
    assert_eq!(left.iter().map(|held| held.key_id).collect::<Vec<_>>(), [first]);
}

/// The certificate of a key, in DER.
fn der(key: &Password) -> Vec<u8> {
    let lines = key.expose().lines().skip_while(|line| !line.contains("BEGIN CERTIFICATE")).skip(1);
    let text: String = lines.take_while(|line| !line.starts_with('-')).collect();
    base64::Engine::decode(&base64::engine::general_purpose::STANDARD, text).unwrap()
}

#[tokio::test]
async fn a_certificate_is_brought_with_or_without_its_key() {
    for has_key in [true, false] {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("sync.pem");
        let mut world = prepared().await;
        let now = world.clock.now();
        let request = CertificateRequest::new("brought", now, now + time::Duration::days(90));
        let key = QuickCertificates.generate(&request).await.unwrap();
        let public = key.expose().split("-----BEGIN PRIVATE").next().unwrap();
        std::fs::write(&file, if has_key { format!("{}\n", key.expose()) } else { public.to_owned() })
            .unwrap();
        let mut wanted = spec(CONNECT);
        let application = wanted.application.take().unwrap().with_certificate(&file);
        let wanted = wanted.with_application(application);

        let approved = world.approved(&wanted).await;
        let proofs = has(approved.plan(), |change| matches!(change, Change::ProveApplicationSignIn { .. }));
        assert_eq!((proofs, approved.plan().warnings().len()), if has_key { (1, 0) } else { (0, 1) });
        world.apply(&world.onramp(), &approved).await.unwrap().require_complete().unwrap();
        let made = found(&world, NAME).await;
        assert_eq!((made.certificates.len(), made.roles), (1, 4));
        assert_eq!(world.secrets.load(NAME).await.unwrap().is_some(), has_key);
        let verification = world.verified(&wanted, &approved).await;
        assert!(verification.is_green(), "{verification:?}");
        assert!(next_plan(&world, &wanted).await.is_empty());
        // Applied again, it is recognized.
        let again = world.apply(&world.onramp(), &approved).await.unwrap();
        assert!(again.is_complete() && again.done <= 1, "{again:?}");

        // Another file than the plan was made with is not taken.
        let mut world = prepared().await;
        let approved = world.approved(&wanted).await;
        let other = QuickCertificates.generate(&request).await.unwrap();
        std::fs::write(&file, other.expose()).unwrap();
        let outcome = world.apply(&world.onramp(), &approved).await.unwrap();
        assert_eq!(outcome.stale, 1, "{outcome:?}");
        std::fs::write(&file, "nothing").unwrap();
        let error = world.onramp().survey(&wanted).await.unwrap_err();
        assert!(error.to_string().contains("no certificate in PEM"), "{error}");
    }
}

#[tokio::test]
async fn without_a_port_for_the_sign_in_the_identity_is_made_and_said_to_be_unproven() {
    let mut world = prepared().await;
    let approved = world.approved(&spec(CONNECT)).await;
    let mut tenant = world.tenant.tenant();
    tenant.application_sign_in = None;
    let onramp = world.onramp_on(tenant, world.forest.forest());
    let outcome = world.apply(&onramp, &approved).await.unwrap();
    outcome.require_complete().unwrap();
    assert!(outcome.steps.last().unwrap().detail.contains("not proven"), "{outcome:?}");
    is_whole(&world, NAME, 1, 4).await;
}
