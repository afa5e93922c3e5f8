//! The verification of an undo looks at every change, and an undo leaves alone what is not as the run left it.

use onramp::{
    ApprovedPlan, Change, CheckStatus, Consequence, Plan, RecordedRun, Step, UndoSelection, Verification,
};
use onramp_core::tenant::{MfaState, NewUser, RoleTemplateId, UserUpdate};
use onramp_core::{ObjectId, Password, Upn};
use serde_json::json;

use crate::world::{SPEC, World, approve_all, spec};

async fn undo_plan(world: &World, plan: &Plan) -> Plan {
    let run = RecordedRun::read(plan.clone(), &world.journal).await.unwrap();
    world.onramp().undo(&run, &UndoSelection::default()).await.unwrap()
}

fn status(verification: &Verification, change: &Change) -> Option<CheckStatus> {
    let name = change.to_string();
    verification.checks.iter().find(|check| check.name == name).map(|check| check.status)
}

/// Undoes a run; each change is looked at before, when it is not so, and after.
async fn looked_at(world: &mut World, plan: &Plan, kinds: usize) -> ApprovedPlan {
    let approved = approve_all(undo_plan(world, plan).await);
    let changes: Vec<Change> =
        approved.plan().changes().iter().map(|planned| planned.change.clone()).collect();
    let before = world.onramp().verify_undo(&approved).await.unwrap();
    let looked: Vec<&Change> = changes.iter().filter(|change| status(&before, change).is_some()).collect();
    assert_eq!(looked.len(), kinds, "{looked:#?}");
    for change in &looked {
        let found = status(&before, change);
        assert_ne!(found, Some(CheckStatus::True), "not made yet: {change}");
        assert_ne!(found, Some(CheckStatus::TrueButForBlocked), "not made yet: {change}");
    }
    world.apply(&world.onramp(), &approved).await.unwrap().require_complete().unwrap();
    let after = world.onramp().verify_undo(&approved).await.unwrap();
    for change in &looked {
        assert_eq!(status(&after, change), Some(CheckStatus::True), "made: {change}");
    }
    assert!(after.is_green(), "{after:#?}");
    approved
}

fn whole_job(world: &World) -> String {
    let id = world.tenant.subscription_ids()[0];
    // No user has the suffix before the run, so that everything can be undone.
    format!("{SPEC}[[service_account.subscriptions]]\nsubscription = \"{id}\"\nrole = \"Contributor\"\n")
}

/// Takes the suffix of the job from the users that have it.
async fn without_suffix(world: &World) {
    let host = world.forest.controllers()[0].clone();
    let users = world.forest.forest().users.search(onramp_core::forest::UserQuery::all());
    let users: Vec<_> = futures_util::TryStreamExt::try_collect(users).await.unwrap();
    for user in
        users.iter().filter(|user| user.upn.as_deref().is_some_and(|upn| upn.ends_with("@contoso.com")))
    {
        let upn = format!("{}@corp.local", user.sam_account_name);
        world.forest.set_on(&host, &user.guid, "userPrincipalName", &[&upn]).unwrap();
    }
    world.clock.advance(std::time::Duration::from_secs(60));
}

fn left(plan: &Plan) -> Vec<String> {
    let is_left = |consequence: &&Consequence| matches!(consequence, Consequence::NotUndone { .. });
    plan.consequences().iter().filter(is_left).flat_map(Consequence::members).collect()
}

fn names(plan: &Plan) -> Vec<String> {
    let first = |id: String| id.split(':').next().unwrap_or_default().to_owned();
    plan.consequences().iter().map(|consequence| first(consequence.id())).collect()
}

#[tokio::test]
async fn each_change_of_an_undo_is_looked_at_before_and_after() {
    let mut world = World::new(30);
    without_suffix(&world).await;
    let applied = world.done(&spec(&whole_job(&world))).await;
    // Two roles, the account, the switch, the suffix and the domain.
    let undo = looked_at(&mut world, applied.plan(), 6).await;
    // Nothing is left as it is, so that no check says so.
    let verification = world.onramp().verify_undo(&undo).await.unwrap();
    assert!(verification.checks.iter().all(|check| check.status == CheckStatus::True), "{verification:#?}");
    assert!(!verification.checks.iter().any(|check| check.name.contains("left as they are")));
    world.clock.advance(std::time::Duration::from_secs(80 * 3600));
    // The domain is verified beside; the suffix, the switch, the account and its roles.
    let redo = looked_at(&mut world, undo.plan(), 7).await;
    // The directories are as after the first run: it can be undone once more.
    looked_at(&mut world, redo.plan(), 6).await;
}

#[tokio::test]
async fn each_property_of_an_account_is_looked_at_before_and_after() {
    let (mut world, _, applied) = with_account().await;
    // The role, the second factor, the alternate address and the enabled state; the suffix and the domain.
    let undo = looked_at(&mut world, applied.plan(), 6).await;
    assert_eq!(names(undo.plan()).iter().filter(|name| *name == "not-undone").count(), 1);
    assert!(!names(undo.plan()).contains(&"mfa-switched-off".to_owned()), "{:?}", names(undo.plan()));
    let redo = looked_at(&mut world, undo.plan(), 7).await;
    let names = names(redo.plan());
    assert!(names.contains(&"mfa-switched-off".to_owned()), "{names:?}");
    assert!(names.contains(&"privileged-role-granted".to_owned()), "{names:?}");
}

/// A world with an account that the run only changed.
async fn with_account() -> (World, ObjectId, ApprovedPlan) {
    let mut world = World::new(5);
    let account: Upn = "onramp-sync@contoso.onmicrosoft.com".parse().unwrap();
    let tenant = world.tenant.tenant();
    let password = Password::new("correct horse battery staple 9".to_owned());
    let user =
        NewUser::new(account.clone(), "Sync", password).with_other_mails(vec!["old@fabrikam.com".into()]);
    let id = tenant.users.create(&user).await.unwrap().id;
    tenant.users.update(&id, &UserUpdate::default().with_account_enabled(false)).await.unwrap();
    tenant.sign_in.set_mfa_state(&id, MfaState::Enforced).await.unwrap();
    let job = format!(
        "domain = \"contoso.com\"\n[service_account]\nupn = \"{account}\"\nalternate_email = \"it@fabrikam.com\"\n"
    );
    let applied = world.done(&spec(&job)).await;
    (world, id, applied)
}

#[tokio::test]
async fn a_property_that_somebody_changed_since_is_named_and_left() {
    let (world, id, applied) = with_account().await;
    let tenant = world.tenant.tenant();
    tenant
        .users
        .update(&id, &UserUpdate::default().with_other_mails(vec!["new@fabrikam.com".into()]))
        .await
        .unwrap();
    tenant.sign_in.set_mfa_state(&id, MfaState::Enabled).await.unwrap();
    tenant.users.update(&id, &UserUpdate::default().with_account_enabled(false)).await.unwrap();
    let plan = undo_plan(&world, applied.plan()).await;
    let is_of = |change: &Change| {
        matches!(
            change,
            Change::SetMfaState { .. }
                | Change::SetAlternateEmail { .. }
                | Change::DisableServiceAccount { .. }
        )
    };
    assert!(!plan.changes().iter().any(|planned| is_of(&planned.change)), "{plan:#?}");
    let told = left(&plan).join("\n");
    assert!(told.contains("it is new@fabrikam.com now") && told.contains("it is enabled now"), "{told}");
    assert_eq!(left(&plan).len(), 3, "{told}");

    // Set back by hand to the values from before the run: nothing is left to undo or to name.
    tenant
        .users
        .update(&id, &UserUpdate::default().with_other_mails(vec!["old@fabrikam.com".into()]))
        .await
        .unwrap();
    tenant.sign_in.set_mfa_state(&id, MfaState::Enforced).await.unwrap();
    let plan = undo_plan(&world, applied.plan()).await;
    assert!(!plan.changes().iter().any(|planned| is_of(&planned.change)), "{plan:#?}");
    assert_eq!(left(&plan).len(), 1, "the password alone: {:?}", left(&plan));
}

#[tokio::test]
async fn a_role_that_the_account_no_longer_has_is_not_removed() {
    let (world, id, applied) = with_account().await;
    let roles = world.tenant.tenant().roles;
    let removes = |plan: &Plan| plan.changes().iter().any(|p| matches!(p.change, Change::RemoveRole { .. }));
    assert!(removes(&undo_plan(&world, applied.plan()).await));
    let held = roles.assignments_of(&id).await.unwrap().remove(0);
    roles.unassign(&held.id).await.unwrap();
    // Another role is none of the run.
    let reader = RoleTemplateId::USER_ADMINISTRATOR;
    roles.assign(&reader, &id).await.unwrap();
    assert!(!removes(&undo_plan(&world, applied.plan()).await));
}

#[tokio::test]
async fn an_account_that_somebody_deleted_or_renamed_is_named() {
    let (world, _, applied) = with_account().await;
    world.tenant.delete_user(&"onramp-sync@contoso.onmicrosoft.com".parse().unwrap()).unwrap();
    let told = left(&undo_plan(&world, applied.plan()).await);
    assert!(
        !told.is_empty() && told.iter().all(|line| line.ends_with("the account no longer exists")),
        "{told:?}"
    );

    // An account that the run created, and that is gone, is undone already.
    let account: Upn = "onramp-sync@contoso.com".parse().unwrap();
    let mut world = World::new(5);
    let applied = world.done(&spec(&whole_job(&world))).await;
    world.tenant.change_user(&account, &json!({ "userPrincipalName": "renamed@contoso.com" })).unwrap();
    let plan = undo_plan(&world, applied.plan()).await;
    assert!(!plan.changes().iter().any(|p| matches!(p.change, Change::DeleteServiceAccount { .. })));
    let told = left(&plan).join("\n");
    assert!(told.contains("is renamed@contoso.com now"), "{told}");
    world
        .tenant
        .change_user(
            &"renamed@contoso.com".parse().unwrap(),
            &json!({ "userPrincipalName": account.as_str() }),
        )
        .unwrap();
    world.tenant.delete_user(&account).unwrap();
    let plan = undo_plan(&world, applied.plan()).await;
    let of_account = |change: &Change| Step::ServiceAccount == step(change);
    assert!(!plan.changes().iter().any(|planned| of_account(&planned.change)), "{plan:#?}");
    assert!(!left(&plan).iter().any(|line| line.contains("account")), "{:?}", left(&plan));
}

fn step(change: &Change) -> Step {
    match change {
        Change::DisableSync => Step::Sync,
        Change::RestoreUpn { .. } | Change::AwaitReplication { .. } => Step::Users,
        Change::RemoveSuffix { .. } => Step::Suffix,
        Change::RemoveDomain { .. } => Step::Domain,
        _ => Step::ServiceAccount,
    }
}

#[tokio::test]
async fn a_deleted_account_comes_back_while_the_tenant_keeps_it() {
    let mut world = World::new(5);
    let applied = world.done(&spec(&whole_job(&world))).await;
    let undo = undone(&mut world, applied.plan(), Step::ServiceAccount).await;
    // Another deleted user is not taken for it.
    let other = Password::new("correct horse battery staple 9".to_owned());
    let other = NewUser::new("other@contoso.onmicrosoft.com".parse().unwrap(), "Other", other);
    let tenant = world.tenant.tenant();
    let other = tenant.users.create(&other).await.unwrap();
    tenant.users.delete(&other.id).await.unwrap();
    let restores = |plan: &Plan| {
        plan.changes().iter().filter(|p| matches!(p.change, Change::RestoreServiceAccount { .. })).count()
    };
    let plan = undo_plan(&world, undo.plan()).await;
    assert_eq!(restores(&plan), 1);
    let Some(Change::RestoreServiceAccount { id, .. }) = (plan.changes().iter())
        .map(|planned| planned.change.clone())
        .find(|change| matches!(change, Change::RestoreServiceAccount { .. }))
    else {
        panic!("{plan:#?}")
    };
    assert_ne!(id, other.id);

    // Somebody restored it already: its roles are given back, and nothing is named.
    tenant.users.restore(&id).await.unwrap();
    let again = undo_plan(&world, undo.plan()).await;
    assert_eq!(restores(&again), 0);
    assert!(left(&again).iter().all(|line| !line.contains("can be restored")), "{:?}", left(&again));
    assert!(again.changes().iter().any(|p| matches!(p.change, Change::AssignRole { .. })), "{again:#?}");
    tenant.users.delete(&id).await.unwrap();

    world.tenant.purge_user(&id).unwrap();
    let late = undo_plan(&world, undo.plan()).await;
    assert_eq!(restores(&late), 0);
    assert!(
        left(&late).iter().any(|line| line.contains("not among those that can be restored")),
        "{:?}",
        left(&late)
    );
}

/// Undoes one step of a run.
async fn undone(world: &mut World, plan: &Plan, step: Step) -> ApprovedPlan {
    let run = RecordedRun::read(plan.clone(), &world.journal).await.unwrap();
    let selection = UndoSelection::default().with_steps([step]);
    let approved = approve_all(world.onramp().undo(&run, &selection).await.unwrap());
    world.apply(&world.onramp(), &approved).await.unwrap().require_complete().unwrap();
    approved
}

#[tokio::test]
async fn a_switch_that_is_as_before_the_run_is_not_touched() {
    let mut world = World::new(5);
    let applied = world.done(&spec(SPEC)).await;
    let undo = undone(&mut world, applied.plan(), Step::Sync).await;
    let switches = |plan: &Plan| {
        plan.changes().iter().filter(|p| matches!(p.change, Change::EnableSync | Change::DisableSync)).count()
    };
    world.clock.advance(std::time::Duration::from_secs(80 * 3600));
    assert_eq!(switches(&undo_plan(&world, undo.plan()).await), 1);
    assert_eq!(switches(&undo_plan(&world, applied.plan()).await), 0, "it is off already");
    world.tenant.tenant().sync.set_enabled(true).await.unwrap();
    assert_eq!(switches(&undo_plan(&world, undo.plan()).await), 0, "it is on already");
}

#[tokio::test]
async fn what_is_left_as_it_is_is_counted() {
    let mut world = World::new(12);
    let applied = world.done(&spec(SPEC)).await;
    let host = world.forest.controllers()[0].clone();
    for (_, theirs) in crate::world::upn_changes(applied.plan()).iter().take(2) {
        let upn = format!("x-{}", theirs.after);
        world.forest.set_on(&host, &theirs.guid, "userPrincipalName", &[&upn]).unwrap();
    }
    world.clock.advance(std::time::Duration::from_secs(60));
    let run = RecordedRun::read(applied.plan().clone(), &world.journal).await.unwrap();
    let users = UndoSelection::default().with_steps([Step::Users]);
    let approved = approve_all(world.onramp().undo(&run, &users).await.unwrap());
    let skipped: Vec<(&str, u64)> = approved
        .plan()
        .header()
        .users_skipped
        .iter()
        .map(|(reason, count)| (reason.as_str(), *count))
        .collect();
    assert_eq!(skipped, [("its UPN was changed again since the run", 2)]);
    world.apply(&world.onramp(), &approved).await.unwrap().require_complete().unwrap();
    let verification = world.onramp().verify_undo(&approved).await.unwrap();
    let check = verification.checks.iter().find(|check| check.name.contains("left as they are")).unwrap();
    assert_eq!(
        (check.status, check.detail.as_str()),
        (CheckStatus::TrueButForBlocked, "2, each with its reason in the plan")
    );

    // A plan without users has no check of users.
    let domain = world.onramp().undo(&run, &UndoSelection::default().with_steps([Step::Sync])).await.unwrap();
    let verification = world.onramp().verify_undo(&approve_all(domain)).await.unwrap();
    assert!(!verification.checks.iter().any(|check| check.name.contains("users")), "{verification:#?}");
}

#[test]
fn a_step_is_named_as_in_a_plan() {
    for step in Step::ALL {
        assert_eq!(step.to_string().parse::<Step>().unwrap(), step);
    }
    let error = "service account".parse::<Step>().unwrap_err().to_string();
    assert!(
        error.contains("service account")
            && error.contains("domain, suffix, users, attributes, sync, service-account"),
        "{error}"
    );
}
