//! The audit trail of a run.

use onramp::{
    AuditAction, AuditRecord, AuditTrail, JournalEntry, JournalRecord, Outcome, RecordedRun, SecretStore,
    UndoSelection,
};

use crate::world::{SPEC, World, approve_all, spec, upn_changes};

fn audited(plan: &onramp::Plan, records: &[JournalRecord]) -> Vec<AuditRecord> {
    let mut trail = AuditTrail::new(plan);
    let mut found: Vec<AuditRecord> = records.iter().flat_map(|record| trail.add(record)).collect();
    found.extend(trail.end());
    found
}

#[tokio::test]
async fn every_change_is_told_by_name_and_id_and_by_whom() {
    let mut world = World::new(20);
    world.tenant.auto_publish_dns(true);
    let wanted = spec(SPEC);
    let approved = world.approved(&wanted).await;
    let onramp = world.onramp().with_operator("nina@workstation");
    world.apply(&onramp, &approved).await.unwrap().require_complete().unwrap();
    let verification = world.verified(&wanted, &approved).await;
    onramp.record_verification(&verification, &mut world.journal).await.unwrap();

    let plan = approved.plan();
    let found = audited(plan, &world.journal.records());
    assert_eq!(found.len(), plan.changes().len() + 3, "start, every change, end, verification");
    assert!(found.iter().all(|record| record.operator.as_deref() == Some("nina@workstation")));
    assert!(
        found
            .iter()
            .all(|record| record.tenant == plan.header().tenant.to_string() && record.plan == plan.digest())
    );
    assert!(
        matches!(&found[0].action, AuditAction::RunStarted { accepted, .. } if accepted == approved.accepted())
    );
    assert_eq!(found.last().unwrap().action, AuditAction::RunVerified { is_green: true });
    for (number, change) in upn_changes(plan) {
        let expected = AuditAction::Change {
            number,
            kind: "change-upn".into(),
            name: Some(change.dn.to_string()),
            object: Some(change.guid.to_string()),
            before: change.before.clone(),
            after: Some(change.after.to_string()),
            outcome: Outcome::Done,
            detail: String::new(),
        };
        assert!(found.iter().any(|record| record.action == expected), "{expected:?}");
    }
    let named = |kind: &str| {
        found.iter().find_map(|record| match &record.action {
            AuditAction::Change { kind: known, name, object, .. } if known == kind => {
                Some((name.clone().unwrap_or_default(), object.clone()))
            }
            _ => None,
        })
    };
    assert_eq!(named("add-domain").unwrap().0, "contoso.com");
    assert_eq!(named("add-suffix").unwrap().0, "contoso.com");
    let (account, id) = named("create-service-account").unwrap();
    assert!(account == "onramp-sync@contoso.com" && id.is_some());
    assert!(named("assign-role").is_some());

    // One line of JSON each, without the password.
    let password = world.secrets.load(&account).await.unwrap().unwrap();
    for record in &found {
        let line = serde_json::to_string(record).unwrap();
        assert!(!line.contains('\n') && !line.contains(password.expose()));
        assert!(line.starts_with("{\"format_version\":1,\"at\":\""), "{line}");
    }
}

#[tokio::test]
async fn an_interrupted_change_has_an_unknown_outcome_and_other_plans_are_left_out() {
    let mut world = World::new(12);
    world.tenant.auto_publish_dns(true);
    let approved = world.done(&spec(SPEC)).await;
    let records = world.journal.records();
    let ended = |record: &JournalRecord| matches!(record.entry, JournalEntry::ChangeEnded { number: 2, .. });
    let cut = records.iter().position(ended).unwrap();
    let found = audited(approved.plan(), &records[..cut]);
    let AuditAction::Change { number: 2, outcome, name, detail, .. } = &found.last().unwrap().action else {
        panic!("{found:?}")
    };
    assert_eq!((*outcome, name.as_deref()), (Outcome::Unknown, Some("contoso.com")));
    assert!(detail.contains("without a record"));
    // The next run tells of it before it starts.
    let twice = [&records[..cut], &records[..]].concat();
    let found = audited(approved.plan(), &twice);
    let unknown = |record: &&AuditRecord| {
        matches!(record.action, AuditAction::Change { outcome: Outcome::Unknown, .. })
    };
    assert_eq!(found.iter().filter(unknown).count(), 1);

    let run = RecordedRun::read(approved.plan().clone(), &world.journal).await.unwrap();
    let undo = approve_all(world.onramp().undo(&run, &UndoSelection::default()).await.unwrap());
    world.apply(&world.onramp(), &undo).await.unwrap();
    let (first, second) =
        (audited(approved.plan(), &world.journal.records()), audited(undo.plan(), &world.journal.records()));
    assert_eq!(first.len(), approved.plan().changes().len() + 2);
    assert!(
        matches!(&second[0].action, AuditAction::RunStarted { undoes: Some(digest), .. } if *digest == approved.plan().digest())
    );
}
