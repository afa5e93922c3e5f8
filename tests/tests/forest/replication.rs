//! Tests that wait for replication between real controllers.

use std::time::Duration;

use futures_util::{StreamExt, stream};
use onramp::replication::{ReplicationExt, ReplicationReport, ReplicationState, WaitOptions};
use onramp_core::forest::{ObjectChanged, ReplicatedValue};
use onramp_core::{DomainName, SystemClock, UpnSuffix};
use onramp_samba::Forest;

use crate::crowd::{CROWD, after, changes, crowd};
use crate::dump::{Dump, Fate};
use crate::shared::{client, forest, partitions, run, seen};

/// The time limit for a real forest.
const LIMIT: Duration = Duration::from_secs(120);

#[test]
#[ignore = "needs root and Samba AD"]
fn a_suffix_arrives_on_every_controller_and_the_wait_says_who_is_behind() {
    let forest = forest();
    let ports = client(&forest, 0).build().unwrap().forest();
    let clock = SystemClock::new();
    let domain = DomainName::parse("waited-for.example").unwrap();
    let value = ReplicatedValue::Suffix { suffix: UpnSuffix::from(&domain) };
    run(async {
        forest.cut_network(1).unwrap();
        ports.suffixes.add(&domain).await.unwrap();
        let impatient = WaitOptions::default().with_timeout(Duration::from_millis(200));
        let report = ports.wait_for_value(value.clone()).with_options(impatient).with_clock(&clock).await;
        forest.restore_network(1).unwrap();
        let report = report.unwrap();
        let behind: Vec<_> = report.behind().map(|progress| progress.host.as_str()).collect();
        assert_eq!(behind, [forest.controllers()[1].fqdn()], "{report:?}");
        let unreachable =
            report.behind().all(|who| matches!(who.state, ReplicationState::Unreachable { .. }));
        assert!(unreachable, "{report:?}");

        let patient = WaitOptions::default().with_timeout(Duration::from_secs(120));
        let mut looks = 0;
        let mut count = |_: &onramp::replication::ReplicationReport| looks += 1;
        let report = ports
            .wait_for_value(value)
            .with_options(patient)
            .with_clock(&clock)
            .on_progress(&mut count)
            .await
            .unwrap();
        assert!(report.is_complete(), "{report:?}");
        assert!(looks >= 1);
    });
    // The independent client agrees.
    for index in 0..forest.controllers().len() {
        assert!(seen(&forest, index, &partitions(&forest), "uPNSuffixes").contains(&domain.to_string()));
    }
}

#[test]
#[ignore = "needs root and Samba AD"]
fn thousands_of_upns_change_on_one_controller_and_arrive_on_the_other_both_ways() {
    let forest = forest();
    let crowd = crowd(&forest, CROWD);
    arrives(&forest, 0, 1);
    // Five thousand changes through the first controller, then all users once through the second.
    let legs = [(0, 1, "there.example"), (0, 1, "further.example"), (1, 0, "back.example")];
    for (writer, reader, name) in legs {
        let before = Dump::of(&forest, writer);
        let planned = changes(&crowd, &before, name);
        let domain = DomainName::parse(name).unwrap();
        let ports = client(&forest, writer).build().unwrap().forest();
        let last = run(async {
            ports.suffixes.add(&domain).await.unwrap();
            let mut told = ports.object_writer.change_all(stream::iter(planned.clone()).boxed());
            let (mut count, mut last) = (0, None);
            while let Some(outcome) = told.next().await {
                assert_eq!(outcome.result.unwrap(), ObjectChanged::Changed);
                (count, last) = (count + 1, Some(outcome.change));
            }
            assert_eq!(count, planned.len());
            last.unwrap()
        });
        let written = Dump::of(&forest, writer);
        assert!(planned.iter().all(|change| written.fate(&before, change) == Fate::MadeOnce));
        run(async {
            let suffix = ReplicatedValue::Suffix { suffix: UpnSuffix::from(&domain) };
            let upn = ReplicatedValue::UserUpn { guid: last.guid, upn: after(&last), dn: last.dn };
            for value in [suffix, upn] {
                let patient = WaitOptions::default().with_timeout(LIMIT);
                let report =
                    ports.wait_for_value(value).with_options(patient).with_clock(&SystemClock::new()).await;
                assert!(report.unwrap().is_complete());
            }
        });
        arrives(&forest, writer, reader);
        assert!(seen(&forest, reader, &partitions(&forest), "uPNSuffixes").contains(&name.to_owned()));
    }
}

#[test]
#[ignore = "needs root and Samba AD"]
fn a_wait_sees_controllers_that_hear_nothing_of_each_other_and_their_reunion() {
    let forest = forest();
    let value = added_while(&forest, "separated.example", |forest| forest.separate(0, 1).unwrap());
    let behind = waits(&forest, value, |forest| {
        forest.restore_network(0).unwrap();
        forest.restore_network(1).unwrap();
    });
    assert_eq!(behind, ReplicationState::Lagging, "it answers, and has not got it");
}

#[test]
#[ignore = "needs root and Samba AD"]
fn a_wait_outlives_a_controller_that_is_killed_meanwhile() {
    let forest = forest();
    let value = added_while(&forest, "outlived.example", |forest| forest.stop_controller(1).unwrap());
    let behind = waits(&forest, value, |forest| forest.start_controller(1).unwrap());
    assert!(matches!(behind, ReplicationState::Unreachable { .. }), "{behind:?}");
}

/// Adds a suffix on the first controller after a fault was caused in the forest.
fn added_while(forest: &Forest, name: &str, trouble: impl FnOnce(&Forest)) -> ReplicatedValue {
    let domain = DomainName::parse(name).unwrap();
    let ports = client(forest, 0).build().unwrap().forest();
    trouble(forest);
    run(ports.suffixes.add(&domain)).unwrap();
    ReplicatedValue::Suffix { suffix: UpnSuffix::from(&domain) }
}

/// Waits for a value that the second controller lacks, and removes the cause after the first check. Returns the state
/// of that controller as last reported before.
fn waits(forest: &Forest, value: ReplicatedValue, repair: impl FnOnce(&Forest) + Send) -> ReplicationState {
    let ports = client(forest, 0).build().unwrap().forest();
    let (mut repair, mut behind) = (Some(repair), None);
    let mut look = |report: &ReplicationReport| {
        if let Some(repair) = repair.take() {
            let hosts: Vec<_> = report.behind().map(|progress| progress.host.as_str()).collect();
            assert_eq!(hosts, [forest.controllers()[1].fqdn()]);
            behind = report.behind().next().map(|progress| progress.state.clone());
            repair(forest);
        }
    };
    let patient = WaitOptions::default().with_timeout(LIMIT);
    let report = run(ports
        .wait_for_value(value)
        .with_options(patient)
        .with_clock(&SystemClock::new())
        .on_progress(&mut look)
        .into_future())
    .unwrap();
    assert!(report.is_complete(), "{report:?}");
    behind.unwrap()
}

/// Fetches the changes of one controller, and checks that both hold the same values for every user, with the same
/// number of writes.
pub(crate) fn arrives(forest: &Forest, from: usize, to: usize) {
    forest.replicate(from, to, forest.base_dn()).unwrap();
    assert_eq!(Dump::of(forest, from), Dump::of(forest, to));
}

/// Replicates in both directions, and returns the users that both controllers hold then.
pub(crate) fn converged(forest: &Forest) -> Dump {
    forest.replicate(0, 1, forest.base_dn()).unwrap();
    arrives(forest, 1, 0);
    Dump::of(forest, 0)
}
