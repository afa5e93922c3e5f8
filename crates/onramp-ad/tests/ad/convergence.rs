//! Many changes, verified on every domain controller by high-water mark and by value.

use std::time::Duration;

use onramp::replication::{
    MismatchCause, ReplicationExt, ReplicationMark, ReplicationReport, ReplicationState, ValueProof,
    WaitOptions,
};
use onramp_ad::AdClient;
use onramp_core::forest::{ForestUser, UpnChange};
use onramp_core::{Clock, Forest, ObjectGuid, Upn};
use onramp_lab::forest::{LabForest, LabForestBuilder, Vendor};

use crate::lab::{Lab, people};

const DELAY: Duration = Duration::from_secs(20);

fn builder() -> LabForestBuilder {
    LabForest::builder().users(60).controllers(2).read_only_controllers(1).replication_delay(DELAY)
}

async fn moved(forest: &Forest, users: Vec<ForestUser>, domain: &str) -> Vec<(ObjectGuid, Upn)> {
    let mut expected = Vec::new();
    for user in users {
        // The prefixes of UPNs are not unique over suffixes; account names are.
        let after = Upn::parse(&format!("{}@{domain}", user.sam_account_name)).unwrap();
        let change = UpnChange { guid: user.guid, dn: user.dn, before: user.upn, after: after.clone() };
        forest.object_writer.change(&(&change).into()).await.unwrap();
        expected.push((user.guid, after));
    }
    expected
}

async fn mark(lab: &Lab, forest: &Forest) -> ReplicationMark {
    forest.mark_replication(&lab.model.base()).await.unwrap()
}

fn state<'a>(report: &'a ReplicationReport, host: &str) -> &'a ReplicationState {
    &report.controllers.iter().find(|controller| controller.host == host).unwrap().state
}

async fn client(lab: &Lab) -> (AdClient, Forest) {
    let client = lab.connect().await;
    let forest = client.forest();
    (client, forest)
}

/// Waits, and returns the report with all progress on the way.
async fn waited(
    lab: &Lab,
    forest: &Forest,
    goal: &onramp::replication::ReplicationGoal,
    limit: Duration,
) -> (ReplicationReport, Vec<ReplicationReport>) {
    let options = WaitOptions::default().with_timeout(limit);
    let mut told = Vec::new();
    let mut tell = |report: &ReplicationReport| told.push(report.clone());
    let report = forest
        .wait_for_changes(goal)
        .with_options(options)
        .with_clock(lab.clock.as_ref())
        .on_progress(&mut tell)
        .await
        .unwrap();
    (report, told)
}

#[tokio::test]
async fn many_changes_are_proven_everywhere_both_ways() {
    for vendor in [Vendor::Samba, Vendor::Windows] {
        let lab = Lab::start(builder().vendor(vendor)).await;
        let (_client, forest) = client(&lab).await;
        let mark = mark(&lab, &forest).await;
        assert_eq!(mark.controllers.len(), 3, "{mark:?}");
        let users = people(forest.users.as_ref(), 30).await;
        let goal = mark.finish(moved(&forest, users, "contoso.com").await);
        let (report, told) = waited(&lab, &forest, &goal, Duration::from_secs(600)).await;
        assert!(report.is_complete(), "{report:?}");
        assert!(report.waited_ms >= 15_000, "they waited for the replication: {report:?}");
        let behind = told.iter().filter(
            |report| matches!(state(report, lab.host(1)), ReplicationState::Behind { usns } if *usns == 30),
        );
        assert!(behind.count() > 2, "progress says by how much: {told:?}");
        let target = report.target.unwrap();
        assert_eq!(target.host, lab.host(0));
    }
}

#[tokio::test]
async fn where_the_vector_is_hidden_xml_or_the_values_do() {
    for vendor in [Vendor::Windows, Vendor::Samba] {
        let lab = Lab::start(builder().vendor(vendor).hidden_up_to_dateness_vectors()).await;
        let (_client, forest) = client(&lab).await;
        let mark = mark(&lab, &forest).await;
        let users = people(forest.users.as_ref(), 30).await;
        let goal = mark.finish(moved(&forest, users, "contoso.com").await);
        let (report, told) = waited(&lab, &forest, &goal, Duration::from_secs(600)).await;
        assert!(report.is_complete(), "{report:?}");
        let numbers =
            told.iter().any(|report| matches!(state(report, lab.host(1)), ReplicationState::Behind { .. }));
        assert_eq!(numbers, vendor == Vendor::Windows, "only XML tells numbers: {told:?}");
        let missing = told.iter().any(|report| report.controllers.iter().any(|c| c.missing == Some(30)));
        assert!(missing, "{told:?}");
    }
}

#[tokio::test]
async fn those_that_are_behind_are_named_with_their_last_contact() {
    let lab = Lab::start(builder().vendor(Vendor::Windows)).await;
    let limits = onramp_ad::LdapTimeouts::default().with_probe(Duration::from_secs(5));
    let forest = lab.builder().timeouts(limits).connect().await.unwrap().forest();
    let users = people(forest.users.as_ref(), 5).await;
    let cut = lab.clock.now();
    lab.model.stop_controller(lab.host(1)).unwrap();
    lab.clock.advance(Duration::from_secs(7200));
    let mark = mark(&lab, &forest).await;
    assert_eq!(mark.controllers.len(), 2, "one cannot be asked: {mark:?}");
    let goal = mark.finish(moved(&forest, users, "contoso.com").await);
    lab.model.hold_replication(lab.host(2)).unwrap();
    let (report, _) = waited(&lab, &forest, &goal, Duration::from_secs(90)).await;
    assert_eq!(state(&report, lab.host(0)), &ReplicationState::Converged);
    assert!(matches!(state(&report, lab.host(1)), ReplicationState::Unreachable { .. }), "{report:?}");
    assert_eq!(state(&report, lab.host(2)), &ReplicationState::Behind { usns: 5 });
    let contact = report.controllers[1].last_contact.clone().expect("the others know when they heard of it");
    assert!((contact.at - cut).abs() < time::Duration::seconds(60), "{contact} is not {cut}");
    let error = report.require_complete().unwrap_err().to_string();
    for part in [lab.host(1), lab.host(2), "behind by 5 USNs", "1 of 3", "was last in step with it at 2026-"]
    {
        assert!(error.contains(part), "{error}");
    }
    // After their return, the same goal is reached, and the changes that the first had missed are read too.
    lab.model.start_controller(lab.host(1)).unwrap();
    lab.model.release_replication(lab.host(2)).unwrap();
    let (report, _) = waited(&lab, &forest, &goal, Duration::from_secs(600)).await;
    assert!(report.is_complete(), "{report:?}");
}

#[tokio::test]
async fn somebody_else_s_write_is_a_conflict_and_not_a_lag() {
    for vendor in [Vendor::Samba, Vendor::Windows] {
        let lab = Lab::start(builder().vendor(vendor)).await;
        let (_client, forest) = client(&lab).await;
        let mark = mark(&lab, &forest).await;
        let users = people(forest.users.as_ref(), 10).await;
        let expected = moved(&forest, users, "contoso.com").await;
        let (victim, _) = expected[4];
        // Another administrator, on the other domain controller, changes one of them repeatedly: its version
        // is the highest.
        for number in 0..4 {
            let value = format!("theirs{number}@fabrikam.example");
            lab.model.set_on(lab.host(1), &victim, "userPrincipalName", &[&value]).unwrap();
        }
        let (report, _) = waited(&lab, &forest, &mark.finish(expected), Duration::from_secs(600)).await;
        assert_eq!(report.behind().count(), 0, "nobody lags: {report:?}");
        assert_eq!(report.differing, 1, "{report:?}");
        let difference = &report.differences[0];
        assert_eq!((difference.guid, difference.cause), (victim, MismatchCause::Overwritten));
        assert_eq!(difference.found.as_deref(), Some("theirs3@fabrikam.example"));
        assert_eq!(difference.written_on.as_deref(), Some(lab.host(1)), "{difference}");
        let error = report.require_complete().unwrap_err();
        assert!(error.is_stale() && error.to_string().contains("theirs3@fabrikam.example"), "{error}");
    }
}

#[tokio::test]
async fn changes_of_an_earlier_run_and_samples_are_proven_too() {
    let lab = Lab::start(builder()).await;
    let (_client, forest) = client(&lab).await;
    let users = people(forest.users.as_ref(), 30).await;
    let expected = moved(&forest, users, "contoso.com").await;
    // The first run ended here; the mark of the second one is later than the changes.
    let mark = mark(&lab, &forest).await;
    for proof in [ValueProof::Every, ValueProof::Sample(5)] {
        let goal = mark.clone().finish(expected.clone()).with_proof(proof);
        let (report, _) = waited(&lab, &forest, &goal, Duration::from_secs(600)).await;
        assert!(report.is_complete(), "{report:?}");
    }
    lab.model.hold_replication(lab.host(1)).unwrap();
    let users = people(forest.users.as_ref(), 30).await;
    let expected = moved(&forest, users, "fabrikam.example").await;
    for proof in [ValueProof::Every, ValueProof::Sample(5)] {
        let goal =
            ReplicationMark::new(lab.model.base(), lab.host(0)).finish(expected.clone()).with_proof(proof);
        let (report, _) = waited(&lab, &forest, &goal, Duration::from_secs(60)).await;
        assert!(matches!(state(&report, lab.host(1)), ReplicationState::Behind { .. }), "{report:?}");
        assert_eq!(report.behind().count(), 1, "{report:?}");
    }
}
