//! The SQLite store: the suites, and runs that another run takes over.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures_util::TryStreamExt;
use onramp::lab::forest::LabForest;
use onramp::lab::tenant::LabTenant;
use onramp::{
    ApplyStatus, ApprovedPlan, Event, Journal, JournalRecord, Limits, MemorySecretStore, Onramp, Plan,
    PlanApproval, PlanStore, RecordedRun, Spec, UndoSelection, conformance, plan,
};
use onramp_core::forest::ForestUser;
use onramp_core::tenant::VerificationRecord;
use onramp_core::{AttributeName, ErrorKind, Forest, ManualClock};
use onramp_store_sqlite::SqliteStore;

struct World {
    forest: LabForest,
    tenant: LabTenant,
    clock: Arc<ManualClock>,
    folder: tempfile::TempDir,
}

impl World {
    fn new() -> Self {
        let clock = Arc::new(ManualClock::default());
        let forest = LabForest::builder().users(60).clock(clock.clone()).build().unwrap();
        let tenant = LabTenant::builder().clock(clock.clone()).build().unwrap();
        Self { forest, tenant, clock, folder: tempfile::tempdir().unwrap() }
    }

    fn onramp(&self) -> Onramp {
        let dns = self.tenant.clone();
        let publish = move |event: &Event| {
            let Event::DnsRecordNeeded { records, .. } = event else { return };
            for record in records {
                if let VerificationRecord::Txt { label, text, .. } = record {
                    dns.publish_txt(label, text);
                }
            }
        };
        Onramp::new(self.tenant.tenant(), self.forest.forest())
            .with_clock(self.clock.clone())
            .with_observer(publish)
    }

    async fn plan(&self, domain: &str) -> Plan {
        let spec = Spec::from_toml(&format!("domain = '{domain}'\n[users]\n")).unwrap();
        plan(&spec, &self.onramp().survey(&spec).await.unwrap())
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("onramp.sqlite")
    }

    async fn store(&self) -> SqliteStore {
        SqliteStore::open(self.path()).await.unwrap()
    }
}

fn approved(plan: Plan) -> ApprovedPlan {
    let ids: Vec<String> =
        plan.consequences().iter().map(|consequence| consequence.id().to_owned()).collect();
    plan.approve(ids.iter().map(String::as_str)).unwrap()
}

/// The UPN of every user that a plan changes, and how often it was written.
async fn written(forest: &Forest, plan: &Plan) -> Vec<(Option<String>, u32)> {
    let attribute = AttributeName::from_static("userPrincipalName");
    let controller = forest.replication.controllers().await.unwrap().remove(0);
    let metadata = forest.replication_metadata.as_ref().unwrap();
    let mut all = Vec::new();
    for planned in plan.changes() {
        let onramp::Change::ChangeUpn { upn } = &planned.change else { continue };
        let user: ForestUser = forest.users.get(&upn.guid).await.unwrap();
        let stamp = metadata.stamp(&controller, &upn.guid, &attribute).await.unwrap();
        all.push((user.upn, stamp.written.map_or(0, |written| written.version)));
    }
    all
}

#[tokio::test]
async fn a_journal_passes_its_suite_in_one_program_and_in_several() {
    let world = World::new();
    let store = world.store().await;
    conformance::journal(async || Ok(Box::new(store.journal("shared")) as Box<dyn Journal>)).await;
    let path = world.path();
    conformance::journal(async || {
        let store = SqliteStore::open(&path).await?;
        Ok(Box::new(store.journal("one of each program")) as Box<dyn Journal>)
    })
    .await;
    assert_eq!(store.journals().await.unwrap(), ["one of each program", "shared"]);
}

#[tokio::test]
async fn a_store_of_plans_passes_its_suite() {
    let world = World::new();
    let plans = [world.plan("contoso.com").await, world.plan("fabrikam.com").await];
    conformance::plan_store(&world.store().await, plans.each_ref()).await;
    // Another program sees the same.
    assert_eq!(world.store().await.digests().await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_run_that_another_one_took_over_changes_nothing_more() {
    let world = World::new();
    let plan = world.plan("contoso.com").await;
    let before = written(&world.forest.forest(), &plan).await;
    let (approved, secrets) = (approved(plan.clone()), MemorySecretStore::default());
    let (onramp, limits) = (world.onramp(), Limits::default().with_max_changes(12));
    let mut suspended = world.store().await.journal("run");
    let mut zombie = onramp.start(&approved, &mut suspended, &secrets);
    let outcome = loop {
        let outcome = zombie.apply(&limits).await.unwrap();
        match outcome.status {
            ApplyStatus::Waiting { retry_after, .. } => world.clock.advance(retry_after),
            _ => break outcome,
        }
    };
    assert_eq!(outcome.status, ApplyStatus::More, "{outcome:?}");

    // The suspended run is in the middle. Another program continues it to its end.
    let store = world.store().await;
    let mut journal = store.journal("run");
    let outcome = onramp.apply_to_end(&approved, &mut journal, &secrets).await.unwrap();
    assert!(outcome.is_complete() && outcome.done > 0 && outcome.unchanged > 0, "{outcome:?}");
    let after = written(&world.forest.forest(), &plan).await;
    let records = RecordedRun::read(plan.clone(), &journal).await.unwrap();
    assert_eq!(records.changes_made(), records.changes_planned());

    let error = zombie.apply(&Limits::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Stale, "{error}");
    assert!(error.to_string().contains("opened again by another run"), "{error}");
    assert_eq!(written(&world.forest.forest(), &plan).await, after, "nothing of it follows");
    assert_eq!(after.len() as u64, plan.users_changed());
    // A write raises the version by one or two, as the directory counts; it is the same for all that are written once.
    let raised: BTreeSet<(bool, u32)> = (after.iter().zip(&before))
        .map(|((_, times), (upn, before))| (upn.is_some(), times - before))
        .collect();
    assert!(raised.iter().all(|(_, raised)| (1..=2).contains(raised)), "{raised:?}");
    assert_eq!(raised.iter().filter(|(is_replaced, _)| *is_replaced).count(), 1, "each once: {raised:?}");

    let undo = onramp.undo(&records, &UndoSelection::default()).await.unwrap();
    assert_eq!(undo.users_changed(), plan.users_changed(), "the journal is enough to undo the run");
}

#[tokio::test]
async fn a_plan_is_applied_that_another_person_approved_and_no_other() {
    let world = World::new();
    let (plan, store) = (world.plan("contoso.com").await, world.store().await);
    let now = plan.header().surveyed_at;
    store.save(&plan, "Anna", now).await.unwrap();
    let digest = plan.digest();
    let ids: Vec<String> =
        plan.consequences().iter().map(|consequence| consequence.id().to_owned()).collect();
    let asked = async |expected: &str| {
        let error = store.load(&digest).await.unwrap().approved_by_others().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Forbidden);
        assert!(error.to_string().contains(expected), "{error}");
    };
    asked("nobody but its author Anna").await;
    store.approve(&digest, &PlanApproval::new(" anna", now, &ids)).await.unwrap();
    asked("nobody but its author Anna").await;
    store.approve(&digest, &PlanApproval::new("bob", now, &ids[1..])).await.unwrap();
    asked(&ids[0]).await;
    store.approve(&digest, &PlanApproval::new("carol", now, &ids[..1])).await.unwrap();
    let approved = store.load(&digest).await.unwrap().approved_by_others().unwrap();
    assert_eq!(approved.plan(), &plan);
    assert_eq!(approved.accepted().len(), ids.len());
    // Who approves another plan by mistake approves nothing.
    store.approve(&digest, &PlanApproval::new("dave", now, ["users-renamed:1:00000000"])).await.unwrap();
    asked("users-renamed:1:00000000").await;
}

#[tokio::test]
async fn a_file_that_is_not_such_a_database_is_refused_and_stays_as_it_is() {
    let world = World::new();
    let refused = async |path: &Path, expected: &str| {
        let before = std::fs::read(path).unwrap();
        let error = SqliteStore::open(path).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
        assert!(error.to_string().contains(expected), "{error}");
        assert_eq!(std::fs::read(path).unwrap(), before);
    };
    let text = world.folder.path().join("notes.txt");
    std::fs::write(&text, "just a text that is long enough to be no empty file\n".repeat(40)).unwrap();
    refused(&text, "not a database").await;
    let other = world.folder.path().join("other.sqlite");
    rusqlite::Connection::open(&other)
        .unwrap()
        .execute_batch("CREATE TABLE t (x); PRAGMA user_version = 3")
        .unwrap();
    refused(&other, "another program").await;
    let newer = world.folder.path().join("newer.sqlite");
    drop(SqliteStore::open(&newer).await.unwrap());
    let connection = rusqlite::Connection::open(&newer).unwrap();
    connection.pragma_update(None, "user_version", 2).unwrap();
    connection.pragma_update(None, "journal_mode", "DELETE").unwrap();
    drop(connection);
    refused(&newer, "version 2").await;
    assert!(onramp_files::is_private(&newer).unwrap());
}

#[tokio::test]
async fn records_that_could_not_be_written_are_written_by_the_next_flush() {
    let world = World::new();
    let mut journal = world.store().await.journal("run");
    let state = journal.open().await.unwrap();
    let record = |number: u64| -> JournalRecord {
        let json = format!(
            r#"{{"at":"2026-01-01T00:00:00Z","entry":"change-ended","number":{number},"outcome":"done"}}"#
        );
        serde_json::from_str(&json).unwrap()
    };
    journal.append(state.epoch, &[record(1)]).await.unwrap();
    let other = rusqlite::Connection::open(world.path()).unwrap();
    let full = "CREATE TRIGGER full BEFORE INSERT ON record BEGIN SELECT RAISE(ABORT, 'disk full'); END";
    other.execute_batch(full).unwrap();
    let error = journal.flush().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    assert!(error.to_string().contains("disk full"), "{error}");
    other.execute_batch("DROP TRIGGER full").unwrap();
    journal.append(state.epoch, &[record(2)]).await.unwrap();
    journal.flush().await.unwrap();
    let read: Vec<JournalRecord> = journal.read_all().try_collect().await.unwrap();
    assert_eq!(read, [record(1), record(2)]);
}
