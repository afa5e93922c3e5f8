//! Domain controllers, and waiting for them.

use std::time::Duration;

use futures_util::TryStreamExt;
use onramp::replication::{ReplicationExt, ReplicationState, WaitOptions};
use onramp_ad::LdapTimeouts;
use onramp_core::forest::{ChangesQuery, ReplicatedValue};
use onramp_core::{DomainName, ErrorKind};
use onramp_lab::forest::LabForest;

use crate::lab::{Lab, people};

async fn three() -> Lab {
    let delay = Duration::from_secs(20);
    Lab::start(
        LabForest::builder().users(10).controllers(2).read_only_controllers(1).replication_delay(delay),
    )
    .await
}

fn suffix(name: &str) -> (DomainName, ReplicatedValue) {
    let domain: DomainName = name.parse().unwrap();
    let value = ReplicatedValue::Suffix { suffix: (&domain).into() };
    (domain, value)
}

#[tokio::test]
async fn every_domain_controller_is_found() {
    let lab = three().await;
    let controllers = lab.connect().await.controllers().await.unwrap();
    let hosts: Vec<&str> = controllers.iter().map(|c| c.host.as_str()).collect();
    let mut expected = lab.model.controllers();
    expected.sort();
    assert_eq!(hosts, expected);
    assert_eq!(controllers.iter().filter(|c| c.is_read_only).count(), 1);
    assert!(controllers.iter().all(|c| c.naming_contexts.contains(&lab.model.base()) && !c.site.is_empty()));
}

#[tokio::test]
async fn waiting_ends_when_the_last_one_has_it() {
    let lab = three().await;
    let forest = lab.connect().await.forest();
    let (domain, value) = suffix("contoso.com");
    forest.suffixes.add(&domain).await.unwrap();
    let mut converged = Vec::new();
    let mut progress = |report: &onramp::replication::ReplicationReport| {
        converged.push(report.controllers.len() - report.behind().count());
    };
    let options = WaitOptions::default();
    let report = forest
        .wait_for_value(value)
        .with_options(options)
        .with_clock(lab.clock.as_ref())
        .on_progress(&mut progress)
        .await
        .unwrap();
    assert!(report.is_complete(), "{report:?}");
    assert_eq!((converged.first(), converged.last()), (Some(&1), Some(&3)));
    assert!(report.waited_ms >= 20_000, "{report:?}");

    let user = people(forest.users.as_ref(), 1).await.remove(0);
    let after = format!("anew@{domain}").parse().unwrap();
    let change = onramp_core::forest::UpnChange {
        guid: user.guid,
        dn: user.dn.clone(),
        before: user.upn.clone(),
        after,
    };
    forest.object_writer.change(&(&change).into()).await.unwrap();
    let value = ReplicatedValue::UserUpn { guid: user.guid, dn: user.dn, upn: change.after };
    let report =
        forest.wait_for_value(value).with_options(options).with_clock(lab.clock.as_ref()).await.unwrap();
    assert!(report.is_complete(), "{report:?}");
}

#[tokio::test]
async fn those_that_lag_or_cannot_be_reached_are_named() {
    let lab = three().await;
    let limits = LdapTimeouts::default().with_probe(Duration::from_secs(5));
    let forest = lab.builder().timeouts(limits).connect().await.unwrap().forest();
    let (domain, value) = suffix("contoso.com");
    lab.model.hold_replication(lab.host(1)).unwrap();
    lab.model.stop_controller(lab.host(2)).unwrap();
    forest.suffixes.add(&domain).await.unwrap();
    let options = WaitOptions::default().with_timeout(Duration::from_secs(60));
    let report = forest
        .wait_for_value(value.clone())
        .with_options(options)
        .with_clock(lab.clock.as_ref())
        .await
        .unwrap();
    let state = |host: &str| &report.controllers.iter().find(|c| c.host == host).unwrap().state;
    assert_eq!(state(lab.host(0)), &ReplicationState::Converged);
    assert_eq!(state(lab.host(1)), &ReplicationState::Lagging);
    assert!(matches!(state(lab.host(2)), ReplicationState::Unreachable { .. }), "{report:?}");
    let error = report.require_complete().unwrap_err().to_string();
    assert!(
        error.contains(lab.host(1)) && error.contains(lab.host(2)) && error.contains("1 of 3"),
        "{error}"
    );

    // After their return, the same wait ends well.
    lab.model.release_replication(lab.host(1)).unwrap();
    lab.model.start_controller(lab.host(2)).unwrap();
    let report =
        forest.wait_for_value(value).with_options(options).with_clock(lab.clock.as_ref()).await.unwrap();
    assert!(report.is_complete(), "{report:?}");
}

#[tokio::test]
async fn a_value_that_lost_is_a_conflict_and_not_a_lag() {
    let lab = three().await;
    let forest = lab.connect().await.forest();
    let user = people(forest.users.as_ref(), 1).await.remove(0);
    let after = "ours@contoso.com".parse().unwrap();
    let (guid, dn) = (user.guid, user.dn.clone());
    let change = onramp_core::forest::UpnChange { guid, dn, before: user.upn.clone(), after };
    forest.object_writer.change(&(&change).into()).await.unwrap();
    // Later and on another domain controller, so that it wins the conflict.
    lab.clock.advance(Duration::from_secs(2));
    for theirs in ["first@corp.local", "theirs@corp.local"] {
        lab.model.set_on(lab.host(1), &user.guid, "userPrincipalName", &[theirs]).unwrap();
    }
    let value = ReplicatedValue::UserUpn { guid: user.guid, dn: user.dn, upn: change.after };
    let mut told = Vec::new();
    let mut note = |report: &onramp::replication::ReplicationReport| told.push(report.clone());
    let options = WaitOptions::default();
    let report = forest
        .wait_for_value(value)
        .with_options(options)
        .with_clock(lab.clock.as_ref())
        .on_progress(&mut note)
        .await
        .unwrap();
    let conflict = ReplicationState::Conflict { found: Some("theirs@corp.local".into()) };
    let first = &told[0];
    let state = |host: &str| &first.controllers.iter().find(|c| c.host == host).unwrap().state;
    assert_eq!((state(lab.host(0)), state(lab.host(1))), (&ReplicationState::Converged, &conflict));
    assert!(report.controllers.iter().all(|one| one.state == conflict), "{report:?}");
    assert!(report.waited_ms < report.timeout_ms, "waiting does not help: {report:?}");
    let error = report.require_complete().unwrap_err();
    assert!(error.is_stale(), "{error}");
    assert!(error.to_string().contains("conflict: dc2"), "{error}");
}

#[tokio::test]
async fn one_that_will_never_answer_is_named_and_told_apart() {
    let lab = three().await;
    let servers = "CN=Servers,CN=Default-First-Site-Name,CN=Sites,CN=Configuration,DC=corp,DC=local";
    let server = lab.model.find(&format!("CN=DC2,{servers}").parse().unwrap()).unwrap();
    lab.model.set_on(lab.host(0), &server, "dNSHostName", &[]).unwrap();
    let read_only = lab.model.controllers().pop().unwrap();
    lab.model.stop_controller(&read_only).unwrap();

    let forest = lab.connect().await.forest();
    let (replication, metadata) = (&forest.replication, forest.replication_metadata.as_ref().unwrap());
    let controllers = replication.controllers().await.unwrap();
    let shown: Vec<_> = controllers
        .iter()
        .map(|controller| (controller.host.as_str(), controller.has_host_name(), controller.is_read_only))
        .collect();
    assert_eq!(
        shown,
        [("DC2", false, false), ("dc1.corp.local", true, false), (read_only.as_str(), true, true)],
        "none is left out, and each is told as what it is"
    );
    let (_, value) = suffix("contoso.com");
    assert!(!replication.holds(&controllers[1], &value).await.unwrap());
    let guid = people(&*lab.model.forest().users, 1).await.remove(0).guid;
    let attribute = "userPrincipalName".parse().unwrap();
    for controller in [&controllers[0], &controllers[2]] {
        let query = ChangesQuery::new(lab.model.base(), "cn".parse().unwrap(), 0);
        let changes: Result<Vec<_>, _> = metadata.changes(controller, query).try_collect().await;
        for error in [
            replication.holds(controller, &value).await.unwrap_err(),
            metadata.position(controller, &lab.model.base()).await.unwrap_err(),
            metadata.stamp(controller, &guid, &attribute).await.unwrap_err(),
            changes.unwrap_err(),
        ] {
            assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
            assert!(error.to_string().contains(&controller.host), "{error}");
        }
    }
    let error = replication.holds(&controllers[0], &value).await.unwrap_err().to_string();
    assert!(error.contains("no host name") && error.contains("metadata"), "{error}");
    // The model returns the same.
    let model = lab.model.forest().replication;
    assert_eq!(model.controllers().await.unwrap().len(), 3);
    for controller in &controllers {
        let asked = model.holds(controller, &value).await;
        assert_eq!(asked.is_ok(), controller.host == "dc1.corp.local", "{asked:?}");
    }
}
