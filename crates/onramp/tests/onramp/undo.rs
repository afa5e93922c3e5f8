//! Undoing a run restores what it changed, and nothing else.

use std::collections::BTreeMap;

use futures_util::TryStreamExt;
use onramp::{
    ApplyStatus, ApprovedPlan, Change, Consequence, JournalEntry, Limits, MemoryJournal, Outcome, Plan,
    RecordedRun, SkipReason, Step, UndoSelection,
};
use onramp_core::tenant::{MfaState, SyncState, UserUpdate};
use onramp_core::{DistinguishedName, ObjectGuid, Upn};

use crate::world::{SPEC, World, approve_all, spec};

/// The names of every principal of the forest, and the suffixes that it offers.
async fn forest_of(world: &World) -> (BTreeMap<ObjectGuid, Option<String>>, Vec<String>) {
    let forest = world.forest.forest();
    let owners: Vec<_> = forest.users.upn_owners().try_collect().await.unwrap();
    let names = owners.into_iter().map(|owner| (owner.guid, owner.upn)).collect();
    let mut suffixes: Vec<String> =
        forest.suffixes.list().await.unwrap().into_iter().map(|offered| offered.suffix.to_string()).collect();
    suffixes.sort();
    (names, suffixes)
}

/// The domains, users and role assignments of the tenant.
async fn tenant_of(world: &World) -> (Vec<String>, Vec<String>, usize) {
    let tenant = world.tenant.tenant();
    let mut domains: Vec<String> =
        tenant.domains.list().await.unwrap().iter().map(|domain| domain.name.to_string()).collect();
    let users: Vec<_> = tenant.users.list().try_collect::<Vec<_>>().await.unwrap();
    let mut users: Vec<String> = users.iter().map(|user| user.upn.to_string()).collect();
    domains.sort();
    users.sort();
    (domains, users, tenant.roles.assignments().await.unwrap().len())
}

/// Everything that the journal of the world has of a plan.
fn recorded(world: &World, plan: &Plan) -> RecordedRun {
    let mut run = RecordedRun::new(plan.clone());
    world.journal.records().iter().for_each(|record| run.add(record));
    run
}

async fn undo_plan(world: &World, plan: &Plan, selection: UndoSelection) -> Plan {
    world.onramp().undo(&recorded(world, plan), &selection).await.unwrap()
}

/// Undoes all of a run, and returns the plan that did.
async fn undone(world: &mut World, plan: &Plan) -> ApprovedPlan {
    let approved = approve_all(undo_plan(world, plan, UndoSelection::default()).await);
    world.apply(&world.onramp(), &approved).await.unwrap().require_complete().unwrap();
    let verification = world.onramp().verify_undo(&approved).await.unwrap();
    assert!(verification.is_green(), "{verification:#?}");
    approved
}

fn ids(plan: &Plan) -> Vec<String> {
    let without_digest = |id: String| match id.split(':').collect::<Vec<_>>().as_slice() {
        [name, count, digest] if digest.len() == 8 => format!("{name}:{count}"),
        _ => id,
    };
    plan.consequences().iter().map(|consequence| without_digest(consequence.id())).collect()
}

fn whole_job(world: &World) -> String {
    let id = world.tenant.subscription_ids()[0];
    format!("{SPEC}[[service_account.subscriptions]]\nsubscription = \"{id}\"\nrole = \"Contributor\"\n")
}

#[tokio::test]
async fn a_whole_run_is_undone_and_everything_is_as_it_was_before() {
    let mut world = World::new(60);
    // Values that no UPN may have, and none at all, come back as they were.
    let (host, query) = (world.forest.controllers()[0].clone(), onramp_core::forest::UserQuery::all());
    let users: Vec<_> = world.forest.forest().users.search(query).try_collect().await.unwrap();
    let set = |guid: &ObjectGuid, values: &[&str]| {
        world.forest.set_on(&host, guid, "userPrincipalName", values).unwrap();
    };
    let mut odd = [&[][..], &["Just.A.Name@"], &["two@signs@corp.local"]].into_iter();
    for user in users.iter().filter(|user| user.upn.is_some()) {
        if user.upn.as_deref().is_some_and(|upn| upn.ends_with("@contoso.com")) {
            // A suffix that somebody used before the run would stay.
            set(&user.guid, &[&format!("{}@corp.local", user.sam_account_name)]);
        } else if let (true, Some(values)) = (user.display_name.is_some(), odd.next()) {
            set(&user.guid, values);
        }
    }
    world.clock.advance(std::time::Duration::from_secs(60));
    let (forest, tenant) = (forest_of(&world).await, tenant_of(&world).await);

    let spec = spec(&whole_job(&world));
    let applied = world.done(&spec).await;
    assert_ne!(forest_of(&world).await, forest);
    assert!(applied.plan().users_changed() >= 40, "{}", applied.plan().users_changed());

    let undo = undone(&mut world, applied.plan()).await;
    // The values that no domain controller is asked for are not counted as proven.
    let said: Vec<String> = (world.journal.records().iter())
        .filter_map(|record| match &record.entry {
            JournalEntry::ChangeEnded { detail, .. } => Some(detail.clone()),
            _ => None,
        })
        .collect();
    assert!(said.iter().any(|detail| detail.contains("that are no UPN were not looked for")), "{said:?}");
    assert_eq!(forest_of(&world).await, forest);
    assert_eq!(tenant_of(&world).await, tenant);
    assert_ne!(world.tenant.tenant().sync.status().await.unwrap().state, SyncState::Enabled);
    let plan = undo.plan();
    assert_eq!(plan.header().undoes.as_deref(), Some(applied.plan().digest().as_str()));
    let account = "onramp-sync@contoso.com";
    let (subscription, created) = (world.tenant.subscription_ids()[0], plan.changes()[0].change.clone());
    let Change::RemoveSubscriptionRole { id, .. } = created else { panic!("{created:?}") };
    assert_eq!(
        ids(plan),
        [
            format!("subscription-access-removed:{account}:{subscription}:contributor"),
            format!("role-removed:{account}:hybrid-identity-administrator"),
            format!("account-deleted:{account}:{id}"),
            "sync-switched-off".to_owned(),
            format!("users-restored:{}", applied.plan().users_changed()),
            "suffix-removed:contoso.com".to_owned(),
            "domain-removed:contoso.com".to_owned(),
        ]
    );

    // A second plan has nothing left, and the same spec makes the same plan again.
    let again = undo_plan(&world, applied.plan(), UndoSelection::default()).await;
    assert!(again.is_empty() && again.skipped().is_empty(), "{again:#?}");
    assert!(world.onramp().verify_undo(&approve_all(again)).await.unwrap().is_green());
    let planned: Vec<Change> = world.plan(&spec).await.changes().iter().map(|p| p.change.clone()).collect();
    let before: Vec<Change> = applied.plan().changes().iter().map(|p| p.change.clone()).collect();
    let users = |changes: &[Change]| changes.iter().filter(|c| matches!(c, Change::ChangeUpn { .. })).count();
    assert_eq!(users(&planned), users(&before));
}

#[tokio::test]
async fn a_value_that_somebody_changed_since_is_left_alone() {
    let mut world = World::new(20);
    let applied = world.done(&spec(SPEC)).await;
    let changed: Vec<_> = crate::world::upn_changes(applied.plan());
    let (host, theirs) = (world.forest.controllers()[0].clone(), changed[0].1.clone());
    world.forest.set_on(&host, &theirs.guid, "userPrincipalName", &["somebody@contoso.com"]).unwrap();
    world.forest.delete(&changed[1].1.guid).unwrap();
    world.clock.advance(std::time::Duration::from_secs(60));

    let plan = undo_plan(&world, applied.plan(), UndoSelection::default()).await;
    let of_user = |guid: ObjectGuid| move |change: &Change| matches!(change, Change::RestoreUpn { upn } if upn.guid == guid);
    assert!(!plan.changes().iter().any(|planned| of_user(theirs.guid)(&planned.change)));
    assert_eq!(plan.users_changed(), applied.plan().users_changed() - 2);
    let mut reasons: Vec<_> =
        plan.skipped().iter().map(|skipped| (skipped.user.guid, skipped.reason.clone())).collect();
    reasons.sort();
    let mut expected = [
        (theirs.guid, SkipReason::ChangedSince { present: Some("somebody@contoso.com".into()), run: None }),
        (changed[1].1.guid, SkipReason::Gone),
    ];
    expected.sort();
    assert_eq!(reasons, expected);
    assert!(ids(&plan).contains(&"users-not-restored:2".to_owned()), "{:?}", ids(&plan));
    // That user still has the suffix, so it stays.
    assert!(!plan.changes().iter().any(|planned| matches!(planned.change, Change::RemoveSuffix { .. })));
    let left = plan.consequences().iter().find_map(|consequence| match consequence {
        Consequence::NotUndone { changes } => Some(changes.join("\n")),
        _ => None,
    });
    let left = left.unwrap();
    assert!(left.contains("add the UPN suffix contoso.com"), "{left}");
    let approved = approve_all(plan);
    world.apply(&world.onramp(), &approved).await.unwrap().require_complete().unwrap();
    let verification = world.onramp().verify_undo(&approved).await.unwrap();
    let excused: Vec<&onramp::Check> =
        verification.checks.iter().filter(|check| check.status != onramp::CheckStatus::True).collect();
    assert_eq!(excused.len(), 1, "{verification:#?}");
    assert_eq!(excused[0].status, onramp::CheckStatus::TrueButForBlocked);
    let held = world.forest.values_on(&host, &theirs.guid, "userPrincipalName").unwrap();
    assert_eq!(held, ["somebody@contoso.com"]);
}

#[tokio::test]
async fn a_value_that_somebody_changes_during_the_undo_is_stale() {
    let mut world = World::new(12);
    let applied = world.done(&spec(SPEC)).await;
    let approved = approve_all(undo_plan(&world, applied.plan(), UndoSelection::default()).await);
    let (_, theirs) = crate::world::upn_changes(applied.plan()).remove(0);
    let host = world.forest.controllers()[0].clone();
    world.forest.set_on(&host, &theirs.guid, "userPrincipalName", &["somebody@contoso.com"]).unwrap();
    let outcome = world.apply(&world.onramp(), &approved).await.unwrap();
    assert_eq!(outcome.stale, 1, "{outcome:?}");
    assert!(matches!(outcome.status, ApplyStatus::Stopped { .. }));
    let held = world.forest.values_on(&host, &theirs.guid, "userPrincipalName").unwrap();
    assert_eq!(held, ["somebody@contoso.com"]);
    assert!(!world.onramp().verify_undo(&approved).await.unwrap().is_green());
}

#[tokio::test]
async fn an_undo_can_be_undone() {
    let mut world = World::new(30);
    let spec = spec(&whole_job(&world));
    let applied = world.done(&spec).await;
    let (forest, tenant) = (forest_of(&world).await, tenant_of(&world).await);
    let undo = undone(&mut world, applied.plan()).await;
    // The switch can be turned on again only after it is off.
    world.clock.advance(std::time::Duration::from_secs(80 * 3600));
    let redo = undone(&mut world, undo.plan()).await;
    assert_eq!(forest_of(&world).await, forest);
    assert_eq!(tenant_of(&world).await, tenant);
    assert_eq!(world.tenant.tenant().sync.status().await.unwrap().state, SyncState::Enabled);
    let account = "onramp-sync@contoso.com".parse::<Upn>().unwrap();
    let user = world.tenant.tenant().users.find(&account).await.unwrap().unwrap();
    assert!(redo.plan().changes().iter().any(|planned| {
        matches!(planned.change, Change::RestoreServiceAccount { id, .. } if id == user.id)
    }));
}

#[tokio::test]
async fn a_selection_names_steps_users_and_ous() {
    let mut world = World::new(40);
    let applied = world.done(&spec(SPEC)).await;
    let changed: Vec<_> = crate::world::upn_changes(applied.plan()).into_iter().map(|(_, upn)| upn).collect();
    let restored = |plan: &Plan| {
        let mut guids: Vec<ObjectGuid> = (plan.changes().iter())
            .filter_map(|planned| match &planned.change {
                Change::RestoreUpn { upn } => Some(upn.guid),
                Change::AwaitReplication { .. } => None,
                other => panic!("{other}"),
            })
            .collect();
        guids.sort();
        guids
    };

    let users = undo_plan(&world, applied.plan(), UndoSelection::default().with_steps([Step::Users])).await;
    assert_eq!(restored(&users).len(), changed.len());

    // By the UPN before the run, the one after it, and the GUID.
    let names =
        [changed[0].before.clone().unwrap(), changed[1].after.to_string(), changed[2].guid.to_string()];
    let some = undo_plan(&world, applied.plan(), UndoSelection::default().with_users(names)).await;
    let mut expected = [changed[0].guid, changed[1].guid, changed[2].guid];
    expected.sort();
    assert_eq!(restored(&some), expected);
    assert!(some.skipped().is_empty() && !some.is_blocked());

    let ou = changed[0].dn.parent().unwrap();
    let below = undo_plan(&world, applied.plan(), UndoSelection::default().with_ous([ou.clone()])).await;
    let mut expected: Vec<ObjectGuid> =
        changed.iter().filter(|upn| upn.dn.is_within(&ou)).map(|upn| upn.guid).collect();
    expected.sort();
    assert!(expected.len() < changed.len());
    assert_eq!(restored(&below), expected);

    let lost = UndoSelection::default().with_users(["nobody.at.all"]);
    let lost = undo_plan(&world, applied.plan(), lost).await;
    assert!(lost.is_blocked() && lost.is_empty(), "{lost:#?}");
    assert!(lost.blockers()[0].to_string().contains("nobody.at.all"), "{}", lost.blockers()[0]);

    let none =
        UndoSelection::default().with_ous([DistinguishedName::parse("OU=None,DC=corp,DC=local").unwrap()]);
    let none = undo_plan(&world, applied.plan(), none).await;
    assert!(none.is_empty() && none.is_blocked());
    // Users narrow the steps that change objects of the forest alone.
    for step in [Step::Domain, Step::Sync] {
        let mixed = UndoSelection::default().with_steps([step, Step::Users]).with_users(["anna"]);
        let error = world.onramp().undo(&recorded(&world, applied.plan()), &mixed).await.unwrap_err();
        assert!(error.to_string().contains("narrow the steps users and attributes"), "{error}");
    }
}

#[tokio::test]
async fn a_domain_that_something_refers_to_stays() {
    let mut world = World::new(10);
    let applied = world.done(&spec(SPEC)).await;
    let other = onramp_core::tenant::NewUser::new(
        "someone.else@contoso.com".parse().unwrap(),
        "Someone Else",
        onramp_core::Password::new("correct horse battery staple 9".to_owned()),
    );
    world.tenant.tenant().users.create(&other).await.unwrap();
    let plan = undo_plan(&world, applied.plan(), UndoSelection::default()).await;
    assert!(!plan.changes().iter().any(|planned| matches!(planned.change, Change::RemoveDomain { .. })));
    let left: Vec<String> = plan.consequences().iter().flat_map(Consequence::members).collect();
    assert!(left.iter().any(|line| line.contains("someone.else@contoso.com")), "{left:?}");
}

#[tokio::test]
async fn a_former_upn_that_another_principal_has_now_is_not_given_back() {
    // Few users are asked for one by one, many are compared with every principal.
    for users in [12, 120] {
        let mut world = World::new(users);
        let applied = world.done(&spec(SPEC)).await;
        let mut changes = crate::world::upn_changes(applied.plan()).into_iter();
        let (_, one) = changes.find(|(_, one)| one.before.is_some()).unwrap();
        let ou = one.dn.parent().unwrap();
        let newcomer = world.forest.create_user(&ou, "newcomer", one.before.as_deref()).unwrap();
        world.clock.advance(std::time::Duration::from_secs(60));
        let plan = undo_plan(&world, applied.plan(), UndoSelection::default()).await;
        let skipped: Vec<_> = plan.skipped().iter().collect();
        assert_eq!(skipped.len(), 1, "{skipped:?}");
        assert!(
            matches!(&skipped[0].reason, SkipReason::FormerUpnTaken { holder } if holder.guid == newcomer),
            "{skipped:?}"
        );
        assert_eq!(plan.users_changed(), applied.plan().users_changed() - 1);
    }
}

#[tokio::test]
async fn properties_of_an_existing_account_are_set_back_and_its_password_is_not() {
    let mut world = World::new(10);
    let account: Upn = "onramp-sync@contoso.onmicrosoft.com".parse().unwrap();
    let tenant = world.tenant.tenant();
    let user = onramp_core::tenant::NewUser::new(
        account.clone(),
        "Sync",
        onramp_core::Password::new("correct horse battery staple 9".to_owned()),
    )
    .with_other_mails(vec!["old@fabrikam.com".into()]);
    let id = tenant.users.create(&user).await.unwrap().id;
    tenant.users.update(&id, &UserUpdate::default().with_account_enabled(false)).await.unwrap();
    tenant.sign_in.set_mfa_state(&id, MfaState::Enforced).await.unwrap();
    let job = format!(
        "domain = \"contoso.com\"\n[service_account]\nupn = \"{account}\"\nalternate_email = \"it@fabrikam.com\"\n"
    );
    let applied = world.done(&spec(&job)).await;
    assert_eq!(tenant.users.get(&id).await.unwrap().other_mails, ["it@fabrikam.com"]);

    let selection = UndoSelection::default().with_steps([Step::ServiceAccount]);
    let plan = undo_plan(&world, applied.plan(), selection).await;
    let left: Vec<String> = (plan.consequences().iter())
        .filter(|consequence| matches!(consequence, Consequence::NotUndone { .. }))
        .flat_map(Consequence::members)
        .collect();
    assert_eq!(left.len(), 1, "{left:?}");
    assert!(left[0].contains("a password cannot be undone"), "{left:?}");
    let approved = approve_all(plan);
    world.apply(&world.onramp(), &approved).await.unwrap().require_complete().unwrap();
    assert!(world.onramp().verify_undo(&approved).await.unwrap().is_green());
    let now = tenant.users.get(&id).await.unwrap();
    assert_eq!((now.other_mails, now.account_enabled), (vec!["old@fabrikam.com".to_owned()], false));
    assert_eq!(tenant.sign_in.mfa_state(&id).await.unwrap(), MfaState::Enforced);
    assert!(tenant.roles.assignments_of(&id).await.unwrap().is_empty());
}

#[tokio::test]
async fn only_what_the_journal_records_as_made_is_undone() {
    let mut world = World::new(10);
    let approved = world.approved(&spec(SPEC)).await;
    // Nothing ran: nothing to undo.
    assert_eq!(recorded(&world, approved.plan()).changes_made(), 0);
    assert!(undo_plan(&world, approved.plan(), UndoSelection::default()).await.is_empty());

    // The run is stopped after the domain and the suffix.
    let onramp = world.onramp();
    let mut journal = MemoryJournal::default();
    let limits = Limits::default().with_max_changes(1);
    let mut run = onramp.start(&approved, &mut journal, &world.secrets);
    run.apply(&limits).await.unwrap();
    drop(run);
    world.journal = journal;
    let made = recorded(&world, approved.plan());
    assert_eq!(made.changes_made(), 1);
    let plan = world.onramp().undo(&made, &UndoSelection::default()).await.unwrap();
    assert_eq!(plan.changes().len(), 1, "{plan:#?}");
    assert!(matches!(plan.changes()[0].change, Change::RemoveDomain { .. }));
}

#[tokio::test]
async fn a_change_whose_outcome_was_not_recorded_counts_if_a_look_shows_it() {
    let mut world = World::new(10);
    let applied = world.done(&spec(SPEC)).await;
    let number = crate::world::upn_changes(applied.plan())[0].0;
    let ended = |record: &onramp::JournalRecord| matches!(&record.entry, JournalEntry::ChangeEnded { number: of, .. } if *of == number);
    // A crash between the write and its record.
    let mut run = RecordedRun::new(applied.plan().clone());
    world.journal.records().iter().filter(|record| !ended(record)).for_each(|record| run.add(record));
    assert_eq!(run.changes_made(), recorded(&world, applied.plan()).changes_made());
    let plan = world.onramp().undo(&run, &UndoSelection::default()).await.unwrap();
    assert_eq!(plan.users_changed(), applied.plan().users_changed());

    // An object that was in the desired state already was not changed by the run.
    let mut run = RecordedRun::new(applied.plan().clone());
    for record in world.journal.records() {
        let mut record = record.clone();
        if let JournalEntry::ChangeEnded { number: of, outcome, .. } = &mut record.entry
            && *of == number
        {
            *outcome = Outcome::Unchanged;
        }
        run.add(&record);
    }
    let plan = world.onramp().undo(&run, &UndoSelection::default()).await.unwrap();
    assert_eq!(plan.users_changed(), applied.plan().users_changed() - 1);
}

#[tokio::test]
async fn the_rest_of_an_undo_needs_no_second_approval() {
    let mut world = World::new(30);
    let applied = world.done(&spec(SPEC)).await;
    let approved = approve_all(undo_plan(&world, applied.plan(), UndoSelection::default()).await);
    let onramp = world.onramp();
    let mut run = onramp.start(&approved, &mut world.journal, &world.secrets);
    run.apply(&Limits::default().with_max_changes(12)).await.unwrap();
    drop(run);
    let rest = undo_plan(&world, applied.plan(), UndoSelection::default()).await;
    assert!(rest.users_changed() > 0 && rest.users_changed() < approved.plan().users_changed());
    let mut covered = rest.covered_by(approved.plan(), approved.accepted());
    let mut all: Vec<String> = rest.consequences().iter().map(Consequence::id).collect();
    covered.sort();
    all.sort();
    assert_eq!(covered, all, "{:#?}", (rest.consequences(), approved.plan().consequences()));
    // Other users are another acceptance.
    let other = undo_plan(&world, applied.plan(), UndoSelection::default().with_steps([Step::Domain])).await;
    assert!(!rest.covered_by(&other, &[rest.consequences()[0].id()]).contains(&rest.consequences()[0].id()));
}

#[tokio::test]
async fn an_interrupted_undo_is_continued() {
    let mut world = World::new(40);
    let before = forest_of(&world).await;
    let applied = world.done(&spec(SPEC)).await;
    let approved = approve_all(undo_plan(&world, applied.plan(), UndoSelection::default()).await);
    let onramp = world.onramp();
    for _ in 0..3 {
        let mut run = onramp.start(&approved, &mut world.journal, &world.secrets);
        run.apply(&Limits::default().with_max_changes(7)).await.unwrap();
    }
    world.apply(&onramp, &approved).await.unwrap().require_complete().unwrap();
    // The suffix stays, because a user had it before the run.
    assert_eq!(forest_of(&world).await.0, before.0);
}

#[tokio::test]
async fn a_plan_that_undoes_is_written_and_read_and_reported() {
    let mut world = World::new(10);
    let applied = world.done(&spec(SPEC)).await;
    let plan = undo_plan(&world, applied.plan(), UndoSelection::default()).await;
    let mut file = Vec::new();
    plan.write(&mut file).unwrap();
    assert_eq!(Plan::read(file.as_slice()).unwrap(), plan);
    let html = onramp::Report::new(&plan).to_html().unwrap();
    assert!(html.contains("restore the UPN of") && html.contains("users-restored:"), "{html}");
    let wrong = World::of(5, |forest| forest.domain("other.local"), |tenant| tenant);
    let error = wrong.onramp().undo(&recorded(&world, applied.plan()), &UndoSelection::default()).await;
    assert!(error.unwrap_err().to_string().contains("forest"), "a run of another forest");
}

#[tokio::test]
async fn a_selected_user_outside_the_selected_ous_is_named() {
    let mut world = World::new(40);
    let applied = world.done(&spec(SPEC)).await;
    let changed = crate::world::upn_changes(applied.plan());
    let ou = changed[0].1.dn.parent().unwrap();
    let outside = &changed.iter().find(|(_, upn)| !upn.dn.is_within(&ou)).unwrap().1;
    let names = [changed[0].1.guid.to_string(), outside.guid.to_string()];
    let both = UndoSelection::default().with_ous([ou]).with_users(names.clone());
    let plan = undo_plan(&world, applied.plan(), both).await;
    assert!(plan.is_blocked());
    let problem = plan.blockers()[0].to_string();
    assert!(problem.contains(&names[1]) && problem.contains("not below the selected OUs"), "{problem}");
    assert_eq!(plan.blockers().len(), 1, "{:?}", plan.blockers());
}

#[tokio::test]
async fn a_domain_comes_back_as_verified_as_it_was() {
    for verified in [true, false] {
        let mut world = World::new(5);
        let tenant = world.tenant.tenant();
        let spec = spec("domain = 'contoso.com'\n");
        let applied = world.approved(&spec).await;
        if verified {
            world.apply(&world.onramp(), &applied).await.unwrap().require_complete().unwrap();
        } else {
            // The record is never published, and the run is stopped while it waits.
            let onramp =
                onramp::Onramp::new(tenant.clone(), world.forest.forest()).with_clock(world.clock.clone());
            let mut run = onramp.start(&applied, &mut world.journal, &world.secrets);
            let outcome = run.apply(&Limits::default()).await.unwrap();
            assert!(matches!(outcome.status, ApplyStatus::Waiting { .. }), "{outcome:?}");
        }
        let domain = "contoso.com".parse().unwrap();
        assert_eq!(tenant.domains.get(&domain).await.unwrap().is_verified, verified);
        let undo = undone(&mut world, applied.plan()).await;
        let redo = undo_plan(&world, undo.plan(), UndoSelection::default()).await;
        let adds = |plan: &Plan| plan.changes().iter().any(|p| matches!(p.change, Change::AddDomain { .. }));
        let verifies =
            |plan: &Plan| plan.changes().iter().any(|p| matches!(p.change, Change::VerifyDomain { .. }));
        assert!(adds(&redo));
        assert_eq!(verifies(&redo), verified, "{redo:#?}");
    }
}
