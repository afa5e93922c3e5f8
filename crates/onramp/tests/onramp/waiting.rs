//! Waiting for replication: instant, because time comes from a clock.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use onramp::replication::{ReplicationExt, ReplicationState, WaitOptions};
use onramp_core::forest::{DomainController, ReplicatedValue, Replication};
use onramp_core::{Clock, DistinguishedName, Error, ErrorKind, Forest, ManualClock, Result};
use onramp_lab::forest::LabForest;

/// Domain controllers that get the value after so many looks; `None` is never, an empty entry unreachable.
#[derive(Debug)]
struct Slow(Mutex<HashMap<&'static str, Option<u32>>>);

#[async_trait]
impl Replication for Slow {
    async fn controllers(&self) -> Result<Vec<DomainController>> {
        let dn =
            |name: &str| DistinguishedName::parse(&format!("CN=NTDS Settings,CN={name},DC=corp")).unwrap();
        let mut stuck = DomainController::new("stuck", dn("stuck"), "Berlin", vec![]);
        stuck.inbound_disabled = true;
        let mut all: Vec<_> =
            ["dc1", "dc2", "down"].map(|name| DomainController::new(name, dn(name), "Berlin", vec![])).into();
        all.push(stuck);
        let known = self.0.lock().unwrap();
        Ok(all.into_iter().filter(|c| c.host == "down" || known.contains_key(c.host.as_str())).collect())
    }

    async fn holds(&self, controller: &DomainController, _: &ReplicatedValue) -> Result<bool> {
        match self.0.lock().unwrap().get_mut(controller.host.as_str()) {
            None => Err(Error::new(ErrorKind::Unavailable, "connect to").with_object(&controller.host)),
            Some(None) => Ok(false),
            Some(Some(0)) => Ok(true),
            Some(Some(left)) => {
                *left -= 1;
                Ok(false)
            }
        }
    }
}

fn slow<const N: usize>(looks: [(&'static str, Option<u32>); N]) -> Forest {
    let forest = LabForest::builder().build().unwrap().forest();
    let slow = Slow(Mutex::new(HashMap::from(looks)));
    forest.with_replication(Arc::new(slow)).without_replication_metadata()
}

fn value() -> ReplicatedValue {
    ReplicatedValue::Suffix { suffix: "contoso.com".parse().unwrap() }
}

#[tokio::test]
async fn the_report_names_who_lags_and_who_is_down() {
    let forest = slow([("dc1", Some(3)), ("dc2", None), ("stuck", None)]);
    let clock = ManualClock::default();
    let options = WaitOptions::default().with_timeout(Duration::from_secs(60));
    let mut looks = 0;
    let report = forest
        .wait_for_value(value())
        .with_options(options)
        .with_clock(&clock)
        .on_progress(|_| looks += 1)
        .await
        .unwrap();
    assert!(looks > 5);
    assert_eq!(clock.elapsed(), Duration::from_secs(60), "the deadline is met exactly");
    let states: Vec<_> = report.controllers.iter().map(|c| (c.host.as_str(), c.state.clone())).collect();
    assert_eq!(states[0], ("dc1", ReplicationState::Converged));
    assert_eq!(states[1], ("dc2", ReplicationState::Lagging));
    assert!(matches!(states[2], ("down", ReplicationState::Unreachable { .. })));
    assert_eq!(states[3], ("stuck", ReplicationState::ReplicationDisabled));
    let error = report.require_complete().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    for name in ["dc2", "down", "stuck", "1 of 4"] {
        assert!(error.to_string().contains(name), "{error}");
    }
}

#[tokio::test]
async fn waiting_ends_with_the_last_to_converge() {
    let forest = slow([("dc1", Some(0)), ("dc2", Some(2)), ("down", Some(1))]);
    let clock = ManualClock::default();
    let report = forest.wait_for_value(value()).with_clock(&clock).await.unwrap();
    assert!(report.is_complete());
    report.require_complete().unwrap();
    assert_eq!(clock.elapsed(), Duration::from_millis(200 + 400));
}
