//! Many changes between real controllers, verified by high-water mark and by value, and compared with an independent
//! dump.

use std::time::Duration;

use futures_util::StreamExt;
use onramp::replication::{
    MismatchCause, ReplicationExt, ReplicationReport, ReplicationState, ReplicationSubject, WaitOptions,
};
use onramp_ad::LdapTimeouts;
use onramp_core::forest::{ObjectChange, UpnChange};
use onramp_core::{DistinguishedName, Forest as Ports, ObjectGuid, SystemClock, Upn};
use onramp_samba::{Forest, attribute_line};

use crate::crowd::{added, after, changes, crowd};
use crate::dump::Dump;
use crate::shared::{client, forest, run};

/// The number of users that are changed: enough for several pages of results.
const MANY: usize = 2_000;

fn patient() -> WaitOptions {
    WaitOptions::default().with_timeout(Duration::from_secs(300))
}

fn base(forest: &Forest) -> DistinguishedName {
    DistinguishedName::parse(forest.base_dn()).unwrap()
}

async fn changed(ports: &Ports, changes: Vec<ObjectChange>) -> Vec<(ObjectGuid, Upn)> {
    let outcomes = ports.object_writer.change_all(futures_util::stream::iter(changes).boxed());
    let outcomes: Vec<_> = outcomes.collect().await;
    let made = outcomes.into_iter().map(|outcome| {
        outcome.result.unwrap();
        (outcome.change.guid, after(&outcome.change))
    });
    made.collect()
}

#[test]
#[ignore = "needs root and Samba AD"]
fn thousands_of_changes_are_proven_on_the_other_controller_both_ways() {
    let forest = forest();
    let members = crowd(&forest, MANY);
    let ports = client(&forest, 0).build().unwrap().forest();
    let planned = changes(&members, &Dump::of(&forest, 0), "converged.example");
    let clock = SystemClock::new();
    let report: ReplicationReport = run(async {
        let mark = ports.mark_replication(&base(&forest)).await.unwrap();
        assert_eq!(mark.controllers.len(), 2, "{mark:?}");
        let goal = mark.finish(changed(&ports, planned.clone()).await);
        ports.wait_for_changes(&goal).with_options(patient()).with_clock(&clock).await.unwrap()
    });
    assert!(report.is_complete(), "{report:?}");
    assert!(
        matches!(report.subject, ReplicationSubject::Attribute { expected, .. } if expected == MANY as u64)
    );
    let target = report.target.expect("the writer's high-water mark is known");
    assert_eq!(target.host, forest.controllers()[0].fqdn());
    let heard = run(async {
        let controllers = ports.replication.controllers().await.unwrap();
        let other = controllers.iter().find(|other| other.host != target.host).unwrap();
        let position =
            ports.replication_metadata.as_ref().unwrap().position(other, &base(&forest)).await.unwrap();
        position.cursor(&target.invocation_id).and_then(|cursor| cursor.last_sync)
    });
    assert!(heard.is_some(), "the list of partners says when the writer was last heard of");
    // The independent client agrees, on both.
    for index in 0..2 {
        let dump = Dump::of(&forest, index);
        for change in &planned {
            assert_eq!(dump.get(&change.guid).upn.as_deref(), Some(after(change).as_str()), "on {index}");
        }
    }
}

#[test]
#[ignore = "needs root and Samba AD"]
fn a_controller_that_stops_while_it_is_waited_for_is_named() {
    let forest = forest();
    let members = crowd(&forest, 200);
    let limits =
        LdapTimeouts::default().with_connect(Duration::from_secs(3)).with_probe(Duration::from_secs(5));
    let ports = client(&forest, 0).timeouts(limits).build().unwrap().forest();
    let planned = changes(&members, &Dump::of(&forest, 0), "stopped.example");
    let clock = SystemClock::new();
    let second = forest.controllers()[1].fqdn();
    run(async {
        let mark = ports.mark_replication(&base(&forest)).await.unwrap();
        forest.stop_controller(1).unwrap();
        let goal = mark.finish(changed(&ports, planned).await);
        let impatient = WaitOptions::default().with_timeout(Duration::from_secs(10));
        let report = ports.wait_for_changes(&goal).with_options(impatient).with_clock(&clock).await;
        forest.start_controller(1).unwrap();
        let report = report.unwrap();
        let behind: Vec<_> = report.behind().map(|progress| progress.host.as_str()).collect();
        assert_eq!(behind, [second], "{report:?}");
        let error = report.require_complete().unwrap_err().to_string();
        assert!(error.contains(second) && error.contains("cannot be reached"), "{error}");

        let report = ports.wait_for_changes(&goal).with_options(patient()).with_clock(&clock).await.unwrap();
        assert!(report.is_complete(), "{report:?}");
    });
}

#[test]
#[ignore = "needs root and Samba AD"]
fn a_value_written_on_both_controllers_is_a_conflict() {
    let forest = forest();
    let [(user, guid), (_, other)] = added(&forest, 2).try_into().unwrap();
    forest.replicate(0, 1, forest.base_dn()).unwrap();
    let ports = client(&forest, 0).build().unwrap().forest();
    let clock = SystemClock::new();
    let report = run(async {
        let mark = ports.mark_replication(&base(&forest)).await.unwrap();
        // Neither controller gets the other's writes before all are made; otherwise there would be no conflict.
        forest.separate(0, 1).unwrap();
        // Several writes: their version is higher than that of the client's own, in whatever order they are replicated.
        for number in 0..5 {
            let dn = attribute_line("dn", &user.dn);
            let upn = format!("theirs{number}@conflict.example");
            let ldif = format!("changetype: modify\nreplace: userPrincipalName\nuserPrincipalName: {upn}\n");
            forest.ldapmodify(1, &format!("{dn}\n{ldif}")).unwrap();
        }
        let mut expected = Vec::new();
        for guid in [guid, other] {
            let held = ports.users.get(&guid).await.unwrap();
            let after = Upn::parse(&format!("ours-{}@conflict.example", held.sam_account_name)).unwrap();
            let change = UpnChange { guid, dn: held.dn, before: held.upn, after: after.clone() };
            ports.object_writer.change(&(&change).into()).await.unwrap();
            expected.push((guid, after));
        }
        for index in [0, 1] {
            forest.restore_network(index).unwrap();
        }
        forest.replicate(1, 0, forest.base_dn()).unwrap();
        let goal = mark.finish(expected);
        ports.wait_for_changes(&goal).with_options(patient()).with_clock(&clock).await.unwrap()
    });
    assert_eq!(report.behind().count(), 0, "nobody lags: {report:?}");
    let [difference] = report.differences.as_slice() else { panic!("one conflict: {report:?}") };
    assert_eq!((difference.guid, difference.cause), (guid, MismatchCause::Overwritten));
    assert_eq!(difference.found.as_deref(), Some("theirs4@conflict.example"));
    assert_eq!(difference.written_on.as_deref(), Some(forest.controllers()[1].fqdn()), "{difference}");
    assert!(report.controllers.iter().all(|one| one.state == ReplicationState::Converged));
}
