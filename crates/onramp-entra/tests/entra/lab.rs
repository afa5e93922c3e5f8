//! The whole port surface against the laboratory's tenant, over TLS.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::{StreamExt, TryStreamExt};
use onramp_core::conformance::{self, PollTimeout, PublishRecords, TenantFixture};
use onramp_core::tenant::{RoleTemplateId, UserUpdate, VerificationRecord};
use onramp_core::{DomainName, ErrorKind, ObjectId, Result, Upn};
use onramp_entra::{Delta, DeltaStart, HarRecorder, update_user};
use onramp_lab::tenant::{Consistency, Fault, FaultAction, LabTenant, SeedUser, TenantSize, Throttling};
use onramp_lab::tls::LabCa;

use crate::laboratory::Lab;

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

async fn large(consistency: Consistency) -> Lab {
    Lab::start(LabTenant::builder().users(1200).subscriptions(2).seed(3).consistency(consistency)).await
}

fn fixture(lab: &Lab, tag: &str) -> TenantFixture {
    TenantFixture::new(tag, lab.initial_domain(), PollTimeout::new(lab.clock.clone()))
        .with_records(Arc::new(LabDns(lab.lab.clone())))
        .with_subscription(lab.lab.subscription_ids()[0])
        .with_sync_switching()
        .with_sign_in()
}

#[tokio::test]
async fn the_client_keeps_the_contract_of_every_port() {
    let lab = large(Consistency::Immediate).await;
    // To look at what was sent, name a file here.
    let recorder = match std::env::var_os("ONRAMP_WIRE_HAR") {
        Some(path) => HarRecorder::to_file(path).unwrap(),
        None => HarRecorder::in_memory(),
    };
    let client = lab.build(lab.client(lab.secret()).recorder(recorder.clone()));
    conformance::tenant::run(&client.tenant(), &fixture(&lab, "entra")).await;
    // The one operation that the contract leaves out, because it would do what it says in a real tenant.
    let elevated = client.tenant().subscriptions.elevate_access().await;
    assert_eq!(
        elevated.unwrap_err().kind(),
        ErrorKind::Forbidden,
        "an application cannot elevate its access"
    );
    let recording = recorder.archive().unwrap();
    assert!(!recording.contains(lab.lab.credentials().client_secret.expose()));
}

#[tokio::test]
async fn the_client_keeps_the_contract_when_everything_new_shows_late() {
    let lab = large(Consistency::Within(Duration::from_secs(60))).await;
    let client = lab.build(lab.client(lab.secret()));
    conformance::tenant::run(&client.tenant(), &fixture(&lab, "late")).await;
}

#[tokio::test]
async fn the_client_keeps_the_contract_while_the_service_stumbles() {
    let lab = large(Consistency::AfterRequests(2)).await;
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
    let client = lab.build(lab.client(lab.secret()));
    conformance::tenant::run(&client.tenant(), &fixture(&lab, "faults")).await;
}

#[tokio::test]
async fn a_server_that_nobody_vouches_for_is_not_talked_to() {
    let lab = large(Consistency::Immediate).await;
    let other = LabCa::new().unwrap();
    let client = lab.stranger(lab.secret()).trust_root_pem(other.certificate_pem()).build().unwrap();
    let error = client.tenant().domains.list().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.to_string().contains("certificate"), "{error}");
    assert!(lab.lab.requests().is_empty());

    let nonsense = lab.stranger(lab.secret()).trust_root_pem("no certificate at all").build().unwrap_err();
    assert!(nonsense.to_string().contains("no certificate"), "{nonsense}");
}

#[derive(Debug, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Named {
    id: String,
    display_name: Option<String>,
}

#[tokio::test]
async fn a_list_survives_throttling_and_a_forgotten_place_and_gives_every_user_once() {
    let lab = large(Consistency::Immediate).await;
    lab.lab.add_fault(Fault::on(
        "GET",
        "/v1.0/users?*skiptoken*",
        FaultAction::throttle(Duration::from_secs(2)),
    ));
    lab.lab.add_fault(
        Fault::on("GET", "/v1.0/users?*skiptoken*", FaultAction::expired_page_token()).from_nth(2),
    );
    let client = lab.build(lab.client(lab.secret()));
    let found: Vec<_> = client.tenant().users.list().try_collect().await.unwrap();
    let ids: std::collections::HashSet<_> = found.iter().map(|user| user.id).collect();
    assert_eq!((found.len(), ids.len()), (lab.lab.user_count(), lab.lab.user_count()));
    let query = client.graph().query::<Named>("users").select(["id", "displayName"]);
    assert_eq!(query.count().await.unwrap(), found.len() as u64);
}

#[tokio::test]
async fn changes_since_a_cursor_are_told_and_a_forgotten_cursor_is_survived() {
    let lab = large(Consistency::Immediate).await;
    let client = lab.build(lab.client(lab.secret()));
    let changes = |from| {
        client.graph().query::<Named>("users").select(["id", "displayName"]).page_size(500).changes(from)
    };
    let all: Vec<_> = changes(DeltaStart::Beginning).try_collect().await.unwrap();
    let Some(Delta::Reached(cursor)) = all.last() else { panic!("no cursor at the end") };
    let told = all.iter().filter(|news| matches!(news, Delta::Changed(_))).count();
    assert_eq!(told, lab.lab.user_count());

    let some = client.tenant().users.list().try_next().await.unwrap().unwrap().id;
    let update = UserUpdate::default().with_display_name("Renamed");
    client.tenant().users.update(&some, &update).await.unwrap();
    let news: Vec<_> = changes(DeltaStart::From(cursor.clone())).try_collect().await.unwrap();
    let Some(Delta::Changed(user)) = news.first() else { panic!("{news:?}") };
    assert_eq!(
        (user.id.as_str(), user.display_name.as_deref()),
        (some.to_string().as_str(), Some("Renamed"))
    );
    assert_eq!(news.len(), 2);

    // By the properties of the port.
    let keys = |from| client.user_changes(from).try_collect::<Vec<_>>();
    let now = keys(DeltaStart::Now).await.unwrap();
    let [Delta::Reached(now)] = now.as_slice() else { panic!("{now:?}") };
    let update = UserUpdate::default().with_account_enabled(false);
    client.tenant().users.update(&some, &update).await.unwrap();
    let news_of_keys = keys(DeltaStart::From(now.clone())).await.unwrap();
    let [Delta::Changed(user), Delta::Reached(_)] = news_of_keys.as_slice() else {
        panic!("{news_of_keys:?}")
    };
    assert_eq!(user.id, some);

    lab.lab.expire_delta_tokens();
    let news: Vec<_> = changes(DeltaStart::From(cursor.clone())).try_collect().await.unwrap();
    assert!(matches!(news.first(), Some(Delta::Resync)));
    assert_eq!(news.iter().filter(|news| matches!(news, Delta::Changed(_))).count(), lab.lab.user_count());
}

#[tokio::test]
async fn changes_in_bulk_are_all_made_under_the_documented_buckets_and_faults() {
    let lab = large(Consistency::Immediate).await;
    let limits = Throttling::documented(TenantSize::Small).with_writes(300, Duration::from_secs(15));
    lab.lab.set_throttling(Some(limits));
    lab.lab.add_fault(Fault::on("PATCH", "/v1.0/users/*", FaultAction::status(503)).from_nth(7));
    lab.lab.add_fault(Fault::on("PATCH", "/v1.0/users/*", FaultAction::cut_after()).from_nth(40).times(3));
    lab.lab.add_fault(Fault::on("POST", "/v1.0/$batch", FaultAction::cut_after()).from_nth(3));
    lab.lab.add_fault(Fault::on("POST", "/v1.0/$batch", FaultAction::status(401)).from_nth(6));
    // To look at what was sent, name a file here.
    let recorder = match std::env::var_os("ONRAMP_BULK_HAR") {
        Some(path) => HarRecorder::to_file(path).unwrap(),
        None => HarRecorder::in_memory(),
    };
    let client = lab.build(lab.client(lab.secret()).recorder(recorder.clone()));
    let ids: Vec<_> = client.graph().query::<Named>("users").select(["id"]).all().await.unwrap();
    let users: Vec<_> = ids.iter().map(|user| ObjectId::parse(&user.id).unwrap()).take(1000).collect();
    let update = UserUpdate::default().with_display_name("Changed in bulk");
    let changes: Vec<_> = users.iter().map(|id| (*id, update_user(id, &update).unwrap())).collect();
    let outcomes: Vec<_> = client.graph().bulk().run(futures_util::stream::iter(changes)).collect().await;
    for outcome in &outcomes {
        outcome.result.as_ref().unwrap();
    }
    assert_eq!(outcomes.len(), 1000);
    let query = client
        .graph()
        .query::<Named>("users")
        .select(["id", "displayName"])
        .filter_eq("displayName", "Changed in bulk");
    assert_eq!(query.all().await.unwrap().len(), 1000);
    let recording = recorder.archive().unwrap();
    assert!(
        recording.contains("$batch") && !recording.contains(lab.lab.credentials().client_secret.expose())
    );
}

#[tokio::test]
async fn http_2_is_spoken_only_where_it_was_asked_for() {
    let lab = large(Consistency::Immediate).await;
    let recorder = HarRecorder::in_memory();
    let client = lab.build(lab.client(lab.secret()).recorder(recorder.clone()));
    client.tenant().users.list().try_collect::<Vec<_>>().await.unwrap();
    let recording: serde_json::Value = serde_json::from_str(&recorder.archive().unwrap()).unwrap();
    let entries = recording["log"]["entries"].as_array().unwrap();
    assert!(entries.len() >= 3, "a token and two pages");
    let expected = if cfg!(feature = "http2") { "HTTP/2.0" } else { "HTTP/1.1" };
    for entry in entries {
        assert_eq!(entry["response"]["httpVersion"], expected);
    }
}

#[tokio::test]
async fn every_role_assignment_of_the_tenant_is_read_page_by_page() {
    let holders = (0..150).map(|n| {
        let upn = Upn::parse(&format!("holder{n}@contoso.onmicrosoft.com")).unwrap();
        SeedUser::new(upn).with_role(RoleTemplateId::DIRECTORY_READERS)
    });
    let lab = Lab::start(LabTenant::builder().users(2).seed_users(holders)).await;
    let found = lab.tenant().roles.assignments().await.unwrap();
    // The administrator and the emergency account hold a role, too.
    assert_eq!(found.len(), 152);
    assert_eq!(found, lab.lab.tenant().roles.assignments().await.unwrap(), "wire and model agree");
    let pages = lab.lab.requests();
    let pages = pages.iter().filter(|sent| sent.path.ends_with("/directory/roleAssignments"));
    assert!(pages.count() >= 2, "more than one page was read");

    let older = LabTenant::builder().users(2).legacy_roles_only(true);
    let found = Lab::start(older).await.tenant().roles.assignments().await.unwrap();
    assert_eq!(found.len(), 2, "in the older form, too: {found:?}");
}

#[tokio::test]
async fn the_list_of_users_tells_what_matching_needs() {
    let user = |upn: &str| SeedUser::new(Upn::parse(upn).unwrap());
    let lab = Lab::start(
        LabTenant::builder()
            .users(0)
            .seed_user(user("invited@contoso.onmicrosoft.com").guest())
            .seed_user(user("ann_fabrikam.com#EXT#@contoso.onmicrosoft.com"))
            .seed_user(
                user("bob@contoso.onmicrosoft.com")
                    .with_display_name("Bob Berg")
                    .with_proxy_addresses(["SMTP:bob@corp.example", "smtp:bb@corp.example"])
                    .disabled(),
            ),
    )
    .await;
    for tenant in [lab.tenant(), lab.lab.tenant()] {
        let found: Vec<_> = tenant.users.list().try_collect().await.unwrap();
        let guests = found.iter().filter(|user| user.is_guest);
        let guests: Vec<_> = guests.map(|user| user.upn.prefix()).collect();
        assert_eq!(guests, ["invited", "ann_fabrikam.com#EXT#"]);
        let bob = found.iter().find(|user| user.upn.prefix() == "bob").unwrap();
        assert_eq!(
            (bob.display_name.as_deref(), bob.mail.as_deref(), bob.account_enabled),
            (Some("Bob Berg"), Some("bob@corp.example"), false)
        );
        assert_eq!(bob.proxy_addresses, ["SMTP:bob@corp.example", "smtp:bb@corp.example"]);
        assert_eq!(tenant.users.get(&bob.id).await.unwrap(), *bob, "as a single read tells it");
    }
}
