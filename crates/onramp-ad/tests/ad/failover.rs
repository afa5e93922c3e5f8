//! The loss and the return of a domain controller.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::{StreamExt, stream};
use onramp_ad::AdClient;
use onramp_core::forest::{ForestUser, ObjectChange, ObjectChanged, UpnChange};
use onramp_core::{Clock, ErrorKind, ManualClock, Upn, UpnSuffix};
use onramp_lab::forest::{Fault, LabForest, LabForestBuilder, Operation};
use onramp_lab::tls::LabCa;
use time::OffsetDateTime;

use crate::lab::{Lab, people};

const FIRST: &str = "dc1.corp.local";
const SECOND: &str = "dc2.corp.local";

/// Two domain controllers in sites of their own; a change stays on one of them until the clock moves.
fn two() -> LabForestBuilder {
    let lab = LabForest::builder().users(40).controllers(2).sites(&["Hub", "Branch"]);
    lab.replication_delay(Duration::from_secs(3600))
}

async fn changes(client: &AdClient, count: usize) -> Vec<(ForestUser, UpnChange)> {
    let users = people(&*client.forest().users, count).await;
    let change = |user: &ForestUser| UpnChange {
        guid: user.guid,
        dn: user.dn.clone(),
        before: user.upn.clone(),
        after: Upn::parse(&format!("{}@contoso.com", user.guid)).unwrap(),
    };
    users.into_iter().map(|user| (user.clone(), change(&user))).collect()
}

/// Stops a domain controller and lets the client notice: a broken connection is noticed when it is used.
async fn stop(lab: &Lab, client: &AdClient, host: &str) {
    lab.model.stop_controller(host).unwrap();
    client.domains().await.unwrap_err();
}

fn holds(lab: &Lab, host: &str, change: &UpnChange) -> bool {
    let values = lab.model.values_on(host, &change.guid, "userPrincipalName").unwrap();
    values == [change.after.as_str()]
}

#[tokio::test]
async fn the_first_host_that_answers_is_the_entrance_and_stays_it() {
    let lab = Lab::start(two()).await;
    lab.model.stop_controller(FIRST).unwrap();
    let client = lab.builder_at(FIRST).fallback_host(SECOND).connect().await.unwrap();
    assert_eq!(client.root_dse().await.unwrap().host, SECOND);
    lab.model.start_controller(FIRST).unwrap();
    assert_eq!(client.root_dse().await.unwrap().host, SECOND, "there is no reason to change");
    stop(&lab, &client, SECOND).await;
    assert_eq!(client.root_dse().await.unwrap().host, FIRST);
    stop(&lab, &client, FIRST).await;
    let error = client.root_dse().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    let said = error.to_string();
    assert!(said.contains(FIRST) && said.contains(SECOND), "{said}");
}

#[tokio::test]
async fn changes_stay_on_one_controller_until_it_goes_away() {
    let lab = Lab::start(two()).await;
    let client = lab.builder_at(FIRST).fallback_host(SECOND).connect().await.unwrap();
    let changes = changes(&client, 4).await;
    let writer = client.forest().object_writer;
    for (_, change) in &changes[..2] {
        assert_eq!(writer.change(&change.into()).await.unwrap(), ObjectChanged::Changed);
        assert!(holds(&lab, FIRST, change) && !holds(&lab, SECOND, change));
    }
    lab.model.stop_controller(FIRST).unwrap();
    // The change that meets the broken connection may be refused; it was not sent twice.
    let _ = writer.change(&(&changes[2].1).into()).await;
    assert_eq!(writer.change(&(&changes[3].1).into()).await.unwrap(), ObjectChanged::Changed);
    assert!(holds(&lab, SECOND, &changes[3].1));
    lab.model.start_controller(FIRST).unwrap();
    let again = writer.change(&(&changes[2].1).into()).await.unwrap();
    assert!(matches!(again, ObjectChanged::Changed | ObjectChanged::Unchanged), "{again:?}");
    assert!(holds(&lab, SECOND, &changes[2].1), "it stays with the one that took over");
    client.forest().suffixes.add(&"contoso.com".parse().unwrap()).await.unwrap();
    lab.clock.advance(Duration::from_secs(7200));
    for (_, change) in &changes {
        assert!(holds(&lab, FIRST, change) && holds(&lab, SECOND, change), "{}", change.after);
    }
}

/// A clock whose first wait stops the domain controller of its client.
#[derive(Debug)]
struct LosesController {
    clock: Arc<ManualClock>,
    model: LabForest,
    client: Mutex<Option<AdClient>>,
}

#[async_trait]
impl Clock for LosesController {
    fn now(&self) -> OffsetDateTime {
        self.clock.now()
    }

    fn elapsed(&self) -> Duration {
        self.clock.elapsed()
    }

    async fn sleep(&self, time: Duration) {
        let client = self.client.lock().unwrap().take();
        if let Some(client) = client {
            self.model.stop_controller(FIRST).unwrap();
            client.domains().await.unwrap_err();
        }
        self.clock.sleep(time).await;
    }

    fn random(&self) -> u64 {
        self.clock.random()
    }
}

#[tokio::test]
async fn a_change_that_waits_while_its_controller_goes_away_is_made_on_another() {
    let lab = Lab::start(two()).await;
    let (manual, model) = (lab.clock.clone(), lab.model.clone());
    let clock = Arc::new(LosesController { clock: manual, model, client: Mutex::new(None) });
    let builder = lab.builder_at(FIRST).fallback_host(SECOND).clock(clock.clone());
    let client = builder.changes_per_second(1.0).connect().await.unwrap();
    let changes = changes(&client, 2).await;
    let writer = client.forest().object_writer;
    assert_eq!(writer.change(&(&changes[0].1).into()).await.unwrap(), ObjectChanged::Changed);
    assert!(holds(&lab, FIRST, &changes[0].1), "the rate limit lets the first one pass");
    *clock.client.lock().unwrap() = Some(client.clone());
    assert_eq!(writer.change(&(&changes[1].1).into()).await.unwrap(), ObjectChanged::Changed);
    assert!(holds(&lab, SECOND, &changes[1].1) && !holds(&lab, FIRST, &changes[1].1));
}

#[tokio::test]
async fn a_change_that_waits_while_its_only_controller_goes_away_is_not_made() {
    let lab = Lab::start(LabForest::builder().users(40).controllers(1)).await;
    let (manual, model) = (lab.clock.clone(), lab.model.clone());
    let clock = Arc::new(LosesController { clock: manual, model, client: Mutex::new(None) });
    let builder = lab.builder_at(FIRST).clock(clock.clone()).changes_per_second(1.0);
    let client = builder.connect().await.unwrap();
    let changes = changes(&client, 2).await;
    let writer = client.forest().object_writer;
    writer.change(&(&changes[0].1).into()).await.unwrap();
    *clock.client.lock().unwrap() = Some(client.clone());
    let error = writer.change(&(&changes[1].1).into()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    assert!(!holds(&lab, FIRST, &changes[1].1));
}

#[tokio::test]
async fn a_lost_change_whose_only_controller_goes_away_then_has_an_unknown_outcome() {
    let lab = Lab::start(LabForest::builder().users(40).controllers(1)).await;
    let (manual, model) = (lab.clock.clone(), lab.model.clone());
    let clock = Arc::new(LosesController { clock: manual, model, client: Mutex::new(None) });
    let client = lab.builder_at(FIRST).clock(clock.clone()).connect().await.unwrap();
    let changes = changes(&client, 1).await;
    // The request is lost and looked up; the controller goes away before it is repeated.
    lab.model.inject(Operation::Modify, Fault::LostRequest, 1);
    *clock.client.lock().unwrap() = Some(client.clone());
    let error = client.forest().object_writer.change(&(&changes[0].1).into()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::OutcomeUnknown, "{error}");
}

#[tokio::test]
async fn a_change_whose_answer_is_lost_with_its_controller_is_looked_up_on_another() {
    let lab = Lab::start(two()).await;
    let client = lab.builder_at(FIRST).fallback_host(SECOND).connect().await.unwrap();
    let changes = changes(&client, 1).await;
    let [(_, change)] = changes.as_slice() else { panic!("one") };
    // The domain controller makes the change, and is lost before it answers.
    lab.model.inject(Operation::Modify, Fault::LostReply, 1);
    lab.model.before_write(0, |lab| lab.stop_controller(FIRST).unwrap());
    assert_eq!(client.forest().object_writer.change(&change.into()).await.unwrap(), ObjectChanged::Changed);
    assert!(holds(&lab, FIRST, change) && holds(&lab, SECOND, change), "the other one did not have it yet");
}

#[tokio::test]
async fn a_controller_that_dies_in_the_middle_of_many_changes_costs_none() {
    let lab = Lab::start(two()).await;
    let client = lab.builder_at(FIRST).fallback_host(SECOND).connect().await.unwrap();
    let changes = changes(&client, 20).await;
    let writer = client.forest().object_writer;
    let model = lab.model.clone();
    let taken = changes.iter().map(|(_, change)| change.clone()).enumerate().map(move |(at, change)| {
        if at == 10 {
            model.stop_controller(FIRST).unwrap();
        }
        change
    });
    let outcomes: Vec<_> = writer
        .change_all(stream::iter(taken.collect::<Vec<_>>()).map(ObjectChange::from).boxed())
        .collect()
        .await;
    assert_eq!(outcomes.len(), 20, "one outcome for each");
    // A change with an unknown outcome is made again; if it had happened, that is recognized.
    for outcome in outcomes.iter().filter(|outcome| outcome.result.is_err()) {
        writer.change(&outcome.change).await.unwrap();
    }
    lab.model.start_controller(FIRST).unwrap();
    lab.clock.advance(Duration::from_secs(7200));
    for (_, change) in &changes {
        assert!(holds(&lab, FIRST, change) && holds(&lab, SECOND, change), "{}", change.after);
    }
}

#[tokio::test]
async fn a_change_of_suffixes_whose_answer_was_lost_is_looked_up_before_it_is_made_elsewhere() {
    let lab = Lab::start(two()).await;
    let client = lab.builder_at(FIRST).fallback_host(SECOND).connect().await.unwrap();
    let suffixes = client.forest().suffixes;
    suffixes.list().await.unwrap();
    lab.model.inject(Operation::Modify, Fault::LostReply, 1);
    suffixes.add(&"contoso.com".parse().unwrap()).await.unwrap();
    stop(&lab, &client, FIRST).await;
    // The second does not have it yet: there it is no suffix that could be removed.
    let error = suffixes.force_remove(&UpnSuffix::parse("contoso.com").unwrap()).await.unwrap_err();
    assert!(error.is_not_found(), "{error}");
}

#[tokio::test]
async fn credentials_that_are_refused_are_not_tried_elsewhere() {
    let lab = Lab::start(two()).await;
    let login = lab.model.administrator();
    let client = lab
        .builder_at(FIRST)
        .fallback_host(SECOND)
        .bind(onramp_ad::BindName::parse(&login.name).unwrap(), onramp_core::Password::new("wrong".into()));
    let error = client.connect().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthenticated);
    assert_eq!(error.reply().server.as_deref(), Some(FIRST));
}

#[tokio::test]
async fn hosts_of_two_forests_are_no_failover() {
    let lab = Lab::start(two()).await;
    let other = LabForest::builder().domain("other.example").users(5).build().unwrap();
    let ca = LabCa::new().unwrap();
    let servers = other.serve(&ca).await.unwrap();
    let stranger = &servers.controllers()[0];
    let login = lab.model.administrator();
    let other_login = other.administrator();
    assert_ne!(login.name, other_login.name);
    let client = lab
        .builder_at(FIRST)
        .fallback_host(&stranger.host)
        .address(&stranger.host, stranger.ldaps)
        .trust_root_pem(ca.certificate_pem())
        .unwrap();
    let client = client.connect().await.unwrap();
    stop(&lab, &client, FIRST).await;
    // The bind is refused there, or the other forest is noticed; in no case does the client go on.
    let error = client.root_dse().await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Unauthenticated | ErrorKind::Invalid), "{error}");
}

#[tokio::test]
async fn a_site_that_is_preferred_is_written_to_first() {
    let lab = two().add_domain(onramp_lab::forest::LabDomain::new("emea.corp.local").controllers(2));
    let lab = Lab::start(lab).await;
    // The role of PDC emulator would count more than the site, so it is removed.
    let head = lab.model.find(&"DC=emea,DC=corp,DC=local".parse().unwrap()).unwrap();
    for host in ["dc1.emea.corp.local", "dc2.emea.corp.local"] {
        lab.model.set_on(host, &head, "fSMORoleOwner", &[]).unwrap();
    }
    let client = lab.builder_at(FIRST).site("branch").connect().await.unwrap();
    let user = people_of(&lab, "DC=emea,DC=corp,DC=local").await;
    let after = Upn::parse("new.name@corp.local").unwrap();
    let change = UpnChange { guid: user.guid, dn: user.dn.clone(), before: user.upn.clone(), after };
    client.forest().object_writer.change(&(&change).into()).await.unwrap();
    assert!(holds(&lab, "dc2.emea.corp.local", &change) && !holds(&lab, "dc1.emea.corp.local", &change));
}

async fn people_of(lab: &Lab, domain: &str) -> ForestUser {
    use futures_util::TryStreamExt;
    use onramp_core::forest::UserQuery;
    let users = lab.model.forest().users.search(UserQuery::below(domain.parse().unwrap()));
    let users: Vec<ForestUser> = users.try_collect().await.unwrap();
    users.into_iter().find(|user| user.upn.is_some() && !user.is_critical).unwrap()
}
