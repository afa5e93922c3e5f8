//! The use of the journals of earlier runs in a survey.

use onramp::{History, JournalRecord, Plan, plan};
use onramp_core::ObjectGuid;

use crate::small::{add, fatal, plain, renamed, run, set, users};
use crate::world::{World, spec};

/// A history of the journal's lines of changes, each with these fields.
fn history(changes: &[String]) -> History {
    let records: Vec<JournalRecord> = (changes.iter())
        .map(|fields| {
            let line =
                format!(r#"{{"at":"2026-01-01T00:00:00Z","entry":"change-started","number":1,{fields}}}"#);
            serde_json::from_str(&line).unwrap()
        })
        .collect();
    let mut history = History::default();
    history.add(&records);
    history
}

fn values(object: &ObjectGuid, title: &str) -> String {
    format!(r#""title":"{title}","object":"{object}","before":"former@corp.local","after":"anna@corp.local""#)
}

async fn planned(world: &World, history: History, lines: &str) -> Plan {
    let spec = spec(&users(lines));
    plan(&spec, &world.onramp().with_history(history).survey(&spec).await.unwrap())
}

#[tokio::test]
async fn a_upn_that_a_crashed_run_began_to_replace_is_known() {
    let world = plain();
    let anna = add(&world, "anna", Some("anna@corp.local"));
    let only = "only = ['former@corp.local']";
    assert_eq!(fatal(&planned(&world, History::default(), only).await).len(), 1);
    let plan = planned(&world, history(&[values(&anna, "")]), only).await;
    assert_eq!((renamed(&plan), fatal(&plan)), (vec!["anna@contoso.com".into()], Vec::new()));
    assert!(!plan.is_empty());
}

#[tokio::test]
async fn values_that_are_no_upns_name_nobody() {
    let world = plain();
    let anna = add(&world, "anna", Some("anna@corp.local"));
    let other = history(&[values(&anna, "set the alternate e-mail address of the service account")]);
    let plan = planned(&world, other, "only = ['former@corp.local']").await;
    assert!(renamed(&plan).is_empty(), "{:?}", plan.changes());
    let blockers = fatal(&plan);
    assert!(blockers.iter().any(|blocker| blocker.contains("former@corp.local")), "{blockers:?}");
}

#[tokio::test]
async fn a_suffix_that_an_earlier_run_left_no_user_with_is_not_mistyped() {
    let mut world = plain();
    let anna = add(&world, "anna", Some("anna@old.example"));
    add(&world, "other", Some("other@elsewhere.example"));
    let lines = "from_suffixes = ['old.example']";
    run(&mut world, &users(lines)).await;
    // The user was renamed once more since, so that no user shows what that run did.
    set(&world, &anna, "userPrincipalName", &["anna@elsewhere.example"]);
    let found = fatal(&planned(&world, History::default(), lines).await);
    assert!(found.iter().any(|blocker| blocker.contains("old.example")), "{found:?}");
    let mut journal = History::default();
    journal.add(&world.journal.records());
    assert_eq!(fatal(&planned(&world, journal.clone(), lines).await), Vec::<String>::new());
    let others = fatal(&planned(&world, journal, "from_suffixes = ['very.old.example']").await);
    assert!(others.iter().any(|blocker| blocker.contains("very.old.example")), "{others:?}");
}
