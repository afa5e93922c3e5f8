//! Ends and pauses of a run: what was not sent is known as not sent, and nothing is sent after them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::{StreamExt, stream};
use onramp::{
    ApplyStatus, ApprovedPlan, AuditAction, AuditTrail, Change, Event, FileJournal, Forest, JournalEntry,
    JournalRecord, Limits, MemoryJournal, Outcome, PolicyRules, RecordedRun, UndoSelection, WaitReason,
};
use onramp_core::forest::{ObjectChange, ObjectChanged, ObjectOutcome, ObjectWriter};
use onramp_core::{BoxStream, Clock, ObjectGuid, Result};
use onramp_lab::forest::{Fault, Operation};
use tokio_util::sync::CancellationToken;

use crate::odd::{Way, with_writer};
use crate::policies::window_in;
use crate::world::{World, made, spec, upn_changes};

const USERS: &str = "domain = 'contoso.com'\n[users]\n";

/// The last entry about each user, by the number of the change.
fn last_entries(records: &[JournalRecord]) -> BTreeMap<u64, JournalEntry> {
    let of_user = |entry: &JournalEntry| match entry {
        JournalEntry::ChangeStarted { number, object: Some(_), after: Some(_), .. }
        | JournalEntry::ChangeEnded { number, object: Some(_), after: Some(_), .. } => Some(*number),
        _ => None,
    };
    records.iter().filter_map(|record| Some((of_user(&record.entry)?, record.entry.clone()))).collect()
}

/// Checks that a journal tells of each user whether the change was made, and of none that it may have been. Returns
/// the number of users whose change was announced and not sent.
fn nothing_is_open(world: &World, approved: &ApprovedPlan, records: &[JournalRecord]) -> usize {
    let made: Vec<u64> = made(&world.forest, approved.plan()).into_iter().map(|(number, _)| number).collect();
    let mut unsent = 0;
    for (number, entry) in last_entries(records) {
        let JournalEntry::ChangeEnded { outcome, .. } = &entry else { panic!("it has no end: {entry:?}") };
        assert_eq!(*outcome == Outcome::Done, made.contains(&number), "{entry:?}");
        unsent += usize::from(*outcome == Outcome::Cancelled);
    }
    let mut run = RecordedRun::new(approved.plan().clone());
    records.iter().for_each(|record| run.add(record));
    assert_eq!((run.changes_unknown(), run.users_changed()), (0, made.len() as u64));
    let (mut trail, mut audited) = (AuditTrail::new(approved.plan()), Vec::new());
    records.iter().for_each(|record| audited.extend(trail.add(record)));
    audited.extend(trail.end());
    let users = audited.iter().filter_map(|record| match &record.action {
        AuditAction::Change { kind, outcome, .. } if kind == "change-upn" => Some(*outcome),
        _ => None,
    });
    let users: Vec<Outcome> = users.collect();
    assert!(!users.contains(&Outcome::Unknown) && !users.contains(&Outcome::Cancelled), "{users:?}");
    assert_eq!(users.iter().filter(|outcome| **outcome == Outcome::Done).count(), made.len());
    unsent
}

/// Makes everything that comes before the users.
async fn prepare(world: &mut World) {
    world.tenant.auto_publish_dns(true);
    world.done(&spec("domain = 'contoso.com'")).await;
    world.journal = MemoryJournal::default();
}

#[tokio::test]
async fn a_stop_leaves_no_user_open_and_undo_leaves_those_of_the_next_run_alone() {
    let mut world = World::new(400);
    prepare(&mut world).await;
    let approved = world.approved(&spec(USERS)).await;
    let (forest, _) = with_writer(world.forest.forest(), Way::Pausing);
    let token = world.token.clone();
    let onramp = world.watched_on(world.tenant.tenant(), forest, move |event| {
        if matches!(event, Event::Users { done, .. } if *done >= 30) {
            token.cancel();
        }
    });
    let outcome = world.apply(&onramp, &approved).await.unwrap();
    assert!(matches!(outcome.status, ApplyStatus::Cancelled { .. }), "{outcome:?}");
    let records = world.journal.records();
    assert!(nothing_is_open(&world, &approved, &records) > 100);
    let first: Vec<ObjectGuid> =
        made(&world.forest, approved.plan()).into_iter().map(|(_, upn)| upn.guid).collect();
    assert_eq!(outcome.not_tried(), outcome.total - first.len() as u64);

    // Another run changes the others: that of the first one is still what it made.
    (world.token, world.journal) = (CancellationToken::new(), MemoryJournal::default());
    world.clock.advance(Duration::from_secs(60));
    world.done(&spec(USERS)).await;
    let mut run = RecordedRun::new(approved.plan().clone());
    records.iter().for_each(|record| run.add(record));
    let undo = world.onramp().undo(&run, &UndoSelection::default()).await.unwrap();
    let mut restored: Vec<ObjectGuid> = (undo.changes().iter())
        .filter_map(|planned| match &planned.change {
            Change::RestoreUpn { upn } => Some(upn.guid),
            _ => None,
        })
        .collect();
    restored.sort();
    let mut expected = first;
    expected.sort();
    assert_eq!(restored, expected);
    assert!(undo.skipped().is_empty(), "{:?}", undo.skipped());
}

#[tokio::test]
async fn a_run_that_its_policy_stops_leaves_no_user_open() {
    let mut world = World::of(400, |forest| forest.controllers(1), |tenant| tenant);
    prepare(&mut world).await;
    let approved = world.approved(&spec(USERS)).await;
    world.forest.inject(Operation::Modify, Fault::Refused { code: 50, message: "00002098" }, u64::MAX);
    let onramp = world.onramp().with_policy(Arc::new(PolicyRules::default().with_max_failures(3)));
    let outcome = world.apply(&onramp, &approved).await.unwrap();
    assert!(matches!(outcome.status, ApplyStatus::Stopped { .. }) && outcome.failed >= 3, "{outcome:?}");
    let unsent = nothing_is_open(&world, &approved, &world.journal.records());
    assert!(unsent > 100, "{unsent}");
}

#[tokio::test]
async fn a_port_that_ends_early_leaves_only_those_open_that_it_took() {
    let mut world = World::new(60);
    prepare(&mut world).await;
    let approved = world.approved(&spec(USERS)).await;
    let (forest, _) = with_writer(world.forest.forest(), Way::ApplyStatus(5));
    let outcome = world.apply(&world.onramp_over(forest), &approved).await.unwrap();
    assert!(matches!(outcome.status, ApplyStatus::Stopped { .. }), "{outcome:?}");
    assert!(nothing_is_open(&world, &approved, &world.journal.records()) > 20);
}

#[tokio::test]
async fn a_change_that_a_killed_run_may_have_sent_stays_possible_when_a_later_one_does_not_send_it() {
    let mut world = World::new(60);
    prepare(&mut world).await;
    let approved = world.approved(&spec(USERS)).await;
    let onramp = world.onramp().with_policy(Arc::new(PolicyRules::default()));
    world.apply(&onramp, &approved).await.unwrap().require_complete().unwrap();
    let (number, upn) = upn_changes(approved.plan()).remove(0);
    let records = world.journal.records();
    let entry = |ended: bool| {
        let is_it = |record: &&JournalRecord| match &record.entry {
            JournalEntry::ChangeStarted { number: of, .. } => !ended && *of == number,
            JournalEntry::ChangeEnded { number: of, .. } => ended && *of == number,
            _ => false,
        };
        records.iter().find(is_it).unwrap().clone()
    };
    let mut unsent = entry(true);
    if let JournalEntry::ChangeEnded { outcome, .. } = &mut unsent.entry {
        *outcome = Outcome::Cancelled;
    }
    let of_run = records[0].clone();
    let mut run = RecordedRun::new(approved.plan().clone());
    for record in [&of_run, &entry(false), &of_run, &entry(false), &unsent] {
        run.add(record);
    }
    assert_eq!((run.changes_unknown(), run.users_changed()), (1, 1), "{}", upn.dn);
}

/// A writer that takes what it can get at once, and calls a function with the number of changes taken so far.
struct Taking {
    inner: Arc<dyn ObjectWriter>,
    taken: Arc<AtomicUsize>,
    on_take: Arc<dyn Fn(usize) + Send + Sync>,
}

impl std::fmt::Debug for Taking {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Taking")
    }
}

#[async_trait::async_trait]
impl ObjectWriter for Taking {
    async fn change(&self, change: &ObjectChange) -> Result<ObjectChanged> {
        self.inner.change(change).await
    }

    fn change_all(&self, changes: BoxStream<'static, ObjectChange>) -> BoxStream<'static, ObjectOutcome> {
        let (inner, taken, on_take) = (self.inner.clone(), self.taken.clone(), self.on_take.clone());
        let one = move |change: ObjectChange| {
            let inner = inner.clone();
            async move {
                let result = inner.change(&change).await;
                ObjectOutcome { change, result }
            }
        };
        let counted = changes.inspect(move |_| on_take(taken.fetch_add(1, Ordering::Relaxed) + 1));
        counted.ready_chunks(1000).flat_map(stream::iter).then(one).boxed()
    }
}

fn taking(mut forest: Forest, on_take: impl Fn(usize) + Send + Sync + 'static) -> (Forest, Arc<AtomicUsize>) {
    let taken = Arc::new(AtomicUsize::new(0));
    let (inner, on_take) = (forest.object_writer, Arc::new(on_take));
    forest.object_writer = Arc::new(Taking { inner, taken: taken.clone(), on_take });
    (forest, taken)
}

#[tokio::test]
async fn nothing_more_is_sent_once_the_window_has_closed_although_it_was_announced() {
    let mut world = World::new(400);
    prepare(&mut world).await;
    let approved = world.approved(&spec(USERS)).await;
    let all = upn_changes(approved.plan()).len();
    let clock = world.clock.clone();
    // As if the machine slept over the end of the window, in the middle of a batch.
    let (forest, taken) = taking(world.forest.forest(), move |taken| {
        if taken == 30 {
            clock.advance(Duration::from_secs(3600));
        }
    });
    let rules = PolicyRules::default().with_window(window_in(&world, Duration::ZERO));
    let onramp = world.onramp_over(forest).with_policy(Arc::new(rules));
    let mut journal = MemoryJournal::default();
    let mut run = onramp.start(&approved, &mut journal, &world.secrets);
    let outcome = run.apply(&Limits::default()).await.unwrap();
    assert!(
        matches!(&outcome.status, ApplyStatus::Waiting { reason: WaitReason::Policy { .. }, .. }),
        "{outcome:?}"
    );
    assert_eq!((outcome.done, taken.load(Ordering::Relaxed)), (30, 30));
    drop(run);
    assert!(nothing_is_open(&world, &approved, &journal.records()) > 100);
    // The rest follows in the next window, each once.
    let outcome = onramp.apply_to_end(&approved, &mut journal, &world.secrets).await.unwrap();
    outcome.require_complete().unwrap();
    assert_eq!((outcome.unchanged, taken.load(Ordering::Relaxed)), (30, all + 30));
    assert_eq!(made(&world.forest, approved.plan()).len(), all);
}

#[tokio::test]
async fn a_window_that_closes_while_users_are_changed_is_waited_for_in_the_same_run() {
    let mut world = World::new(400);
    prepare(&mut world).await;
    let approved = world.approved(&spec(USERS)).await;
    let all = upn_changes(approved.plan()).len();
    let clock = world.clock.clone();
    // The last one is announced by then, too.
    let (forest, taken) = taking(world.forest.forest(), move |taken| {
        if taken == 30 || taken + 10 == all {
            clock.advance(Duration::from_secs(3600));
        }
    });
    let rules = PolicyRules::default().with_window(window_in(&world, Duration::ZERO));
    let onramp = world.onramp_over(forest).with_policy(Arc::new(rules));
    let outcome = world.apply(&onramp, &approved).await.unwrap();
    outcome.require_complete().unwrap();
    assert_eq!((outcome.done, taken.load(Ordering::Relaxed)), (outcome.total, all));
    let events = world.events.lock().unwrap().clone();
    let waits = |event: &&Event| matches!(event, Event::Waiting { reason: WaitReason::Policy { .. }, .. });
    assert_eq!(events.iter().filter(waits).count(), 2);
    nothing_is_open(&world, &approved, &world.journal.records());
}

#[tokio::test]
async fn nothing_more_is_sent_after_the_time_of_a_slice() {
    let mut world = World::new(400);
    prepare(&mut world).await;
    let approved = world.approved(&spec(USERS)).await;
    let clock = world.clock.clone();
    let (forest, taken) = taking(world.forest.forest(), move |taken| {
        if taken == 30 {
            clock.advance(Duration::from_secs(60));
        }
    });
    let onramp = world.onramp_over(forest);
    let mut run = onramp.start(&approved, &mut world.journal, &world.secrets);
    let until = world.clock.now() + Duration::from_secs(60);
    let outcome = run.apply(&Limits::default().with_until(until)).await.unwrap();
    assert_eq!(outcome.status, ApplyStatus::More, "{outcome:?}");
    assert_eq!((outcome.done, taken.load(Ordering::Relaxed)), (30, 30));
    drop(run);
    assert!(nothing_is_open(&world, &approved, &world.journal.records()) > 100);
}

#[tokio::test]
async fn a_stop_in_a_wait_is_recorded_in_a_file_too() {
    for spec_text in [USERS, "domain = 'contoso.com'"] {
        let mut world = World::new(40);
        let (folder, is_dns) = (tempfile::tempdir().unwrap(), spec_text != USERS);
        if !is_dns {
            prepare(&mut world).await;
        }
        let approved = world.approved(&spec(spec_text)).await;
        let mut rules = PolicyRules::default();
        if !is_dns {
            rules = rules.with_window(window_in(&world, Duration::ZERO));
        }
        let clock = world.clock.clone();
        let (forest, _) = taking(world.forest.forest(), move |taken| {
            if taken == 5 {
                clock.advance(Duration::from_secs(3600));
            }
        });
        // Nobody publishes the DNS record.
        let onramp = world.watched_on(world.tenant.tenant(), forest, |_| ()).with_policy(Arc::new(rules));
        let path = folder.path().join("journal.jsonl");
        let mut journal = FileJournal::create(&path).unwrap();
        let limits = Limits::default();
        let mut run = onramp.start(&approved, &mut journal, &world.secrets);
        let outcome = run.apply(&limits).await.unwrap();
        assert!(matches!(outcome.status, ApplyStatus::Waiting { .. }), "{outcome:?}");
        limits.stop.cancel();
        let outcome = run.apply(&limits).await.unwrap();
        assert!(matches!(outcome.status, ApplyStatus::Cancelled { .. }), "{outcome:?}");
        drop(run);
        let records = FileJournal::read(&path).unwrap();
        assert_eq!(records.last().unwrap().entry, JournalEntry::RunEnded { status: outcome.status });
        if !is_dns {
            assert!(nothing_is_open(&world, &approved, &records) > 10);
        }
    }
}
