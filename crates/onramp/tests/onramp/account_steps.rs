//! The steps to a service account: none too many, none too few.

use std::sync::Arc;

use onramp::{Change, Consequence, History, Plan, plan};
use onramp_core::mock::MockRoles;
use onramp_core::tenant::{AzureRoleId, MfaState, RoleTemplateId, UserUpdate};
use onramp_core::{Error, ErrorKind};
use onramp_lab::tenant::LabSubscription;

use crate::small::{add, build, cloud, ids, run, verified};
use crate::world::{World, spec};

const UPN: &str = "sync@contoso.com";

fn text() -> String {
    format!(
        "domain = 'contoso.com'\n[service_account]\nupn = '{UPN}'\nalternate_email = 'it@contoso.com'\n\
         subscriptions = [{{ subscription = 'Production', role = 'Reader' }}]\n"
    )
}

fn world() -> World {
    build(|forest| forest, |tenant| verified(tenant).subscription(LabSubscription::new("Production")))
}

fn steps(plan: &Plan) -> Vec<&'static str> {
    let step = |change: &Change| match change {
        Change::CreateServiceAccount { .. } => "create",
        Change::SetServiceAccountPassword { .. } => "password",
        Change::SetMfaState { .. } => "mfa",
        Change::SetAlternateEmail { .. } => "mail",
        Change::EnableServiceAccount { .. } => "enable",
        Change::ProveSignIn { .. } => "prove",
        Change::AssignRole { .. } => "role",
        Change::AssignSubscriptionRole { .. } => "subscription",
        _ => "other",
    };
    plan.changes().iter().map(|planned| step(&planned.change)).filter(|step| *step != "other").collect()
}

async fn again(world: &World) -> Plan {
    let mut history = History::default();
    history.add(&world.journal.records());
    let spec = spec(&text());
    plan(&spec, &world.onramp().with_history(history).survey(&spec).await.unwrap())
}

#[tokio::test]
async fn what_is_done_is_not_planned_again_and_what_is_lost_is() {
    let mut world = world();
    let first = world.plan(&spec(&text())).await;
    assert_eq!(steps(&first), ["create", "prove", "role", "subscription"]);
    run(&mut world, &text()).await;
    let done = again(&world).await;
    assert!(done.is_empty() && done.consequences().is_empty(), "{:?}", done.changes());
    let tenant = world.tenant.tenant();
    let user = tenant.users.find(&UPN.parse().unwrap()).await.unwrap().unwrap();

    let update = |change: fn(&mut UserUpdate)| {
        let mut update = UserUpdate::default();
        change(&mut update);
        update
    };
    tenant.users.update(&user.id, &update(|u| u.account_enabled = Some(false))).await.unwrap();
    let plan = again(&world).await;
    // Somebody may have given it another password while it was disabled.
    assert_eq!(steps(&plan), ["password", "enable", "prove"]);
    let changed = ids(&plan);
    assert!(
        changed.len() == 1 && changed[0].starts_with(&format!("service-account-changed:{UPN}:")),
        "an earlier run made it: {changed:?}"
    );
    // A test of the sign-in changes nothing, and nobody has to accept it.
    assert_eq!(
        plan.consequences()[0].members(),
        [
            format!("set a strong password that does not expire for {UPN}"),
            format!("enable the account {UPN}"),
        ]
    );
    // Who accepted that it is created did not accept that it is enabled against somebody's will.
    assert!(plan.covered_by(&first, &ids(&first)).is_empty());
    assert_eq!(plan.covered_by(&plan, &changed), changed);
    // Nobody knows that without the journal.
    let unknown = world.plan(&spec(&text())).await;
    assert!(ids(&unknown)[0].starts_with(&format!("account-taken-over:{UPN}:")), "{:?}", ids(&unknown));
    tenant.users.update(&user.id, &update(|u| u.account_enabled = Some(true))).await.unwrap();

    tenant
        .users
        .update(&user.id, &update(|u| u.other_mails = Some(vec!["x@contoso.com".into()])))
        .await
        .unwrap();
    assert_eq!(steps(&again(&world).await), ["mail"]);
    tenant
        .users
        .update(&user.id, &update(|u| u.other_mails = Some(vec!["it@contoso.com".into()])))
        .await
        .unwrap();

    tenant.sign_in.set_mfa_state(&user.id, MfaState::Enabled).await.unwrap();
    assert_eq!(steps(&again(&world).await), ["mfa"]);
    tenant.sign_in.set_mfa_state(&user.id, MfaState::Disabled).await.unwrap();

    let held = tenant.roles.assignments_of(&user.id).await.unwrap();
    assert_eq!(held[0].role, RoleTemplateId::HYBRID_IDENTITY_ADMINISTRATOR);
    tenant.roles.unassign(&held[0].id).await.unwrap();
    let plan = again(&world).await;
    assert_eq!(steps(&plan), ["prove", "role"], "proven anew before it gets a role");
    tenant.roles.assign(&held[0].role, &user.id).await.unwrap();

    let subscription = world.tenant.subscription_ids()[0];
    let held = tenant.subscriptions.assignments(&subscription, &user.id).await.unwrap();
    assert_eq!(held[0].role, AzureRoleId::by_name("Reader").unwrap());
    tenant.subscriptions.unassign(&held[0]).await.unwrap();
    assert_eq!(steps(&again(&world).await), ["prove", "subscription"]);
}

#[tokio::test]
async fn an_account_to_be_taken_over_is_secured_first() {
    let world = build(
        |forest| forest,
        |tenant| {
            verified(tenant)
                .subscription(LabSubscription::new("Production"))
                .seed_user(cloud(UPN).disabled().with_role(RoleTemplateId::HYBRID_IDENTITY_ADMINISTRATOR))
        },
    );
    let plan = world.plan(&spec(&text())).await;
    assert_eq!(steps(&plan), ["password", "mail", "enable", "prove", "subscription"]);
    let user = world.tenant.tenant().users.find(&UPN.parse().unwrap()).await.unwrap().unwrap();
    for planned in plan.changes() {
        let id = match &planned.change {
            Change::SetServiceAccountPassword { id, .. }
            | Change::SetAlternateEmail { id, .. }
            | Change::EnableServiceAccount { id, .. }
            | Change::ProveSignIn { id, .. }
            | Change::AssignSubscriptionRole { id, .. } => id,
            _ => continue,
        };
        assert_eq!(*id, Some(user.id), "{:?}", planned.change);
    }
    let Some(Consequence::AccountTakenOver { roles, password_replaced, enabled, .. }) =
        plan.consequences().iter().find(|c| matches!(c, Consequence::AccountTakenOver { .. }))
    else {
        panic!("{:?}", ids(&plan))
    };
    assert_eq!(roles, &["Hybrid Identity Administrator"]);
    assert!(*password_replaced && *enabled);
}

#[tokio::test]
async fn what_may_not_be_read_is_a_warning() {
    let world = build(|forest| forest, |tenant| verified(tenant).seed_user(cloud("anna@contoso.com")));
    add(&world, "anna", Some("anna@corp.local"));
    let spec = spec("domain = 'contoso.com'\n[users]\n[sync]\nenable = true\n");
    let survey = async |kind: ErrorKind| {
        let mut roles = MockRoles::new();
        roles.expect_assignments().returning(move || Err(Error::new(kind, "list the role assignments")));
        let tenant = world.tenant.tenant().with_roles(Arc::new(roles));
        world.onramp_on(tenant, world.forest.forest()).survey(&spec).await
    };
    let plan = plan(&spec, &survey(ErrorKind::Forbidden).await.unwrap());
    assert!(
        plan.warnings().iter().any(|text| text.contains("roles of cloud users")),
        "{:?}",
        plan.warnings()
    );
    assert!(world.plan(&spec).await.warnings().is_empty());
    // An answer that fails for a moment does not show that there is nothing.
    assert_eq!(survey(ErrorKind::Unavailable).await.unwrap_err().kind(), ErrorKind::Unavailable);
}
