//! Ports that treat the stream of changes in odd ways.

use std::sync::atomic::Ordering;

use onramp::{ApplyStatus, Event, JournalEntry, Outcome};
use onramp_core::forest::UpnChange;

use crate::odd::{Way, with_writer};
use crate::world::{World, made, spec, upn_changes};

const USERS: &str = "domain = \"contoso.com\"\n[users]\n[sync]\nenable = true\n";

#[tokio::test]
async fn one_that_takes_all_before_it_answers_gets_all() {
    // More than the journal makes durable at a time.
    let mut world = World::new(900);
    let approved = world.approved(&spec(USERS)).await;
    assert!(upn_changes(approved.plan()).len() > 600);
    let (forest, sent) = with_writer(world.forest.forest(), Way::Collecting);
    let outcome = world.apply(&world.onramp_over(forest), &approved).await.unwrap();
    outcome.require_complete().unwrap();
    assert!(outcome.steps.iter().all(|step| step.outcome == Outcome::Done), "{:?}", outcome.steps);
    assert_eq!(sent.load(Ordering::Relaxed), upn_changes(approved.plan()).len());
}

#[tokio::test]
async fn one_that_ends_early_leaves_the_run_unfinished_with_the_first_open_change_named() {
    for after in [0, 5] {
        let mut world = World::new(20);
        let approved = world.approved(&spec(USERS)).await;
        let users = upn_changes(approved.plan());
        let (forest, _) = with_writer(world.forest.forest(), Way::ApplyStatus(after));
        let outcome = world.apply(&world.onramp_over(forest), &approved).await.unwrap();
        let ApplyStatus::Stopped { number, problem, .. } = &outcome.status else { panic!("{outcome:?}") };
        assert_eq!(*number, users[0].0);
        let text = format!("answered for {after} of {} users", users.len());
        assert!(problem.contains(&text), "{problem}");
        assert!(!outcome.is_complete() && outcome.not_tried() >= (users.len() - after) as u64);
        assert_eq!(outcome.steps.last().unwrap().outcome, Outcome::Failed);
        let state = world.tenant.tenant().sync.status().await.unwrap().state;
        assert_eq!(state, onramp_core::tenant::SyncState::NeverEnabled);
        let rest = world.apply(&world.onramp(), &approved).await.unwrap();
        rest.require_complete().unwrap();
        assert_eq!(rest.not_tried(), 0);
        assert!(rest.unchanged >= after as u64);
    }
}

#[tokio::test]
async fn answers_that_nobody_waits_for_do_not_stand_in_for_missing_ones() {
    let mut world = World::new(20);
    let approved = world.approved(&spec(USERS)).await;
    let users = upn_changes(approved.plan());
    let (forest, _) = with_writer(world.forest.forest(), Way::Confused);
    let outcome = world.apply(&world.onramp_over(forest), &approved).await.unwrap();
    let ApplyStatus::Stopped { problem, .. } = &outcome.status else { panic!("{outcome:?}") };
    let text = format!("answered for {} of {} users", users.len() - 1, users.len());
    assert!(problem.contains(&text), "{problem}");
    assert!(!outcome.is_complete() && outcome.failed == 0, "{outcome:?}");
    assert_eq!(made(&world.forest, approved.plan()).len(), users.len() - 1);
}

#[tokio::test]
async fn users_whose_answer_was_lost_are_not_called_unchanged() {
    for (lost, told) in [
        (1, "1 user may have been changed, because the answer was lost: CN="),
        (2, "2 users may have been changed, because the answer was lost, the last of them CN="),
    ] {
        let mut world = World::new(20);
        let approved = world.approved(&spec(USERS)).await;
        let users = upn_changes(approved.plan()).len() as u64;
        let (forest, _) = with_writer(world.forest.forest(), Way::Lost(lost));
        let outcome = world.apply(&world.onramp_over(forest), &approved).await.unwrap();
        let ApplyStatus::Stopped { problem, .. } = &outcome.status else { panic!("{outcome:?}") };
        assert!(problem.contains(told) && !problem.contains("not changed"), "{problem}");
        let detail = &outcome.steps.last().unwrap().detail;
        let lost = lost as u64;
        let expected = format!("{} now have the new UPN", users - lost);
        assert!(detail.starts_with(&expected), "{detail}");
        assert!(
            detail.contains(&format!("0 failed, {lost} with unknown result, 0 not attempted")),
            "{detail}"
        );
    }
}

#[tokio::test]
async fn a_server_that_is_down_is_not_asked_for_everybody() {
    let mut world = World::new(400);
    let approved = world.approved(&spec(USERS)).await;
    let (forest, _) = with_writer(world.forest.forest(), Way::Down);
    let outcome = world.apply(&world.onramp_over(forest), &approved).await.unwrap();
    let ApplyStatus::Stopped { problem, .. } = &outcome.status else { panic!("{outcome:?}") };
    assert!(problem.contains("20 users were not changed"), "{problem}");
    assert_eq!(outcome.failed, 20);
    assert!(made(&world.forest, approved.plan()).is_empty());
}

#[tokio::test]
async fn a_stop_names_the_first_change_that_is_open_whatever_the_order_of_answers() {
    let mut world = World::new(120);
    let approved = world.approved(&spec(USERS)).await;
    let (forest, _) = with_writer(world.forest.forest(), Way::Pausing);
    let (token, dns) = (world.token.clone(), world.tenant.clone());
    dns.auto_publish_dns(true);
    let onramp = world.watched_on(world.tenant.tenant(), forest, move |event| {
        if matches!(event, Event::Users { done, .. } if *done >= 30) {
            token.cancel();
        }
    });
    let outcome = world.apply(&onramp, &approved).await.unwrap();
    let ApplyStatus::Cancelled { next } = outcome.status else { panic!("{outcome:?}") };
    let made: Vec<u64> = made(&world.forest, approved.plan()).into_iter().map(|(number, _)| number).collect();
    let first_open = upn_changes(approved.plan()).into_iter().map(|(n, _)| n).find(|n| !made.contains(n));
    assert_eq!(Some(next), first_open);
    assert!(made.len() >= 30 && outcome.not_tried() > 0);
    assert!(made.len() < 40, "what was not taken by then is not sent");
    assert_eq!(outcome.steps.last().unwrap().outcome, Outcome::Cancelled);
}

#[tokio::test]
async fn one_user_that_cannot_be_changed_does_not_keep_the_others() {
    let mut world = World::new(30);
    let approved = world.approved(&spec(USERS)).await;
    let users = upn_changes(approved.plan());
    let gone: &UpnChange = &users[users.len() / 2].1;
    world.forest.delete(&gone.guid).unwrap();
    let outcome = world.apply(&world.onramp(), &approved).await.unwrap();
    let ApplyStatus::Stopped { problem, .. } = &outcome.status else { panic!("{outcome:?}") };
    assert!(problem.contains("1 user was not changed") && problem.contains(gone.dn.as_str()), "{problem}");
    assert_eq!(outcome.failed, 1);
    let records = world.journal.records();
    let ended = records.iter().filter(|record| {
        matches!(
            &record.entry,
            JournalEntry::ChangeEnded { object: Some(_), outcome: Outcome::Done, after: Some(_), .. }
        )
    });
    assert_eq!(ended.count(), users.len() - 1);
}

#[tokio::test]
async fn a_plan_that_was_stopped_by_single_refusals_goes_on_after_them() {
    // Fewer refusals in a row than end the run, and never so many.
    let mut world = World::new(200);
    let approved = world.approved(&spec(USERS)).await;
    let all = upn_changes(approved.plan()).len() as u64;
    let dc = world.forest.controllers()[0].clone();
    for (_, upn) in upn_changes(approved.plan()).iter().take(30) {
        world.forest.set_on(&dc, &upn.guid, "userPrincipalName", &["by.hand@corp.local"]).unwrap();
    }
    let outcome = world.apply(&world.onramp(), &approved).await.unwrap();
    let ApplyStatus::Stopped { problem, .. } = &outcome.status else { panic!("{outcome:?}") };
    assert!(problem.contains("30 users were not changed"), "{problem}");
    assert_eq!(outcome.stale, 30);
    assert_eq!(made(&world.forest, approved.plan()).len() as u64, all - 30);
    let last = upn_changes(approved.plan()).last().unwrap().0;
    assert_eq!(outcome.not_tried(), outcome.total - last, "those after the users");
    assert_eq!(outcome.failures.len(), 30, "each user by name");
}

#[tokio::test]
async fn values_are_written_down_not_long_before_they_are_sent() {
    let mut world = World::new(900);
    let approved = world.approved(&spec(USERS)).await;
    let (forest, sent) = with_writer(world.forest.forest(), Way::Pausing);
    let token = world.token.clone();
    world.tenant.auto_publish_dns(true);
    let onramp = world.watched_on(world.tenant.tenant(), forest, move |event| {
        if matches!(event, Event::Users { .. }) {
            token.cancel();
        }
    });
    world.apply(&onramp, &approved).await.unwrap();
    let records = world.journal.records();
    let announced = records.iter().filter(|record| {
        matches!(&record.entry, JournalEntry::ChangeStarted { object: Some(_), after: Some(_), .. })
    });
    let (announced, sent) = (announced.count(), sent.load(Ordering::Relaxed));
    assert!((sent..sent + 400).contains(&announced), "{announced} for {sent}");
}

#[tokio::test]
async fn outcomes_are_made_durable_in_groups() {
    let world = World::new(900);
    let approved = world.approved(&spec(USERS)).await;
    let users = upn_changes(approved.plan()).len();
    let (forest, _) = with_writer(world.forest.forest(), Way::Collecting);
    let mut journal = Flushes::default();
    let outcome =
        world.onramp_over(forest).apply_to_end(&approved, &mut journal, &world.secrets).await.unwrap();
    outcome.require_complete().unwrap();
    let groups: Vec<usize> = journal.groups.into_iter().filter(|group| *group > 1).collect();
    assert_eq!(groups.iter().sum::<usize>() / 256, users / 256, "{groups:?}");
    assert!(groups.iter().all(|group| *group <= 257), "{groups:?}");
    assert!(groups.len() <= users / 256 + 1, "and not each on its own: {groups:?}");
}

/// How many outcomes of users each flush made durable.
#[derive(Debug, Default)]
struct Flushes {
    ended: usize,
    groups: Vec<usize>,
}

#[async_trait::async_trait]
impl onramp::Journal for Flushes {
    async fn open(&mut self) -> onramp_core::Result<onramp::JournalState> {
        Ok(onramp::JournalState::default())
    }

    async fn append(&mut self, _: u64, records: &[onramp::JournalRecord]) -> onramp_core::Result<()> {
        let is_user = |record: &&onramp::JournalRecord| {
            matches!(&record.entry, JournalEntry::ChangeEnded { after: Some(_), .. })
        };
        self.ended += records.iter().filter(is_user).count();
        Ok(())
    }

    async fn flush(&mut self) -> onramp_core::Result<()> {
        self.groups.push(std::mem::take(&mut self.ended));
        Ok(())
    }

    fn read_all(&self) -> onramp_core::BoxStream<'static, onramp_core::Result<onramp::JournalRecord>> {
        Box::pin(futures_util::stream::empty())
    }
}

#[tokio::test]
async fn progress_of_a_few_more_than_a_hundred_users_is_told_at_most_a_hundred_times() {
    let mut world = World::new(180);
    let approved = world.approved(&spec(USERS)).await;
    world.tenant.auto_publish_dns(true);
    let onramp = world.watched(|_| ());
    world.apply(&onramp, &approved).await.unwrap().require_complete().unwrap();
    let told: Vec<(u64, u64)> = (world.events.lock().unwrap().iter())
        .filter_map(|event| match event {
            Event::Users { done, total, .. } => Some((*done, *total)),
            _ => None,
        })
        .collect();
    let (done, total) = told[told.len() - 1];
    assert!((101..200).contains(&total), "{total} is no such number");
    assert_eq!(done, total);
    assert!((50..=100).contains(&told.len()), "{} times for {total} users", told.len());
}

#[tokio::test]
async fn progress_is_told_about_a_hundred_times_with_the_speed() {
    let mut world = World::new(900);
    let approved = world.approved(&spec(USERS)).await;
    world.tenant.auto_publish_dns(true);
    let clock = world.clock.clone();
    let onramp = world.watched(move |event| {
        if matches!(event, Event::Users { .. }) {
            clock.advance(std::time::Duration::from_secs(2));
        }
    });
    world.apply(&onramp, &approved).await.unwrap().require_complete().unwrap();
    let told: Vec<(u64, u64, f64)> = (world.events.lock().unwrap().iter())
        .filter_map(|event| match event {
            Event::Users { done, total, per_second, .. } => Some((*done, *total, *per_second)),
            _ => None,
        })
        .collect();
    assert!((80..=100).contains(&told.len()), "{}", told.len());
    let (done, total, _) = told[told.len() - 1];
    assert_eq!(done, total);
    for (place, (done, _, per_second)) in told.iter().enumerate() {
        let seconds = 2.0 * place as f64;
        let expected = if place == 0 { 0.0 } else { *done as f64 / seconds };
        assert!((per_second - expected).abs() < 1e-6, "{place}: {per_second} is not {expected}");
    }
}
