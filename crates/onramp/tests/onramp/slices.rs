//! A run in slices: limits, waits that the caller sleeps through, and what a journal tells a later process.

use std::time::Duration;

use onramp::{ApplyStatus, Event, EventRecord, JournalEntry, Limits, MemoryJournal, WaitReason};
use onramp_core::Clock;
use tokio_util::sync::CancellationToken;

use crate::world::{SPEC, World, made, spec};

const USERS: &str = "domain = 'contoso.com'\n[users]\n";

#[tokio::test]
async fn nothing_sleeps_inside_and_every_wait_has_a_reason_and_a_time() {
    let world = World::new(5);
    let approved = world.approved(&spec(SPEC)).await;
    // Its owner publishes the DNS record only later.
    let (onramp, mut journal) = (world.watched(|_| {}), MemoryJournal::default());
    let mut run = onramp.start(&approved, &mut journal, &world.secrets);
    let mut reasons = Vec::new();
    let outcome = loop {
        let before = world.clock.elapsed();
        let outcome = run.apply(&Limits::default()).await.unwrap();
        assert_eq!(world.clock.elapsed(), before, "nothing slept");
        let ApplyStatus::Waiting { reason, retry_after } = &outcome.status else { break outcome };
        assert!(outcome.require_complete().is_err());
        reasons.push(reason.clone());
        // The reason is that of the last event.
        let told = world.events.lock().unwrap().last().cloned().unwrap();
        let is_replication = matches!(told, Event::Replication { .. } | Event::BulkReplication { .. });
        assert_eq!(*reason == WaitReason::Replication, is_replication, "{reason:?} after {told:?}");
        world.tenant.auto_publish_dns(true);
        // Too early, and nothing happens.
        world.clock.advance(*retry_after / 2);
        let early = run.apply(&Limits::default()).await.unwrap();
        assert!(
            matches!(early.status, ApplyStatus::Waiting { retry_after: rest, .. } if rest <= *retry_after)
        );
        world.clock.advance(*retry_after);
    };
    outcome.require_complete().unwrap();
    assert!(reasons.contains(&WaitReason::Replication), "{reasons:?}");
    assert!(reasons.iter().any(|reason| *reason != WaitReason::Replication), "{reasons:?}");
    assert_eq!(run.apply(&Limits::default()).await.unwrap(), outcome, "ended is ended");
}

#[tokio::test]
async fn a_slice_makes_as_many_changes_as_it_may_and_no_more() {
    let world = World::new(40);
    world.tenant.auto_publish_dns(true);
    let approved = world.approved(&spec(USERS)).await;
    let (onramp, mut journal) = (world.onramp(), MemoryJournal::default());
    let mut run = onramp.start(&approved, &mut journal, &world.secrets);
    let limits = Limits::default().with_max_changes(7);
    let (mut last, mut slices) = (0, 0);
    let outcome = loop {
        let outcome = run.apply(&limits).await.unwrap();
        assert!(outcome.done - last <= 7, "{outcome:?}");
        last = outcome.done;
        match &outcome.status {
            ApplyStatus::More => {
                slices += 1;
                let standing = made(&world.forest, approved.plan()).len() as u64;
                assert!(standing <= outcome.done, "none is in flight: {standing} of {outcome:?}");
            }
            ApplyStatus::Waiting { retry_after, .. } => world.clock.advance(*retry_after),
            _ => break outcome,
        }
    };
    outcome.require_complete().unwrap();
    assert!(slices >= 3, "{slices}");
}

#[tokio::test]
async fn slices_of_separate_processes_end_the_plan_too() {
    let world = World::new(20);
    world.tenant.auto_publish_dns(true);
    let approved = world.approved(&spec(USERS)).await;
    let mut journal = MemoryJournal::default();
    let limits = Limits::default().with_max_changes(4);
    for _ in 0..100 {
        let outcome = world.onramp().apply(&approved, &mut journal, &world.secrets, &limits).await.unwrap();
        match &outcome.status {
            ApplyStatus::Completed => {
                outcome.require_complete().unwrap();
                let ends = |entry: &JournalEntry| matches!(entry, JournalEntry::RunEnded { .. });
                assert_eq!(journal.records().iter().filter(|record| ends(&record.entry)).count(), 1);
                return;
            }
            ApplyStatus::Waiting { retry_after, .. } => world.clock.advance(*retry_after),
            status => assert_eq!(*status, ApplyStatus::More),
        }
    }
    panic!("it never ended");
}

#[tokio::test]
async fn a_slice_ends_at_its_time() {
    let world = World::new(30);
    world.tenant.auto_publish_dns(true);
    let approved = world.approved(&spec(USERS)).await;
    let (onramp, mut journal) = (world.onramp(), MemoryJournal::default());
    let mut run = onramp.start(&approved, &mut journal, &world.secrets);
    let over = Limits::default().with_until(world.clock.now());
    for number in 1..=3 {
        let outcome = run.apply(&over).await.unwrap();
        assert_eq!((outcome.status, outcome.steps.len()), (ApplyStatus::More, number));
    }
}

#[tokio::test]
async fn a_stop_ends_the_run_in_a_wait_too() {
    let world = World::new(5);
    let approved = world.approved(&spec(USERS)).await;
    let onramp = world.watched(|_| ());
    let mut journal = MemoryJournal::default();
    let mut run = onramp.start(&approved, &mut journal, &world.secrets);
    let outcome = run.apply(&Limits::default()).await.unwrap();
    let domain = "contoso.com".parse().unwrap();
    let ApplyStatus::Waiting { reason, .. } = outcome.status else { panic!("{outcome:?}") };
    assert_eq!(reason, WaitReason::DnsRecord { domain });
    let stop = CancellationToken::new();
    stop.cancel();
    let outcome = run.apply(&Limits::default().with_stop(stop)).await.unwrap();
    assert_eq!(outcome.status, ApplyStatus::Cancelled { next: 2 });
    drop(run);
    let last = journal.records().pop().unwrap();
    assert_eq!(last.entry, JournalEntry::RunEnded { status: ApplyStatus::Cancelled { next: 2 } });
}

#[tokio::test]
async fn a_deadline_counts_from_the_first_record_of_a_killed_run() {
    let world = World::new(5);
    let approved = world.approved(&spec(USERS)).await;
    let (onramp, mut journal) = (world.watched(|_| ()), MemoryJournal::default());
    let slice = async |journal: &mut MemoryJournal| {
        onramp.apply(&approved, journal, &world.secrets, &Limits::default()).await.unwrap()
    };
    // Each slice is a process of its own: the wait of 60 minutes ends all the same.
    let mut waits = 0;
    let outcome = loop {
        assert!(waits < 10, "it waits without end");
        let outcome = slice(&mut journal).await;
        let ApplyStatus::Waiting { .. } = &outcome.status else { break outcome };
        waits += 1;
        world.clock.advance(Duration::from_secs(20 * 60));
    };
    assert_eq!(waits, 3);
    let ApplyStatus::Stopped { problem, .. } = &outcome.status else { panic!("{outcome:?}") };
    assert!(problem.contains("not visible after 3600 s"), "{problem}");
    // That run has ended: the next one waits anew.
    let outcome = slice(&mut journal).await;
    assert!(matches!(outcome.status, ApplyStatus::Waiting { .. }), "{outcome:?}");
}

#[test]
fn stored_forms_have_a_version_and_milliseconds() {
    let waiting = Event::Waiting {
        reason: WaitReason::Visible { value: "it".into() },
        waited: Duration::from_millis(1500),
        timeout: Duration::from_secs(2),
    };
    let at = time::OffsetDateTime::UNIX_EPOCH;
    let json: serde_json::Value = serde_json::to_value(EventRecord::new(at, waiting)).unwrap();
    assert_eq!(
        json,
        serde_json::json!({
            "format_version": onramp::EVENT_FORMAT_VERSION,
            "at": "1970-01-01T00:00:00Z",
            "event": "waiting",
            "reason": { "wait": "visible", "value": "it" },
            "waited_ms": 1500,
            "timeout_ms": 2000,
        })
    );
    let status =
        ApplyStatus::Waiting { reason: WaitReason::Replication, retry_after: Duration::from_secs(1) };
    let json = serde_json::to_string(&status).unwrap();
    assert_eq!(json, r#"{"status":"waiting","reason":{"wait":"replication"},"retry_after_ms":1000}"#);
    assert_eq!(serde_json::from_str::<ApplyStatus>(&json).unwrap(), status);
}

#[tokio::test]
async fn a_survey_can_be_stored_and_planned_from_later() {
    let world = World::new(30);
    let spec = spec(SPEC);
    let survey = world.onramp().survey(&spec).await.unwrap();
    let stored: onramp::Survey = serde_json::from_str(&serde_json::to_string(&survey).unwrap()).unwrap();
    assert_eq!(onramp::plan(&spec, &stored), onramp::plan(&spec, &survey));
    let empty = onramp::Survey::new(survey.taken_at, survey.sync.status.clone());
    assert!(onramp::plan(&spec, &empty).is_blocked(), "no domain controller");
    assert!(serde_json::to_value(onramp::plan(&spec, &survey)).unwrap()["changes"].is_array());
}
