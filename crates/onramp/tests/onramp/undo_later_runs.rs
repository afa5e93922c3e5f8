//! Undoing a run whose values a later run wrote again.

use std::collections::BTreeMap;
use std::time::Duration;

use onramp::{
    ApprovedPlan, Change, Consequence, JournalEntry, JournalRecord, MemoryJournal, OtherRuns, Plan,
    RecordedRun, SkipReason, UndoSelection,
};
use onramp_core::forest::SuffixesExt;
use onramp_core::tenant::SyncState;
use onramp_core::{ObjectGuid, Upn};

use crate::small::{add, set, upn_of};
use crate::world::{World, approve_all, spec, upn_changes};

const USERS: &str = "domain = 'contoso.com'\n[users]\n";

/// Runs one after the other, each with a journal of its own.
struct Runs {
    world: World,
    all: Vec<(String, ApprovedPlan, Vec<JournalRecord>)>,
}

impl Runs {
    fn new(world: World) -> Self {
        world.tenant.auto_publish_dns(true);
        Self { world, all: Vec::new() }
    }

    /// Applies a plan as a run with that name.
    async fn apply(&mut self, name: &str, plan: Plan) {
        self.world.clock.advance(Duration::from_secs(60));
        self.world.journal = MemoryJournal::default();
        let approved = approve_all(plan);
        let onramp = self.world.onramp();
        self.world.apply(&onramp, &approved).await.unwrap().require_complete().unwrap();
        self.all.push((name.to_owned(), approved, self.world.journal.records()));
        self.world.clock.advance(Duration::from_secs(60));
    }

    async fn run(&mut self, name: &str, text: &str) {
        let plan = self.world.plan(&spec(text)).await;
        self.apply(name, plan).await;
    }

    /// Returns a run as its journal records it, with all others.
    fn recorded(&self, name: &str) -> RecordedRun {
        let runs: BTreeMap<&str, RecordedRun> = (self.all.iter())
            .map(|(name, approved, records)| {
                let mut run = RecordedRun::new(approved.plan().clone());
                records.iter().for_each(|record| run.add(record));
                (name.as_str(), run)
            })
            .collect();
        let mut others = OtherRuns::of(&runs[name]);
        for (other, run) in runs.iter().rev().filter(|(other, _)| **other != name) {
            others.add(*other, run);
        }
        runs[name].clone().with_others(others)
    }

    async fn plan_undo(&self, name: &str) -> Plan {
        self.world.onramp().undo(&self.recorded(name), &UndoSelection::default()).await.unwrap()
    }

    async fn undo(&mut self, undone: &str, name: &str) {
        let plan = self.plan_undo(undone).await;
        self.apply(name, plan).await;
    }
}

fn restored(plan: &Plan) -> Vec<ObjectGuid> {
    let users = plan.changes().iter().filter_map(|planned| match &planned.change {
        Change::RestoreUpn { upn } => Some(upn.guid),
        _ => None,
    });
    users.collect()
}

/// Returns the name of the later run for which each user is left.
fn left_for(plan: &Plan) -> Vec<(ObjectGuid, Option<&str>)> {
    let left = plan.skipped().iter().map(|skipped| match &skipped.reason {
        SkipReason::ChangedSince { run, .. } => (skipped.user.guid, run.as_deref()),
        other => panic!("{other}"),
    });
    left.collect()
}

/// Returns what is not undone, in words.
fn not_undone(plan: &Plan) -> String {
    let left = plan.consequences().iter().filter_map(|consequence| match consequence {
        Consequence::NotUndone { changes } => Some(changes.join("\n")),
        _ => None,
    });
    left.collect()
}

#[tokio::test]
async fn a_value_that_a_later_run_wrote_again_is_that_runs() {
    let world = crate::small::plain();
    let anna = add(&world, "anna", Some("anna@corp.local"));
    let ben = add(&world, "ben", Some("ben@corp.local"));
    let mut runs = Runs::new(world);
    runs.run("first", USERS).await;
    // Somebody gives Anna another UPN, and the next run changes that one.
    set(&runs.world, &anna, "userPrincipalName", &["anna@corp.local.old"]);
    runs.world.clock.advance(Duration::from_secs(60));
    runs.run("second", USERS).await;
    assert_eq!(upn_of(&runs.world, &anna).as_deref(), Some("anna@contoso.com"));

    let plan = runs.plan_undo("first").await;
    assert_eq!((restored(&plan), left_for(&plan)), (vec![ben], vec![(anna, Some("second"))]));
    assert!(plan.skipped()[0].reason.to_string().contains("written by the run second"));
    assert!(plan.consequences().iter().any(|one| one.id().starts_with("users-not-restored:1")));
    assert!(plan.warnings().is_empty(), "{:?}", plan.warnings());

    // The later one first, and nothing is lost.
    runs.undo("second", "undo of second").await;
    assert_eq!(upn_of(&runs.world, &anna).as_deref(), Some("anna@corp.local.old"));
    let plan = runs.plan_undo("first").await;
    assert_eq!((restored(&plan), left_for(&plan)), (vec![ben], vec![(anna, None)]));
    runs.apply("undo of first", plan).await;
    assert_eq!(upn_of(&runs.world, &anna).as_deref(), Some("anna@corp.local.old"));
    assert_eq!(upn_of(&runs.world, &ben).as_deref(), Some("ben@corp.local"));
}

#[tokio::test]
async fn a_later_run_that_was_undone_leaves_the_value_to_the_earlier_one() {
    let world = crate::small::plain();
    let anna = add(&world, "anna", Some("anna@corp.local"));
    let mut runs = Runs::new(world);
    runs.run("first", USERS).await;
    // The later run goes elsewhere and back.
    runs.run("second", "domain = 'fabrikam.com'\n[users]\nfrom_suffixes = ['contoso.com']\n").await;
    assert_eq!(upn_of(&runs.world, &anna).as_deref(), Some("anna@fabrikam.com"));
    let plan = runs.plan_undo("first").await;
    assert_eq!((restored(&plan), left_for(&plan)), (vec![], vec![(anna, Some("second"))]));
    runs.undo("second", "third").await;
    let plan = runs.plan_undo("first").await;
    assert_eq!((restored(&plan), plan.skipped().len()), (vec![anna], 0));
    // That undo, undone: the value is the second run's again.
    runs.undo("third", "fourth").await;
    set(&runs.world, &anna, "userPrincipalName", &["anna@contoso.com"]);
    runs.world.clock.advance(Duration::from_secs(60));
    let plan = runs.plan_undo("first").await;
    assert_eq!((restored(&plan), left_for(&plan)), (vec![], vec![(anna, Some("fourth"))]));
}

#[tokio::test]
async fn an_undo_and_its_undo_can_be_undone_in_turn() {
    let world = crate::small::plain();
    let anna = add(&world, "anna", Some("anna@corp.local"));
    let mut runs = Runs::new(world);
    runs.run("first", USERS).await;
    runs.undo("first", "second").await;
    assert_eq!(upn_of(&runs.world, &anna).as_deref(), Some("anna@corp.local"));
    let nothing = runs.plan_undo("first").await;
    assert!(nothing.is_empty() && nothing.skipped().is_empty(), "{nothing:#?}");
    runs.undo("second", "third").await;
    assert_eq!(upn_of(&runs.world, &anna).as_deref(), Some("anna@contoso.com"));
    for name in ["first", "third"] {
        assert_eq!(restored(&runs.plan_undo(name).await), [anna], "{name}");
    }
    runs.undo("first", "fourth").await;
    // The same plan again, and its run again: two runs with one digest.
    runs.run("fifth", USERS).await;
    assert_eq!(runs.all[0].1.plan().digest(), runs.all[4].1.plan().digest());
    assert_eq!(left_for(&runs.plan_undo("first").await), [(anna, Some("fifth"))]);
    assert_eq!(restored(&runs.plan_undo("fifth").await), [anna]);
    runs.undo("fifth", "sixth").await;
    assert_eq!(upn_of(&runs.world, &anna).as_deref(), Some("anna@corp.local"));
}

#[tokio::test]
async fn a_change_that_a_killed_run_only_announced_is_not_undone_with_it_when_another_run_made_it() {
    let world = crate::small::plain();
    let users: Vec<ObjectGuid> =
        ["anna", "ben"].map(|name| add(&world, name, Some(&format!("{name}@corp.local")))).into();
    let mut runs = Runs::new(world);
    runs.run("second", USERS).await;
    // Before it, a run with the same changes was killed right after it had announced them.
    let (_, approved, records) = &runs.all[0];
    let is_kept = |record: &&JournalRecord| {
        matches!(record.entry, JournalEntry::RunStarted { .. } | JournalEntry::ChangeStarted { .. })
    };
    let mut killed: Vec<JournalRecord> = records.iter().filter(is_kept).cloned().collect();
    killed.iter_mut().for_each(|record| record.at -= Duration::from_secs(3600));
    let first = ("first".to_owned(), approved.clone(), killed);
    runs.all.insert(0, first);
    let plan = runs.plan_undo("first").await;
    assert_eq!(restored(&plan), []);
    let mut left = left_for(&plan);
    left.sort();
    let mut expected: Vec<_> = users.iter().map(|guid| (*guid, Some("second"))).collect();
    expected.sort();
    assert_eq!(left, expected);
    assert_eq!(restored(&runs.plan_undo("second").await).len(), 2);
    // The other way round, it may have announced what stood already: the value is the other run's all the same.
    runs.all[0].2.iter_mut().for_each(|record| record.at += Duration::from_secs(7200));
    assert_eq!(left_for(&runs.plan_undo("first").await).len(), 2);
    assert_eq!(restored(&runs.plan_undo("second").await).len(), 2);
    // Once that is undone, what stands is the killed run's if it looks so.
    runs.undo("second", "third").await;
    for guid in &users {
        let made = upn_changes(runs.all[0].1.plan()).into_iter().find(|(_, upn)| upn.guid == *guid);
        set(&runs.world, guid, "userPrincipalName", &[made.unwrap().1.after.as_str()]);
    }
    runs.world.clock.advance(Duration::from_secs(60));
    let records = &mut runs.all[0].2;
    records.iter_mut().for_each(|record| record.at += Duration::from_secs(7200));
    assert_eq!(restored(&runs.plan_undo("first").await).len(), 2);
}

#[tokio::test]
async fn a_killed_run_that_found_another_value_than_the_run_before_it_is_decided_by_looking() {
    let world = crate::small::plain();
    let anna = add(&world, "anna", Some("anna@corp.local"));
    let mut runs = Runs::new(world);
    runs.run("first", USERS).await;
    set(&runs.world, &anna, "userPrincipalName", &["anna@old.example"]);
    runs.world.clock.advance(Duration::from_secs(60));
    runs.run("killed", USERS).await;
    let is_kept = |record: &JournalRecord| {
        matches!(record.entry, JournalEntry::RunStarted { .. } | JournalEntry::ChangeStarted { .. })
    };
    runs.all[1].2.retain(is_kept);
    let plan = runs.plan_undo("first").await;
    assert_eq!((restored(&plan), left_for(&plan)), (vec![], vec![(anna, Some("killed"))]));
    runs.undo("killed", "third").await;
    assert_eq!(upn_of(&runs.world, &anna).as_deref(), Some("anna@old.example"));
}

#[tokio::test]
async fn an_undo_that_was_killed_does_not_keep_the_same_run_from_being_undone() {
    let world = crate::small::plain();
    let anna = add(&world, "anna", Some("anna@corp.local"));
    let mut runs = Runs::new(world);
    runs.run("first", USERS).await;
    runs.undo("first", "killed").await;
    // It had announced the change and sent nothing.
    let is_kept = |record: &JournalRecord| {
        matches!(record.entry, JournalEntry::RunStarted { .. } | JournalEntry::ChangeStarted { .. })
    };
    runs.all[1].2.retain(is_kept);
    set(&runs.world, &anna, "userPrincipalName", &["anna@contoso.com"]);
    runs.world.clock.advance(Duration::from_secs(60));
    assert_eq!(restored(&runs.plan_undo("first").await), [anna]);
    runs.undo("first", "third").await;
    assert_eq!(upn_of(&runs.world, &anna).as_deref(), Some("anna@corp.local"));
    // A later run and an undo of it that was killed and repeated are none of the first run.
    runs.run("fourth", "domain = 'fabrikam.com'\n[users]\n").await;
    runs.undo("fourth", "fifth").await;
    runs.undo("third", "sixth").await;
    assert_eq!(upn_of(&runs.world, &anna).as_deref(), Some("anna@contoso.com"));
    assert_eq!(restored(&runs.plan_undo("first").await), [anna]);
}

#[tokio::test]
async fn the_suffix_the_domain_and_the_switch_of_a_later_run_stay() {
    let world = World::new(0);
    let mut runs = Runs::new(world);
    let whole = "domain = 'contoso.com'\n[sync]\nenable = true\n";
    runs.run("first", whole).await;
    // Somebody takes everything back by hand, and the next run makes it again.
    let (tenant, forest) = (runs.world.tenant.tenant(), runs.world.forest.forest());
    let domain = "contoso.com".parse().unwrap();
    tenant.sync.set_enabled(false).await.unwrap();
    runs.world.clock.advance(Duration::from_secs(80 * 3600));
    tenant.domains.remove(&domain).await.unwrap();
    forest.suffixes.remove(&(&domain).into()).await.unwrap();
    runs.world.clock.advance(Duration::from_secs(60));
    runs.run("second", whole).await;

    let plan = runs.plan_undo("first").await;
    assert!(plan.is_empty(), "{:?}", plan.changes());
    let left = not_undone(&plan);
    for what in ["add the domain", "add the UPN suffix", "turn on directory synchronization"] {
        let line =
            left.lines().find(|line| line.starts_with(what)).unwrap_or_else(|| panic!("{what}: {left}"));
        assert!(line.contains("written by the run second: undo that one first"), "{line}");
    }
    assert!(!plan.consequences().iter().any(|one| one.id() == "sync-switched-off"));
    runs.undo("second", "third").await;
    assert_ne!(tenant.sync.status().await.unwrap().state, SyncState::Enabled);
    assert!(tenant.domains.get(&domain).await.unwrap_err().is_not_found());
    let nothing = runs.plan_undo("first").await;
    assert!(nothing.is_empty() && not_undone(&nothing).is_empty(), "{nothing:#?}");
}

#[tokio::test]
async fn an_account_that_a_later_run_changed_is_not_deleted_before_that_is_undone() {
    let world = World::new(0);
    let mut runs = Runs::new(world);
    let account = "domain = 'contoso.com'\n[service_account]\nupn = 'onramp-sync@contoso.com'\n";
    runs.run("first", &format!("{account}alternate_email = 'it@contoso.com'\n")).await;
    runs.run("second", &format!("{account}alternate_email = 'operations@contoso.com'\n")).await;
    let deletes = |plan: &Plan| {
        plan.changes().iter().any(|planned| matches!(planned.change, Change::DeleteServiceAccount { .. }))
    };
    let plan = runs.plan_undo("first").await;
    assert!(!deletes(&plan), "{:?}", plan.changes());
    assert!(not_undone(&plan).contains("written by the run second"), "{}", not_undone(&plan));
    runs.undo("second", "third").await;
    let plan = runs.plan_undo("first").await;
    assert!(deletes(&plan), "{}", not_undone(&plan));
    runs.apply("fourth", plan).await;
    let upn: Upn = "onramp-sync@contoso.com".parse().unwrap();
    assert!(runs.world.tenant.tenant().users.find(&upn).await.unwrap().is_none());
    // The undo that deleted it is undone, and that in turn: the runs before it do not matter.
    runs.undo("fourth", "fifth").await;
    assert!(runs.world.tenant.tenant().users.find(&upn).await.unwrap().is_some());
    assert!(deletes(&runs.plan_undo("fifth").await));
}

#[tokio::test]
async fn an_undo_that_does_not_know_the_other_runs_says_so() {
    let world = crate::small::plain();
    add(&world, "anna", Some("anna@corp.local"));
    let mut runs = Runs::new(world);
    runs.run("first", USERS).await;
    let known = runs.recorded("first");
    let (_, approved, _) = &runs.all[0];
    let alone = RecordedRun::read(approved.plan().clone(), &runs.world.journal).await.unwrap();
    let onramp = runs.world.onramp();
    let plan = onramp.undo(&alone, &UndoSelection::default()).await.unwrap();
    assert!(plan.warnings().iter().any(|warning| warning.contains("no other run is known")));
    let mut others = OtherRuns::of(&alone);
    others.add_unreadable("yesterday");
    let plan = onramp.undo(&alone.with_others(others), &UndoSelection::default()).await.unwrap();
    assert!(plan.warnings().iter().any(|warning| warning.contains("yesterday cannot be read")));
    let plan = onramp.undo(&known, &UndoSelection::default()).await.unwrap();
    assert!(plan.warnings().is_empty());
}
