//! The tutorial "creating a synchronization account": account, role, e-mail, MFA, password, subscription, first sign-in.

use onramp::{Change, Consequence, JournalEntry, SecretStore};
use onramp_core::tenant::{AzureRoleId, MfaState, NewUser, RoleTemplateId, SignInProbe, UserUpdate};
use onramp_core::{Password, Upn};

use crate::world::{World, approve_all, spec};

const SYNC: &str = "onramp-sync@contoso.com";

fn job(world: &World) -> String {
    let id = world.tenant.subscription_ids()[0];
    format!(
        "domain = \"contoso.com\"\n[service_account]\nupn = \"{SYNC}\"\ndisplay_name = \"Directory synchronization\"\n\
         alternate_email = \"it@fabrikam.com\"\nrole = \"Hybrid Identity Administrator\"\n\
         [[service_account.subscriptions]]\nsubscription = \"{id}\"\nrole = \"Contributor\"\n"
    )
}

/// Holds the account against everything that the tutorial wants of it.
async fn is_as_the_tutorial_wants(world: &World) {
    let tenant = world.tenant.tenant();
    let upn: Upn = SYNC.parse().unwrap();
    let account = tenant.users.find(&upn).await.unwrap().unwrap();
    assert!(account.account_enabled && account.password_never_expires);
    assert_eq!(account.other_mails, ["it@fabrikam.com"]);
    assert!(tenant.domains.get(&upn.domain().unwrap()).await.unwrap().is_verified);
    let roles = tenant.roles.assignments_of(&account.id).await.unwrap();
    let held: Vec<_> = roles.iter().map(|held| (held.role, held.scope.as_str())).collect();
    assert_eq!(held, [(RoleTemplateId::HYBRID_IDENTITY_ADMINISTRATOR, "/")], "this role and no other");
    assert_eq!(tenant.sign_in.mfa_state(&account.id).await.unwrap(), MfaState::Disabled);
    let subscription = world.tenant.subscription_ids()[0];
    let held = tenant.subscriptions.assignments(&subscription, &account.id).await.unwrap();
    assert_eq!(held.iter().map(|held| held.role).collect::<Vec<_>>(), [AzureRoleId::CONTRIBUTOR]);
    let password = world.secrets.load(SYNC).await.unwrap().unwrap();
    assert!(password.expose().chars().count() >= 16);
    assert_eq!(tenant.sign_in.probe(&upn, &password).await.unwrap(), SignInProbe::Accepted, "first sign-in");
}

#[tokio::test]
async fn creating_a_synchronization_account() {
    let mut world = World::new(10);
    let spec = spec(&job(&world));
    let plan = world.plan(&spec).await;
    // Each thing that gives it power is accepted by name.
    let id = world.tenant.subscription_ids()[0];
    for wanted in [
        format!("service-account-created:{SYNC}"),
        format!("privileged-role-granted:{SYNC}:hybrid-identity-administrator"),
        format!("subscription-access-granted:{SYNC}:{id}:contributor"),
    ] {
        assert!(plan.consequences().iter().any(|consequence| consequence.id() == wanted), "{wanted}");
    }
    let order: Vec<&Change> = plan.changes().iter().map(|planned| &planned.change).collect();
    let place = |kind: fn(&Change) -> bool| order.iter().position(|change| kind(change)).unwrap();
    let verified = place(|c| matches!(c, Change::VerifyDomain { .. }));
    let created = place(|c| matches!(c, Change::CreateServiceAccount { .. }));
    let proven = place(|c| matches!(c, Change::ProveSignIn { .. }));
    let role = place(|c| matches!(c, Change::AssignRole { .. }));
    let access = place(|c| matches!(c, Change::AssignSubscriptionRole { .. }));
    assert!(verified < created && created < proven && proven < role && role < access, "{order:?}");

    let approved = approve_all(plan);
    world.apply(&world.onramp(), &approved).await.unwrap().require_complete().unwrap();
    is_as_the_tutorial_wants(&world).await;
    let account = world.tenant.tenant().users.find(&SYNC.parse().unwrap()).await.unwrap().unwrap();
    assert_eq!(account.display_name.as_deref(), Some("Directory synchronization"));
    let verification = world.verified(&spec, &approved).await;
    assert!(verification.is_green(), "{verification:#?}");
    assert!(world.plan(&spec).await.is_empty());
}

#[tokio::test]
async fn creating_a_synchronization_account_out_of_one_with_a_temporary_password() {
    for must_change in [true, false] {
        let mut world = World::new(10);
        world.done(&spec("domain = \"contoso.com\"\n")).await;
        let tenant = world.tenant.tenant();
        let upn: Upn = SYNC.parse().unwrap();
        let temporary = Password::new("Temporary-9-on-a-note".into());
        let by_hand = NewUser::new(upn.clone(), "By hand", temporary.clone()).with_forced_change(must_change);
        let id = tenant.users.create(&by_hand).await.unwrap().id;
        tenant.sign_in.set_mfa_state(&id, MfaState::Enabled).await.unwrap();
        tenant.users.update(&id, &UserUpdate::default().with_account_enabled(false)).await.unwrap();
        tenant
            .users
            .update(&id, &UserUpdate::default().with_other_mails(vec!["old@fabrikam.com".into()]))
            .await
            .unwrap();

        let spec = spec(&job(&world));
        let plan = world.plan(&spec).await;
        assert!(plan.consequences().iter().any(|consequence| {
            matches!(consequence, Consequence::AccountTakenOver { password_replaced: true, enabled: true, id: taken, .. } if *taken == id)
        }));
        let kinds: Vec<&str> = plan
            .changes()
            .iter()
            .map(|planned| match planned.change {
                Change::SetServiceAccountPassword { .. } => "password",
                Change::SetMfaState { .. } => "mfa",
                Change::SetAlternateEmail { .. } => "e-mail",
                Change::EnableServiceAccount { .. } => "enable",
                Change::ProveSignIn { .. } => "sign-in",
                Change::AssignRole { .. } => "role",
                Change::AssignSubscriptionRole { .. } => "subscription",
                _ => "other",
            })
            .collect();
        assert_eq!(kinds, ["password", "mfa", "e-mail", "enable", "sign-in", "role", "subscription"]);

        let approved = approve_all(plan);
        world.apply(&world.onramp(), &approved).await.unwrap().require_complete().unwrap();
        is_as_the_tutorial_wants(&world).await;
        assert_eq!(tenant.users.find(&upn).await.unwrap().unwrap().id, id, "the same account");
        assert_eq!(tenant.sign_in.probe(&upn, &temporary).await.unwrap(), SignInProbe::WrongPassword);
        assert!(world.verified(&spec, &approved).await.is_green());
        assert!(world.plan(&spec).await.is_empty());

        // What was there before is in the journal, to be put back.
        let before = |wanted: &str| {
            world.journal.records().iter().any(|record| {
                matches!(&record.entry, JournalEntry::ChangeStarted { before: Some(before), object: Some(object), .. }
                    if before == wanted && *object == id.to_string())
            })
        };
        assert!(before("old@fabrikam.com") && before("enabled") && before("disabled"));
    }
}

#[tokio::test]
async fn creating_a_synchronization_account_on_a_domain_that_is_not_verified_is_refused_beforehand() {
    let world = World::new(4);
    let plan =
        world.plan(&spec("domain = \"contoso.com\"\n[service_account]\nupn = \"sync@fabrikam.com\"\n")).await;
    assert!(plan.is_blocked());
    assert!(plan.blockers()[0].to_string().contains("sync@fabrikam.com"), "{:?}", plan.blockers());
}
