//! The numbers that a run tells of its users, and the bounds of what it keeps.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::{StreamExt, stream};
use onramp::{
    ApplyStatus, Event, Journal, JournalEntry, JournalRecord, JournalState, MemoryJournal, RecordedRun,
    UndoSelection, async_trait,
};
use onramp_core::forest::{ForestUser, ForestUsers, UpnOwner, UserQuery};
use onramp_core::{BoxStream, Error, ErrorKind, ObjectGuid, Result};
use onramp_lab::forest::{Fault, Operation};

use crate::world::{World, approve_all, spec, upn_changes};

const USERS: &str = "domain = 'contoso.com'\n[users]\n";

/// A forest with the suffix, so that a plan has changes of users alone.
async fn prepared(users: u64) -> World {
    let mut world = World::new(users);
    world.done(&spec("domain = 'contoso.com'")).await;
    world
}

#[tokio::test]
async fn users_that_somebody_changed_and_users_that_failed_are_told_apart() {
    let mut world = prepared(40).await;
    let approved = world.approved(&spec(USERS)).await;
    let changes = upn_changes(approved.plan());
    for (number, (_, change)) in changes.iter().rev().take(2).enumerate() {
        for host in world.forest.controllers() {
            let upn = format!("other{number}@corp.local");
            world.forest.set_on(&host, &change.guid, "userPrincipalName", &[&upn]).unwrap();
        }
    }
    world.forest.inject(Operation::Modify, Fault::Refused { code: 50, message: "00002098: SecErr" }, 3);
    let outcome = world.apply(&world.onramp(), &approved).await.unwrap();
    assert!(matches!(outcome.status, ApplyStatus::Stopped { .. }));
    assert_eq!((outcome.stale, outcome.failed), (2, 3));
    let detail = &outcome.steps.iter().find(|step| step.detail.contains("now have")).unwrap().detail;
    let expected = format!(
        "{} now have the new UPN, 2 skipped because somebody else changed the value, 3 failed, 0 not attempted",
        changes.len() - 5
    );
    assert_eq!(*detail, expected);
}

#[tokio::test]
async fn an_undo_speaks_of_restored_users() {
    let mut world = prepared(20).await;
    let approved = world.done(&spec(USERS)).await;
    let run = RecordedRun::read(approved.plan().clone(), &world.journal).await.unwrap();
    let undo = approve_all(world.onramp().undo(&run, &UndoSelection::default()).await.unwrap());
    world.events.lock().unwrap().clear();
    let outcome = world.apply(&world.onramp(), &undo).await.unwrap();
    outcome.require_complete().unwrap();
    let count = undo.plan().users_changed();
    let titles: Vec<String> = (world.events.lock().unwrap().iter())
        .filter_map(|event| match event {
            Event::ChangeStarted { title, .. } => Some(title.clone()),
            _ => None,
        })
        .collect();
    assert!(titles.contains(&format!("restore the UPN of {count} users")), "{titles:?}");
    let told = format!("{count} now have the UPN from before the run,");
    assert!(outcome.steps.iter().any(|step| step.detail.starts_with(&told)), "{outcome:?}");
}

#[tokio::test]
async fn an_outcome_keeps_the_first_thousand_failures_and_counts_all() {
    let mut world = prepared(1300).await;
    let approved = world.approved(&spec(USERS)).await;
    let refused = Fault::Refused { code: 50, message: "00002098: SecErr" };
    world.forest.inject(Operation::Modify, refused, u64::MAX);
    let outcome = world.apply(&world.onramp(), &approved).await.unwrap();
    assert!(outcome.failed > 1000, "{}", outcome.failed);
    assert_eq!(outcome.failures.len(), 1000);
    let recorded = world.journal.records();
    let failed = recorded.iter().filter(|record| {
        matches!(&record.entry, JournalEntry::ChangeEnded { outcome: onramp::Outcome::Failed, .. })
    });
    assert_eq!(failed.count() as u64, outcome.failed, "the journal has all of them");
}

/// Counts the most outcomes that a crash could lose.
#[derive(Debug, Default)]
struct Counting {
    journal: MemoryJournal,
    pending: usize,
    most: Arc<AtomicUsize>,
}

#[async_trait]
impl Journal for Counting {
    async fn open(&mut self) -> Result<JournalState> {
        self.journal.open().await
    }

    async fn append(&mut self, epoch: u64, records: &[JournalRecord]) -> Result<()> {
        let ended = |record: &&JournalRecord| matches!(record.entry, JournalEntry::ChangeEnded { .. });
        self.pending += records.iter().filter(ended).count();
        self.most.fetch_max(self.pending, Ordering::Relaxed);
        self.journal.append(epoch, records).await
    }

    async fn flush(&mut self) -> Result<()> {
        self.pending = 0;
        self.journal.flush().await
    }

    fn read_all(&self) -> BoxStream<'static, Result<JournalRecord>> {
        self.journal.read_all()
    }
}

#[tokio::test]
async fn no_more_than_256_outcomes_wait_for_their_flush() {
    let world = prepared(900).await;
    let approved = world.approved(&spec(USERS)).await;
    let mut journal = Counting::default();
    let most = Arc::clone(&journal.most);
    let outcome = world.onramp().apply_to_end(&approved, &mut journal, &world.secrets).await.unwrap();
    outcome.require_complete().unwrap();
    let most = most.load(Ordering::Relaxed);
    assert!((2..=256).contains(&most), "{most}");
}

/// Users of whom one search ends with an error.
#[derive(Debug)]
struct Cut {
    users: Arc<dyn ForestUsers>,
    /// The number of searches before that one.
    after: usize,
    searches: AtomicUsize,
}

#[async_trait]
impl ForestUsers for Cut {
    fn search(&self, query: UserQuery) -> BoxStream<'static, Result<ForestUser>> {
        let users = self.users.search(query);
        if self.searches.fetch_add(1, Ordering::Relaxed) != self.after {
            return users;
        }
        let lost = Error::new(ErrorKind::Unavailable, "read the users").with_detail("the connection is lost");
        users.take(3).chain(stream::iter([Err(lost)])).boxed()
    }

    fn upn_owners(&self) -> BoxStream<'static, Result<UpnOwner>> {
        self.users.upn_owners()
    }

    async fn get(&self, guid: &ObjectGuid) -> Result<ForestUser> {
        self.users.get(guid).await
    }
}

#[tokio::test]
async fn a_verification_that_cannot_read_every_user_is_an_error_and_no_result() {
    let mut world = prepared(20).await;
    let wanted = spec(USERS);
    let approved = world.done(&wanted).await;
    for after in 0.. {
        let forest = world.forest.forest();
        let cut = Arc::new(Cut { users: forest.users.clone(), after, searches: AtomicUsize::new(0) });
        let onramp = world.onramp_over(forest.with_users(cut.clone()));
        let result = onramp.verify(&wanted, Some(&approved), None).await;
        if cut.searches.load(Ordering::Relaxed) <= after {
            assert!(result.unwrap().is_green() && after >= 2, "{after} searches");
            break;
        }
        assert_eq!(result.unwrap_err().kind(), ErrorKind::Unavailable, "search {after}");
    }
}

#[tokio::test]
async fn the_origin_of_users_with_the_new_upn_is_told_where_the_numbers_differ() {
    let mut world = prepared(40).await;
    let first = upn_changes(&world.plan(&spec(USERS)).await)[0].1.guid;
    let some = spec(&format!("{USERS}only = ['{first}']"));
    world.done(&some).await;
    let all = spec(USERS);
    let approved = world.done(&all).await;
    let verification = world.verified(&all, &approved).await;
    let check = verification.checks.iter().find(|check| check.name.contains("new UPN")).unwrap();
    let changed = approved.plan().users_changed();
    assert!(check.detail.contains(&format!("({changed} from this plan, ")), "{check:?}");
    // Without a plan, nobody asks from which run they are.
    let verification = world.onramp().verify(&all, None, None).await.unwrap();
    let check = verification.checks.iter().find(|check| check.name.contains("new UPN")).unwrap();
    assert!(!check.detail.contains("from this plan"), "{check:?}");
}
