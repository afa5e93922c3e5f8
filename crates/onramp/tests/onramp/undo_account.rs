//! The account in an undo, while others change the tenant or the service fails.

use onramp::{
    ApplyOutcome, ApprovedPlan, Change, JournalEntry, Outcome, Plan, RecordedRun, Step, UndoSelection,
};
use onramp_core::Upn;
use onramp_core::tenant::RoleTemplateId;
use onramp_lab::tenant::{Fault, FaultAction};
use serde_json::json;

use crate::world::{SPEC, World, approve_all, spec};

const ACCOUNT: &str = "onramp-sync@contoso.com";

fn account() -> Upn {
    ACCOUNT.parse().unwrap()
}

/// A world in which the job is done, and the plan that undoes the step of the account.
async fn done() -> (World, ApprovedPlan) {
    let mut world = World::new(4);
    let applied = world.done(&spec(SPEC)).await;
    let undo = undo(&world, applied.plan()).await;
    (world, undo)
}

async fn undo(world: &World, plan: &Plan) -> ApprovedPlan {
    let run = RecordedRun::read(plan.clone(), &world.journal).await.unwrap();
    let selection = UndoSelection::default().with_steps([Step::ServiceAccount]);
    approve_all(world.onramp().undo(&run, &selection).await.unwrap())
}

/// The outcome of the first change of a kind.
fn outcome_of(plan: &Plan, outcome: &ApplyOutcome, kind: impl Fn(&Change) -> bool) -> Option<Outcome> {
    let number = plan.changes().iter().find(|planned| kind(&planned.change)).unwrap().number;
    outcome.steps.iter().find(|step| step.number == number).map(|step| step.outcome)
}

fn deletes(change: &Change) -> bool {
    matches!(change, Change::DeleteServiceAccount { .. })
}

fn restores(change: &Change) -> bool {
    matches!(change, Change::RestoreServiceAccount { .. })
}

fn removes(change: &Change) -> bool {
    matches!(change, Change::RemoveRole { .. })
}

#[tokio::test]
async fn an_account_that_was_renamed_meanwhile_is_not_deleted() {
    let (mut world, undo) = done().await;
    world.tenant.change_user(&account(), &json!({ "userPrincipalName": "other@contoso.com" })).unwrap();
    let outcome = world.apply(&world.onramp(), &undo).await.unwrap();
    assert_eq!(outcome_of(undo.plan(), &outcome, deletes), Some(Outcome::Stale), "{outcome:?}");
    let other = "other@contoso.com".parse().unwrap();
    assert!(world.tenant.tenant().users.find(&other).await.unwrap().is_some());
}

#[tokio::test]
async fn an_account_that_somebody_deleted_or_restored_meanwhile_is_so_already() {
    let (mut world, undo_plan) = done().await;
    let id = world.tenant.tenant().users.find(&account()).await.unwrap().unwrap().id;
    // Its roles are removed first, which is nothing to do for an account that is gone.
    world.tenant.before("GET", format!("/v1.0/users/{id}"), move |tenant| {
        let _ = tenant.delete_user(&account());
    });
    let outcome = world.apply(&world.onramp(), &undo_plan).await.unwrap();
    assert_eq!(outcome_of(undo_plan.plan(), &outcome, deletes), Some(Outcome::Unchanged), "{outcome:?}");

    // Who deleted nothing restores nothing.
    assert!(
        !undo(&world, undo_plan.plan())
            .await
            .plan()
            .changes()
            .iter()
            .any(|planned| restores(&planned.change))
    );

    let (mut world, undo_plan) = done().await;
    let id = world.tenant.tenant().users.find(&account()).await.unwrap().unwrap().id;
    world.apply(&world.onramp(), &undo_plan).await.unwrap().require_complete().unwrap();
    let redo = undo(&world, undo_plan.plan()).await;
    let path = format!("/v1.0/directory/deletedItems/{id}/restore");
    world.tenant.tenant().users.restore(&id).await.unwrap();
    let outcome = world.apply(&world.onramp(), &redo).await.unwrap();
    assert_eq!(outcome_of(redo.plan(), &outcome, restores), Some(Outcome::Unchanged), "{outcome:?}");
    assert!(outcome.is_complete());
    // A refusal is not taken for an account that is there already.
    let again = world.apply(&world.onramp(), &undo_plan).await.unwrap();
    assert!(again.is_complete(), "{again:?}");
    world.tenant.tenant().users.restore(&id).await.unwrap();
    world.tenant.add_fault(Fault::on("POST", path, FaultAction::status(403)));
    let refused = world.apply(&world.onramp(), &redo).await.unwrap();
    assert_eq!(outcome_of(redo.plan(), &refused, restores), Some(Outcome::Failed), "{refused:?}");
}

#[tokio::test]
async fn an_error_of_the_service_is_no_deleted_account() {
    for nth in [1, 2] {
        let (mut world, undo) = done().await;
        let id = world.tenant.tenant().users.find(&account()).await.unwrap().unwrap().id;
        let fault =
            Fault::on("GET", format!("/v1.0/users/{id}"), FaultAction::status(503)).from_nth(nth).always();
        world.tenant.add_fault(fault);
        let outcome = world.apply(&world.onramp(), &undo).await.unwrap();
        // The second look is after the deletion was sent.
        let expected = if nth == 1 { Outcome::Failed } else { Outcome::Unknown };
        assert_eq!(outcome_of(undo.plan(), &outcome, deletes), Some(expected), "{outcome:?}");
    }
}

#[tokio::test]
async fn a_restored_account_is_waited_for_and_an_error_is_no_account() {
    let (mut world, undo_plan) = done().await;
    let id = world.tenant.tenant().users.find(&account()).await.unwrap().unwrap().id;
    world.apply(&world.onramp(), &undo_plan).await.unwrap().require_complete().unwrap();
    let redo = undo(&world, undo_plan.plan()).await;
    let path = format!("/v1.0/users/{id}");
    // It is not visible at once.
    world.tenant.add_fault(Fault::on("GET", path.clone(), FaultAction::status(404)).times(2));
    world.apply(&world.onramp(), &redo).await.unwrap().require_complete().unwrap();
    world.apply(&world.onramp(), &undo_plan).await.unwrap().require_complete().unwrap();
    world.tenant.add_fault(Fault::on("GET", path, FaultAction::status(503)).always());
    let outcome = world.apply(&world.onramp(), &redo).await.unwrap();
    assert_eq!(outcome_of(redo.plan(), &outcome, restores), Some(Outcome::Unknown), "{outcome:?}");
}

#[tokio::test]
async fn only_the_role_of_the_run_is_removed() {
    let (mut world, undo) = done().await;
    let tenant = world.tenant.tenant();
    let id = tenant.users.find(&account()).await.unwrap().unwrap().id;
    tenant.roles.assign(&RoleTemplateId::USER_ADMINISTRATOR, &id).await.unwrap();
    // The deletion fails, so that the roles that are left can be read.
    world.tenant.add_fault(Fault::on("DELETE", format!("/v1.0/users/{id}"), FaultAction::status(403)));
    let outcome = world.apply(&world.onramp(), &undo).await.unwrap();
    assert_eq!(outcome_of(undo.plan(), &outcome, removes), Some(Outcome::Done), "{outcome:?}");
    let left = tenant.roles.assignments_of(&id).await.unwrap();
    assert_eq!(left.iter().map(|held| held.role).collect::<Vec<_>>(), [RoleTemplateId::USER_ADMINISTRATOR]);
}

#[tokio::test]
async fn a_role_that_goes_meanwhile_is_gone_and_a_refusal_is_an_error() {
    for (status, expected) in [(404, Outcome::Done), (403, Outcome::Failed)] {
        let (mut world, undo) = done().await;
        let tenant = world.tenant.tenant();
        let id = tenant.users.find(&account()).await.unwrap().unwrap().id;
        let held = tenant.roles.assignments_of(&id).await.unwrap().remove(0);
        let path = "/v1.0/roleManagement/directory/roleAssignments/*";
        if status == 404 {
            // Somebody else removes it right before.
            world.tenant.before("DELETE", path, move |lab| {
                let roles = lab.tenant().roles;
                let _ = futures_util::FutureExt::now_or_never(roles.unassign(&held.id));
            });
        } else {
            world.tenant.add_fault(Fault::on("DELETE", path, FaultAction::status(status)));
        }
        let outcome = world.apply(&world.onramp(), &undo).await.unwrap();
        assert_eq!(outcome_of(undo.plan(), &outcome, removes), Some(expected), "{outcome:?}");
    }
}

#[tokio::test]
async fn the_journal_has_the_enabled_state_before_and_after() {
    let mut world = World::new(3);
    let tenant = world.tenant.tenant();
    let upn: Upn = "sync@contoso.onmicrosoft.com".parse().unwrap();
    let password = onramp_core::Password::new("correct horse battery staple 9".to_owned());
    let id = tenant
        .users
        .create(&onramp_core::tenant::NewUser::new(upn.clone(), "Sync", password))
        .await
        .unwrap()
        .id;
    let disabled = onramp_core::tenant::UserUpdate::default().with_account_enabled(false);
    tenant.users.update(&id, &disabled).await.unwrap();
    let job = format!("domain = 'contoso.com'\n[service_account]\nupn = '{upn}'\n");
    let applied = world.done(&spec(&job)).await;
    let undo = undo(&world, applied.plan()).await;
    world.apply(&world.onramp(), &undo).await.unwrap().require_complete().unwrap();
    let states: Vec<(Option<String>, Option<String>)> = (world.journal.records().into_iter())
        .filter_map(|record| match record.entry {
            JournalEntry::ChangeStarted { title, before, after, .. }
                if title.contains("able the account") =>
            {
                Some((before, after))
            }
            _ => None,
        })
        .collect();
    let [on, off] = ["enabled", "disabled"].map(|state| Some(state.to_owned()));
    assert_eq!(states, [(off.clone(), on.clone()), (on, off)]);
}
