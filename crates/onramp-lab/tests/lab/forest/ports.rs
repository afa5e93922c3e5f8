//! The forest ports on the model, held to their contract and to what only several controllers show.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt};
use onramp::replication::{ReplicationExt, ReplicationState, WaitOptions};
use onramp_core::conformance::{self, ForestFixture, PollTimeout};
use onramp_core::forest::{ObjectChange, ObjectChanged, ReplicatedValue, UpnChange, UserQuery};
use onramp_core::{Clock, DomainName, ErrorKind, ManualClock, Upn, UpnSuffix};
use onramp_lab::forest::{Fault, LabForest, Operation};

fn lab(clock: &Arc<ManualClock>) -> LabForest {
    let lab = LabForest::builder().domain("corp.local").users(200).seed(7).controllers(2);
    lab.replication_delay(Duration::from_secs(30)).clock(clock.clone()).build().expect("a forest")
}

fn domain(name: &str) -> DomainName {
    DomainName::parse(name).expect("a domain name")
}

#[tokio::test]
async fn the_model_keeps_the_contract() {
    let clock = Arc::new(ManualClock::default());
    let lab = lab(&clock);
    let forest = lab.forest();
    let users: Vec<_> = forest.users.search(UserQuery::all()).try_collect().await.expect("all users");
    let named: Vec<_> =
        users.iter().filter(|user| user.upn.is_some()).map(|user| user.guid).take(5).collect();
    conformance::forest::run(&forest, &ForestFixture::new("lab", named, PollTimeout::new(clock))).await;
}

#[tokio::test]
async fn a_change_is_seen_elsewhere_after_the_delay() {
    let clock = Arc::new(ManualClock::default());
    let lab = lab(&clock);
    let forest = lab.forest();
    forest.suffixes.add(&domain("example.com")).await.expect("a new suffix");
    let value = ReplicatedValue::Suffix { suffix: UpnSuffix::parse("example.com").expect("a suffix") };
    let controllers = forest.replication.controllers().await.expect("controllers");
    assert_eq!(controllers.len(), 2);
    assert!(forest.replication.holds(&controllers[0], &value).await.expect("it answers"));
    assert!(!forest.replication.holds(&controllers[1], &value).await.expect("it answers"));
    clock.advance(Duration::from_secs(29));
    assert!(!forest.replication.holds(&controllers[1], &value).await.expect("it answers"));
    clock.advance(Duration::from_secs(1));
    assert!(forest.replication.holds(&controllers[1], &value).await.expect("it answers"));
}

#[tokio::test]
async fn waiting_names_a_controller_that_is_switched_off() {
    let clock = Arc::new(ManualClock::default());
    let lab = lab(&clock);
    let forest = lab.forest();
    lab.stop_controller("dc2.corp.local").expect("it exists");
    forest.suffixes.add(&domain("example.com")).await.expect("a new suffix");
    let value = ReplicatedValue::Suffix { suffix: UpnSuffix::parse("example.com").expect("a suffix") };
    let options = WaitOptions::default().with_timeout(Duration::from_secs(60));
    let report = forest
        .wait_for_value(value.clone())
        .with_options(options)
        .with_clock(&*clock)
        .await
        .expect("a report");
    let [first, second] = report.controllers.as_slice() else { panic!("two controllers: {report:?}") };
    assert_eq!(first.state, ReplicationState::Converged);
    assert!(matches!(second.state, ReplicationState::Unreachable { .. }), "{report:?}");

    lab.start_controller("dc2.corp.local").expect("it exists");
    let report =
        forest.wait_for_value(value).with_options(options).with_clock(&*clock).await.expect("a report");
    assert!(report.is_complete(), "{report:?}");
}

#[tokio::test]
async fn held_replication_arrives_when_released() {
    let clock = Arc::new(ManualClock::default());
    let lab = lab(&clock);
    let guid = lab.find_account("Administrator").expect("it exists");
    lab.hold_replication("dc2.corp.local").expect("it exists");
    lab.set_on("dc1.corp.local", &guid, "description", &["changed"]).expect("changed");
    clock.advance(Duration::from_secs(3600));
    let on = |host: &str| lab.values_on(host, &guid, "description").expect("values");
    assert_eq!(on("dc1.corp.local"), ["changed"]);
    assert_eq!(on("dc2.corp.local"), ["Built-in account Administrator"]);
    lab.release_replication("dc2.corp.local").expect("it exists");
    assert_eq!(on("dc2.corp.local"), ["changed"]);
}

#[tokio::test]
async fn the_higher_version_wins_a_conflict_on_every_controller() {
    let clock = Arc::new(ManualClock::default());
    let lab = lab(&clock);
    let guid = lab.find_account("Guest").expect("it exists");
    lab.set_on("dc1.corp.local", &guid, "description", &["first"]).expect("changed");
    lab.set_on("dc1.corp.local", &guid, "description", &["second"]).expect("changed");
    clock.advance(Duration::from_secs(1));
    lab.set_on("dc2.corp.local", &guid, "description", &["later, but changed once only"]).expect("changed");
    clock.advance(Duration::from_secs(60));
    for host in lab.controllers() {
        assert_eq!(lab.values_on(&host, &guid, "description").expect("values"), ["second"], "{host}");
    }
}

#[tokio::test]
async fn two_controllers_can_give_one_upn_to_two_users() {
    // Uniqueness is only checked against what the controller knows, as in every multi-master directory.
    let clock = Arc::new(ManualClock::default());
    let lab = lab(&clock);
    let (one, two) = (lab.find_account("Guest").expect("one"), lab.find_account("krbtgt").expect("two"));
    lab.set_on("dc1.corp.local", &one, "userPrincipalName", &["same@corp.local"]).expect("changed");
    lab.set_on("dc2.corp.local", &two, "userPrincipalName", &["same@corp.local"]).expect("changed");
    clock.advance(Duration::from_secs(60));
    let holders: Vec<_> = lab.forest().users.upn_owners().try_collect().await.expect("all holders");
    let same = holders.iter().filter(|holder| holder.upn.as_deref() == Some("same@corp.local")).count();
    assert_eq!(same, 2);
}

#[tokio::test]
async fn somebody_else_s_change_is_stale_and_not_overwritten() {
    let clock = Arc::new(ManualClock::default());
    let lab = lab(&clock);
    let forest = lab.forest();
    let user = first_user(&lab).await;
    let after =
        Upn::parse(user.upn.as_deref().expect("a UPN")).expect("a UPN").with_suffix(&domain("example.com"));
    let change = UpnChange { guid: user.guid, dn: user.dn.clone(), before: user.upn.clone(), after };
    lab.set_on("dc1.corp.local", &user.guid, "userPrincipalName", &["somebody@else.example"])
        .expect("changed");
    let error = forest.object_writer.change(&(&change).into()).await.expect_err("it is stale");
    assert_eq!(error.kind(), ErrorKind::Stale, "{error}");
    assert_eq!(error.reply().ldap_code, Some(16));
}

#[tokio::test]
async fn a_moved_user_is_still_found_by_guid() {
    let clock = Arc::new(ManualClock::default());
    let lab = lab(&clock);
    let forest = lab.forest();
    let user = first_user(&lab).await;
    let away = lab.base().child("OU", "Service Accounts");
    lab.move_to(&user.guid, &away).expect("moved");
    let moved = forest.users.get(&user.guid).await.expect("still there");
    assert!(moved.dn.is_within(&away), "{}", moved.dn);
    lab.delete(&user.guid).expect("deleted");
    assert!(forest.users.get(&user.guid).await.expect_err("gone").is_not_found());
}

#[tokio::test]
async fn plain_users_may_read_but_not_write() {
    let clock = Arc::new(ManualClock::default());
    let lab = lab(&clock);
    let forest = lab.forest_as(&lab.plain_user().expect("a user")).expect("the password is right");
    assert_eq!(forest.suffixes.list().await.expect("readable").len(), 1);
    let error = forest.suffixes.add(&domain("example.com")).await.expect_err("forbidden");
    assert_eq!(error.kind(), ErrorKind::Forbidden, "{error}");
    assert_eq!(error.reply().ldap_code, Some(50));
}

#[tokio::test]
async fn a_delegate_may_change_upns_of_unprotected_users_only() {
    let clock = Arc::new(ManualClock::default());
    let lab = lab(&clock);
    let forest = lab.forest_as(&lab.delegate().expect("a service account")).expect("the password is right");
    let user = first_user(&lab).await;
    let after = Upn::parse("delegated@example.com").expect("a UPN");
    let change = UpnChange { guid: user.guid, dn: user.dn.clone(), before: user.upn, after: after.clone() };
    assert_eq!(
        forest.object_writer.change(&(&change).into()).await.expect("allowed"),
        ObjectChanged::Changed
    );
    let protected = lab.find_account("Administrator").expect("it exists");
    let after = Upn::parse("root@example.com").expect("a UPN");
    let change = UpnChange { guid: protected, dn: user.dn, before: None, after };
    let error = forest.object_writer.change(&(&change).into()).await.expect_err("protected");
    assert_eq!(error.kind(), ErrorKind::Forbidden, "{error}");
}

#[tokio::test]
async fn faults_come_as_often_as_they_were_ordered() {
    let clock = Arc::new(ManualClock::default());
    let lab = lab(&clock);
    let suffixes = lab.forest().suffixes;
    lab.inject_after(1, Operation::Modify, Fault::Busy, 2);
    suffixes.add(&domain("one.example")).await.expect("the first goes well");
    for _ in 0..2 {
        let error = suffixes.add(&domain("two.example")).await.expect_err("busy");
        assert!(error.is_transient(), "{error}");
    }
    suffixes.add(&domain("two.example")).await.expect("the fourth goes well");
}

#[tokio::test]
async fn every_controller_describes_itself() {
    let lab =
        LabForest::builder().users(0).controllers(2).read_only_controllers(1).build().expect("a forest");
    let controllers = lab.forest().replication.controllers().await.expect("controllers");
    let kinds: Vec<_> = controllers.iter().map(|dc| (dc.host.as_str(), dc.is_read_only)).collect();
    assert_eq!(kinds, [("dc1.corp.local", false), ("dc2.corp.local", false), ("dc3.corp.local", true)]);
    assert!(controllers.iter().all(|dc| dc.is_global_catalog && dc.naming_contexts.len() == 3));
    assert!(controllers.iter().all(|dc| dc.site == "Default-First-Site-Name"));
}

#[tokio::test]
async fn twenty_thousand_changes_leave_every_controller_equal() {
    let clock = Arc::new(ManualClock::default());
    let lab = LabForest::builder().users(20_000).seed(1).controllers(2).clock(clock.clone());
    let lab = lab.replication_delay(Duration::from_secs(5)).build().expect("a forest");
    let forest = lab.forest();
    let new = domain("new.example");
    let users: Vec<_> = forest.users.search(UserQuery::all()).try_collect().await.expect("all users");
    assert_eq!(users.len(), 20_003, "and the three that every domain has");
    let change = |user: onramp_core::forest::ForestUser| {
        let after = Upn::parse(user.upn.as_deref()?).ok()?.with_suffix(&new);
        Some(UpnChange { guid: user.guid, dn: user.dn, before: user.upn, after })
    };
    let changes: Vec<_> = users.into_iter().filter_map(change).collect();
    let total = changes.len();
    let outcomes: Vec<_> = forest
        .object_writer
        .change_all(futures_util::stream::iter(changes.clone()).map(ObjectChange::from).boxed())
        .collect()
        .await;
    assert_eq!(outcomes.len(), total);
    let collisions = outcomes.iter().filter(|outcome| outcome.result.is_err()).count();
    // One of each colliding pair, and whoever has a UPN that reads the same but for the suffix.
    assert_eq!(collisions, 200, "one of each hundred collides");
    clock.advance(Duration::from_secs(5));
    let last = outcomes.iter().rev().find(|outcome| outcome.result.is_ok()).expect("some went well");
    let last = changes.iter().find(|change| change.guid == last.change.guid).expect("it was asked for");
    for controller in forest.replication.controllers().await.expect("controllers") {
        let value =
            ReplicatedValue::UserUpn { guid: last.guid, dn: last.dn.clone(), upn: last.after.clone() };
        assert!(
            forest.replication.holds(&controller, &value).await.expect("it answers"),
            "{}",
            controller.host
        );
    }
    assert!(clock.elapsed() >= Duration::from_secs(5));
}

async fn first_user(lab: &LabForest) -> onramp_core::forest::ForestUser {
    let base = lab.base().child("OU", "Staff");
    let users = lab.forest().users.search(UserQuery::below(base));
    users
        .try_filter(|user| std::future::ready(user.upn.is_some()))
        .next()
        .await
        .expect("one")
        .expect("readable")
}
