//! The records of a journal, and the changes that they prove.

use onramp::{Change, JournalRecord, Plan, RecordedRun};

use crate::world::{SPEC, World, spec};

fn record(entry: &str) -> JournalRecord {
    serde_json::from_str(&format!("{{\"at\":\"2026-01-01T00:00:00Z\",{entry}}}")).unwrap()
}

fn started(number: u64) -> JournalRecord {
    record(&format!("\"entry\":\"change-started\",\"number\":{number}"))
}

fn ended(number: u64, outcome: &str) -> JournalRecord {
    record(&format!("\"entry\":\"change-ended\",\"number\":{number},\"outcome\":\"{outcome}\""))
}

fn run_of(plan: &str) -> JournalRecord {
    record(&format!("\"entry\":\"run-started\",\"plan\":\"{plan}\",\"accepted\":[]"))
}

fn number(plan: &Plan, kind: impl Fn(&Change) -> bool) -> u64 {
    plan.changes().iter().find(|planned| kind(&planned.change)).unwrap().number
}

#[tokio::test]
async fn a_change_counts_as_made_by_what_its_records_say() {
    let world = World::new(10);
    let plan = world.plan(&spec(SPEC)).await;
    let mine = run_of(&plan.digest());
    let domain = number(&plan, |change| matches!(change, Change::AddDomain { .. }));
    let wait = number(&plan, |change| matches!(change, Change::AwaitReplication { .. }));
    let proof = number(&plan, |change| matches!(change, Change::ProveSignIn { .. }));
    let user = number(&plan, |change| matches!(change, Change::ChangeUpn { .. }));
    // Records after the start of the run, and the numbers of changes made, unknown, and of users.
    let cases: Vec<(Vec<JournalRecord>, [u64; 3])> = vec![
        (vec![], [0, 0, 0]),
        (vec![started(domain)], [1, 1, 0]),
        (vec![started(domain), ended(domain, "done")], [1, 0, 0]),
        (vec![started(domain), ended(domain, "already-so")], [0, 0, 0]),
        (vec![started(domain), ended(domain, "failed")], [0, 0, 0]),
        (vec![started(domain), ended(domain, "stale")], [0, 0, 0]),
        (vec![started(domain), ended(domain, "unknown")], [1, 1, 0]),
        // The program was stopped before the end of the change, and the next look found it made.
        (vec![started(domain), mine.clone(), started(domain), ended(domain, "already-so")], [1, 0, 0]),
        (vec![started(domain), mine.clone(), started(domain), ended(domain, "failed")], [1, 1, 0]),
        (
            vec![started(domain), ended(domain, "unknown"), started(domain), ended(domain, "already-so")],
            [1, 0, 0],
        ),
        (
            vec![started(domain), ended(domain, "done"), started(domain), ended(domain, "already-so")],
            [1, 0, 0],
        ),
        // Made once is made, also if a later run only looked.
        (vec![ended(domain, "done"), ended(domain, "failed")], [1, 0, 0]),
        (vec![started(user), ended(user, "done")], [1, 0, 1]),
        (vec![started(user)], [1, 1, 1]),
        (vec![started(user), started(domain), ended(domain, "done")], [2, 1, 1]),
        // Waits and tests write nothing.
        (vec![started(wait), ended(wait, "done"), started(proof), ended(proof, "done")], [0, 0, 0]),
        (vec![started(wait), started(proof), ended(proof, "unknown")], [0, 0, 0]),
        // Records of another plan, in the same journal.
        (vec![run_of("another"), started(domain), ended(domain, "done")], [0, 0, 0]),
        (vec![started(domain), run_of("another"), ended(domain, "failed")], [1, 1, 0]),
        (vec![run_of("another"), started(domain), mine.clone(), ended(domain, "already-so")], [0, 0, 0]),
        // Numbers that the plan does not have.
        (vec![ended(0, "done"), ended(10_000, "done"), started(u64::MAX)], [0, 0, 0]),
    ];
    let planned = RecordedRun::new(plan.clone()).changes_planned();
    let writes =
        |change: &Change| !matches!(change, Change::AwaitReplication { .. } | Change::ProveSignIn { .. });
    assert_eq!(planned, plan.changes().iter().filter(|planned| writes(&planned.change)).count() as u64);
    for (records, expected) in cases {
        let mut run = RecordedRun::new(plan.clone());
        assert!(!run.is_started());
        run.add(&run_of("another"));
        run.add(&ended(domain, "done"));
        assert!(!run.is_started(), "the run of another plan is none of this one");
        run.add(&mine);
        records.iter().for_each(|record| run.add(record));
        assert!(run.is_started());
        let found = [run.changes_made(), run.changes_unknown(), run.users_changed()];
        assert_eq!(found, expected, "{records:#?}");
        assert_eq!(run.changes_planned(), planned);
        assert_eq!(run.plan(), &plan);
    }
}

#[tokio::test]
async fn a_run_is_read_from_any_journal() {
    let mut world = World::new(10);
    let applied = world.done(&spec(SPEC)).await;
    let run = RecordedRun::read(applied.plan().clone(), &world.journal).await.unwrap();
    assert_eq!(run.changes_made(), run.changes_planned());
    assert!(run.is_started() && run.users_changed() > 0);
}
