//! Waiting for replication between real controllers.

use std::time::Duration;

use onramp_core::forest::{Convergence, ReplicatedValue, ReplicationExt, WaitOptions};
use onramp_core::{DomainName, SystemClock, UpnSuffix};

use crate::shared::{client, forest, partitions, run, seen};

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
        let report = ports.replication.wait(value.clone(), impatient, &clock, &mut |_| {}).await;
        forest.restore_network(1).unwrap();
        let report = report.unwrap();
        let behind: Vec<_> = report.behind().map(|progress| progress.host.as_str()).collect();
        assert_eq!(behind, [forest.controllers()[1].fqdn()], "{report:?}");
        let unreachable =
            report.behind().all(|who| matches!(who.convergence, Convergence::Unreachable { .. }));
        assert!(unreachable, "{report:?}");

        let patient = WaitOptions::default().with_timeout(Duration::from_secs(120));
        let mut looks = 0;
        let mut count = |_: &onramp_core::forest::ConvergenceReport| looks += 1;
        let report = ports.replication.wait(value, patient, &clock, &mut count).await.unwrap();
        assert!(report.is_complete(), "{report:?}");
        assert!(looks >= 1);
    });
    // The independent client agrees.
    for index in 0..forest.controllers().len() {
        assert!(seen(&forest, index, &partitions(&forest), "uPNSuffixes").contains(&domain.to_string()));
    }
}
