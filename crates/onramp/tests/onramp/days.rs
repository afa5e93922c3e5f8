//! A wait for a DNS record that is interrupted, and continued days later.

use std::time::Duration;

use onramp::{ApplyStatus, ApprovedPlan, Event, FileJournal, Limits, Onramp, WaitReason};
use onramp_core::tenant::VerificationRecord;

use crate::world::{World, spec};

const DAY: Duration = Duration::from_secs(24 * 3600);

/// A program that applies a plan with the journal in the folder, and ends where it has to wait or where the run ends.
async fn program(
    world: &World,
    plan: &ApprovedPlan,
    folder: &tempfile::TempDir,
) -> (ApplyStatus, Vec<Duration>) {
    let mut journal = FileJournal::create(folder.path().join("journal.jsonl")).unwrap();
    let waited = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let seen = waited.clone();
    // Nobody publishes the record.
    let onramp = Onramp::new(world.tenant.tenant(), world.forest.forest())
        .with_clock(world.clock.clone())
        .with_observer(move |event| {
            if let Event::Waiting { waited, reason: WaitReason::DnsRecord { .. }, .. } = event {
                seen.lock().unwrap().push(*waited);
            }
        });
    let mut run = onramp.start(plan, &mut journal, &world.secrets);
    let outcome = run.apply(&Limits::default()).await.unwrap();
    drop(run);
    let waited = waited.lock().unwrap().clone();
    (outcome.status, waited)
}

async fn publish(world: &World) {
    let domain = "contoso.com".parse().unwrap();
    for record in world.tenant.tenant().domains.verification_records(&domain).await.unwrap() {
        if let VerificationRecord::Txt { label, text, .. } = record {
            world.tenant.publish_txt(&label, &text);
        }
    }
}

#[tokio::test]
async fn a_wait_survives_a_week_of_restarts() {
    let (world, folder) = (World::new(3), tempfile::tempdir().unwrap());
    // Ten days.
    let plan =
        world.approved(&spec("domain = 'contoso.com'\n[waits]\ndomain_verification_minutes = 14400\n")).await;
    for day in 0..7 {
        let (status, waited) = program(&world, &plan, &folder).await;
        let ApplyStatus::Waiting { reason: WaitReason::DnsRecord { domain }, retry_after } = status else {
            panic!("day {day}: {status:?}")
        };
        assert_eq!(domain.to_string(), "contoso.com");
        assert!(!retry_after.is_zero() && retry_after <= Duration::from_secs(300), "{retry_after:?}");
        // The time counts from the first record of the journal, whatever was killed in between.
        let expected = DAY * day;
        assert!(waited.iter().all(|waited| *waited >= expected && *waited < expected + DAY), "{waited:?}");
        world.clock.advance(DAY);
    }
    publish(&world).await;
    let (status, _) = program(&world, &plan, &folder).await;
    assert!(
        matches!(
            status,
            ApplyStatus::Completed | ApplyStatus::Waiting { reason: WaitReason::Replication, .. }
        ),
        "{status:?}"
    );
}

#[tokio::test]
async fn who_comes_back_after_the_time_limit_is_looked_at_once_more() {
    for is_published in [true, false] {
        let (world, folder) = (World::new(3), tempfile::tempdir().unwrap());
        // An hour.
        let plan = world.approved(&spec("domain = 'contoso.com'\n")).await;
        let (status, _) = program(&world, &plan, &folder).await;
        assert!(matches!(status, ApplyStatus::Waiting { .. }), "{status:?}");
        world.clock.advance(3 * DAY);
        if is_published {
            publish(&world).await;
        }
        let (status, waited) = program(&world, &plan, &folder).await;
        match (is_published, status) {
            (true, ApplyStatus::Completed | ApplyStatus::Waiting { reason: WaitReason::Replication, .. }) => {
            }
            (false, ApplyStatus::Stopped { problem, .. }) => {
                assert!(problem.contains("after 259200 s") && problem.contains("MS=ms"), "{problem}");
                assert!(waited.is_empty(), "it does not wait again: {waited:?}");
            }
            (_, status) => panic!("{status:?}"),
        }
    }
}
