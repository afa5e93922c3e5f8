use std::sync::Arc;

use onramp::{ApplyStatus, Change, Event, JournalEntry, Onramp, Outcome};
use onramp_core::mock::{MockDirectorySync, MockDomains};
use onramp_core::tenant::{SyncState, SyncStatus};
use onramp_core::{Error, ErrorKind};

use crate::world::{SPEC, World, spec};

#[tokio::test]
async fn a_stop_in_the_middle_of_users_keeps_the_journal_and_the_rest_can_follow() {
    let mut world = World::new(400);
    let spec = spec(SPEC);
    let approved = world.approved(&spec).await;
    let (token, dns) = (world.token.clone(), world.onramp());
    drop(dns);
    world.tenant.auto_publish_dns(true);
    let onramp = world.watched(move |event| {
        if matches!(event, Event::Users { done, .. } if *done >= 50) {
            token.cancel();
        }
    });
    let outcome = world.apply(&onramp, &approved).await.unwrap();
    assert!(matches!(outcome.status, ApplyStatus::Cancelled { .. }), "{outcome:?}");
    assert!(outcome.not_tried() > 0 && outcome.done >= 50);
    let error = outcome.require_complete().unwrap_err();
    assert!(error.is_cancelled());
    assert!(error.to_string().contains("again to continue"), "{error}");
    let records = world.journal.records();
    let ended = records.iter().filter_map(|record| match record.entry {
        JournalEntry::ChangeEnded { outcome, .. } if outcome != Outcome::Cancelled => Some(outcome),
        _ => None,
    });
    assert_eq!(ended.count() as u64, outcome.done, "what was done is in the journal, all of it");

    world.token = Default::default();
    let outcome = world.apply(&world.onramp(), &approved).await.unwrap();
    outcome.require_complete().unwrap();
    assert!(outcome.unchanged >= 50);
    assert!(world.onramp().verify(&spec, Some(&approved), Some(&world.secrets)).await.unwrap().is_green());
}

#[tokio::test]
async fn a_record_that_nobody_publishes_is_waited_for_and_then_named() {
    let mut world = World::new(10);
    let approved =
        world.approved(&spec("domain = \"contoso.com\"\n[waits]\ndomain_verification_minutes = 30\n")).await;
    let before = onramp_core::Clock::elapsed(&*world.clock);
    let outcome = world.apply(&world.watched(|_| ()), &approved).await.unwrap();
    let waited = onramp_core::Clock::elapsed(&*world.clock) - before;
    assert_eq!(waited.as_secs() / 60, 30);
    let ApplyStatus::Stopped { problem, .. } = &outcome.status else { panic!("{outcome:?}") };
    let text = world.tenant.verification_text("contoso.com").unwrap();
    assert!(problem.contains(&text), "{problem}");
    let told: Vec<u64> = (world.events.lock().unwrap().iter())
        .filter_map(|event| match event {
            Event::Waiting { reason, waited, .. } if reason.to_string().contains("DNS record") => {
                Some(waited.as_secs())
            }
            _ => None,
        })
        .collect();
    assert!(told.len() >= 30 && told.windows(2).all(|pair| pair[1] - pair[0] <= 60), "{told:?}");
}

#[tokio::test]
async fn a_domain_controller_that_is_down_is_named() {
    let mut world = World::new(10);
    let approved =
        world.approved(&spec("domain = \"contoso.com\"\n[waits]\nreplication_minutes = 2\n")).await;
    let down = world.forest.controllers()[1].clone();
    world.forest.stop_controller(&down).unwrap();
    let before = onramp_core::Clock::elapsed(&*world.clock);
    let outcome = world.apply(&world.onramp(), &approved).await.unwrap();
    let waited = onramp_core::Clock::elapsed(&*world.clock) - before;
    assert_eq!(waited.as_secs() / 60, 2);
    let ApplyStatus::Stopped { problem, .. } = &outcome.status else { panic!("{outcome:?}") };
    assert!(problem.contains(&down) && problem.contains("1 of 2"), "{problem}");

    // A new plan names it: whoever accepts that it is left out can go on.
    let again = world.plan(&spec("domain = \"contoso.com\"\n")).await;
    assert!(again.is_empty(), "{:?}", again.changes());
    let [left_out] = again.consequences() else { panic!("{:?}", again.consequences()) };
    assert_eq!(left_out.id(), format!("controller-left-out:{down}"));
    assert!(
        !world.onramp().verify(&spec("domain = \"contoso.com\"\n"), None, None).await.unwrap().is_green()
    );
    world.forest.start_controller(&down).unwrap();
    world.apply(&world.onramp(), &approved).await.unwrap().require_complete().unwrap();
    assert!(world.plan(&spec("domain = \"contoso.com\"\n")).await.is_empty());
}

#[tokio::test]
async fn every_kind_of_refusal_stops_the_run_before_the_next_change() {
    for kind in [
        ErrorKind::Forbidden,
        ErrorKind::Unauthenticated,
        ErrorKind::NotFound,
        ErrorKind::Throttled { retry_after: None },
        ErrorKind::Unavailable,
        ErrorKind::OutcomeUnknown,
    ] {
        let mut world = World::new(10);
        let approved = world.approved(&spec(SPEC)).await;
        let mut domains = MockDomains::new();
        let refused = kind;
        domains.expect_add().times(1).returning(move |name| {
            Err(Error::new(refused, "add the domain").with_object(name).with_hint("Do something about it."))
        });
        domains.expect_verify().times(0);
        let tenant = world.tenant.tenant().with_domains(Arc::new(domains));
        let onramp = Onramp::new(tenant, world.forest.forest()).with_clock(world.clock.clone());
        let outcome = world.apply(&onramp, &approved).await.unwrap();
        let ApplyStatus::Stopped { number: 1, problem, .. } = &outcome.status else {
            panic!("{kind:?}: {outcome:?}")
        };
        assert!(problem.contains("contoso.com") && problem.contains("Do something"), "{problem}");
        assert_eq!(outcome.not_tried(), outcome.total - 1);
        let expected = if kind == ErrorKind::OutcomeUnknown { (0, 1) } else { (1, 0) };
        assert_eq!((outcome.failed, outcome.unknown), expected, "{kind:?}");
    }
}

#[tokio::test]
async fn a_write_that_cannot_be_read_back_is_not_called_done() {
    let mut world = World::new(0);
    let approved = world.approved(&spec("domain = \"contoso.com\"\n[sync]\nenable = true\n")).await;
    let tenant_id = approved.plan().header().tenant;
    let mut sync = MockDirectorySync::new();
    sync.expect_set_enabled().times(1).returning(|_| Ok(()));
    sync.expect_status()
        .returning(move || Ok(SyncStatus::new(tenant_id, "contoso", SyncState::NeverEnabled)));
    let tenant = world.tenant.tenant().with_sync(Arc::new(sync));
    world.tenant.auto_publish_dns(true);
    let onramp = Onramp::new(tenant, world.forest.forest()).with_clock(world.clock.clone());
    let outcome = world.apply(&onramp, &approved).await.unwrap();
    assert_eq!(outcome.unknown, 1, "{outcome:?}");
    assert!(
        matches!(&outcome.status, ApplyStatus::Stopped { title, .. } if *title == Change::EnableSync.to_string())
    );
}

#[tokio::test]
async fn users_whose_replication_was_not_seen_are_waited_for_again() {
    let mut world = World::new(60);
    let domain_only = world.approved(&spec("domain = \"contoso.com\"\n")).await;
    world.apply(&world.onramp(), &domain_only).await.unwrap().require_complete().unwrap();

    let dc2 = world.forest.controllers()[1].clone();
    world.forest.hold_replication(&dc2).unwrap();
    let users = spec("domain = \"contoso.com\"\n[users]\n[waits]\nreplication_minutes = 1\n");
    let approved = world.approved(&users).await;
    let outcome = world.apply(&world.onramp(), &approved).await.unwrap();
    let ApplyStatus::Stopped { problem, .. } = &outcome.status else { panic!("{outcome:?}") };
    assert!(problem.contains(&dc2), "{problem}");
    let verification = world.onramp().verify(&users, Some(&approved), None).await.unwrap();
    assert!(!verification.is_green(), "{verification:?}");

    let again = world.plan(&users).await;
    let [left] = again.changes() else { panic!("{:?}", again.changes()) };
    assert!(
        matches!(&left.change, Change::AwaitReplication { values, .. } if values.len() >= 16),
        "{left:?}"
    );
    world.forest.release_replication(&dc2).unwrap();
    let approved = crate::world::approve_all(again);
    world.apply(&world.onramp(), &approved).await.unwrap().require_complete().unwrap();
    assert!(world.plan(&users).await.is_empty());
    assert!(world.onramp().verify(&users, Some(&approved), None).await.unwrap().is_green());
}
