//! Roles and sign-in of the service account: nothing is believed that reading does not show.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use onramp::{ApplyStatus, Outcome};
use onramp_core::mock::{MockDomains, MockRoles, MockSubscriptions};
use onramp_core::tenant::{
    AzureRoleId, NewUser, RoleAssignment, RoleTemplateId, SubscriptionRoleAssignment, SubscriptionState,
};
use onramp_core::{Clock, Error, ErrorKind, ObjectId, Password, Upn};
use onramp_lab::tenant::{AzureLock, ConditionalAccess, Fault, FaultAction};

use crate::world::{SPEC, World, spec};

const SYNC: &str = "onramp-sync@contoso.com";
const TITLE: &str = "give onramp-sync@contoso.com the role Hybrid Identity Administrator";

/// Counts sign-ins from now on.
fn count_sign_ins(world: &World) -> Arc<AtomicUsize> {
    let tried = Arc::new(AtomicUsize::new(0));
    let count = tried.clone();
    let counting = FaultAction::meanwhile(move |_| {
        count.fetch_add(1, Ordering::Relaxed);
    });
    world.tenant.add_fault(Fault::on("POST", "/*/oauth2/v2.0/token", counting).always());
    tried
}

fn exists() -> Error {
    Error::new(ErrorKind::AlreadyExists, "assign a directory role to").with_object(SYNC)
}

#[tokio::test]
async fn a_role_that_is_said_to_be_there_and_cannot_be_read_is_not_there() {
    let mut world = World::new(2);
    let approved = world.approved(&spec(SPEC)).await;
    let mut roles = MockRoles::new();
    roles.expect_assignments_of().returning(|_| Ok(Vec::new()));
    roles.expect_assign().times(1).returning(|_, _| Err(exists()));
    let tenant = world.tenant.tenant().with_roles(Arc::new(roles));
    let before = world.clock.elapsed();
    let outcome = world.apply(&world.onramp_on(tenant, world.forest.forest()), &approved).await.unwrap();
    let ApplyStatus::Stopped { title, problem, .. } = &outcome.status else { panic!("{outcome:?}") };
    assert!(title == TITLE && problem.contains("cannot be read back"), "{title}: {problem}");
    assert_eq!((outcome.failed, outcome.unknown), (1, 0));
    assert!((world.clock.elapsed() - before).as_secs() >= 120, "it may take a while to be seen");
}

#[tokio::test]
async fn a_role_that_is_there_although_assigning_it_was_refused_as_double_is_already_so() {
    let mut world = World::new(2);
    let approved = world.approved(&spec(SPEC)).await;
    let mut roles = MockRoles::new();
    let mut looks = 0;
    roles.expect_assignments_of().returning(move |id| {
        looks += 1;
        // Seen late, as an eventually consistent directory shows it.
        let role = RoleTemplateId::HYBRID_IDENTITY_ADMINISTRATOR;
        Ok(if looks < 4 { Vec::new() } else { vec![RoleAssignment::tenant_wide("1", role, *id)] })
    });
    roles.expect_assign().times(1).returning(|_, _| Err(exists()));
    let tenant = world.tenant.tenant().with_roles(Arc::new(roles));
    let outcome = world.apply(&world.onramp_on(tenant, world.forest.forest()), &approved).await.unwrap();
    outcome.require_complete().unwrap();
    assert_eq!(outcome.steps.last().unwrap().outcome, Outcome::Unchanged);
}

#[tokio::test]
async fn a_role_that_was_assigned_and_cannot_be_read_back_is_unknown() {
    // Not shown, held in one administrative unit only, or reading fails: in none of them is it known to be there.
    for case in 0..3 {
        let mut world = World::new(2);
        let approved = world.approved(&spec(SPEC)).await;
        let role = RoleTemplateId::HYBRID_IDENTITY_ADMINISTRATOR;
        let mut roles = MockRoles::new();
        let mut looks = 0;
        roles.expect_assignments_of().returning(move |id| {
            looks += 1;
            let mut elsewhere = RoleAssignment::tenant_wide("1", role, *id);
            elsewhere.scope = "/administrativeUnits/1".into();
            match case {
                1 => Ok(vec![elsewhere]),
                2 if looks > 1 => {
                    Err(Error::new(ErrorKind::Unavailable, "list the roles of").with_object(id))
                }
                _ => Ok(Vec::new()),
            }
        });
        roles
            .expect_assign()
            .times(1)
            .returning(move |_, id| Ok(RoleAssignment::tenant_wide("1", role, *id)));
        let tenant = world.tenant.tenant().with_roles(Arc::new(roles));
        let onramp = world.onramp_on(tenant, world.forest.forest());
        let outcome = world.apply(&onramp, &approved).await.unwrap();
        assert_eq!((outcome.failed, outcome.unknown), (0, 1), "case {case}: {outcome:?}");
        let ApplyStatus::Stopped { problem, .. } = &outcome.status else { panic!("{outcome:?}") };
        assert!(problem.contains("it was written"), "{problem}");
    }
}

fn subscribed(world: &World) -> String {
    let id = world.tenant.subscription_ids()[0];
    format!("{SPEC}\n[[service_account.subscriptions]]\nsubscription = \"{id}\"\nrole = \"Contributor\"\n")
}

#[tokio::test]
async fn a_lock_is_no_role_on_a_subscription() {
    for locked in [true, false] {
        let mut world = World::new(2);
        let spec = spec(&subscribed(&world));
        let approved = world.approved(&spec).await;
        let id = world.tenant.subscription_ids()[0];
        if locked {
            world.tenant.lock_scope(&format!("/subscriptions/{id}"), Some(AzureLock::ReadOnly)).unwrap();
        } else {
            world.tenant.set_subscription_state(&id, SubscriptionState::Disabled).unwrap();
        }
        let before = world.clock.elapsed();
        let outcome = world.apply(&world.onramp(), &approved).await.unwrap();
        assert!((world.clock.elapsed() - before).as_secs() < 60, "there is nothing to wait for");
        let ApplyStatus::Stopped { problem, .. } = &outcome.status else { panic!("{outcome:?}") };
        let code = if locked { "ScopeLocked" } else { "ReadOnlyDisabledSubscription" };
        assert!(problem.contains(code), "{problem}");
        assert_eq!((outcome.failed, outcome.unchanged), (1, 0));
        let verification = world.verified(&spec, &approved).await;
        assert!(!verification.is_green(), "{verification:#?}");
    }
}

#[tokio::test]
async fn a_conflict_of_any_kind_on_a_subscription_is_read_back() {
    let mut world = World::new(2);
    let approved = world.approved(&spec(&subscribed(&world))).await;
    let mut subscriptions = MockSubscriptions::new();
    let other = AzureRoleId::READER;
    subscriptions.expect_assignments().returning(move |subscription, id| {
        let name = ObjectId::parse("6b4ff9f1-2f0a-4ad4-8f0a-6f6b7ff0a001").unwrap();
        Ok(vec![SubscriptionRoleAssignment::new(name, *subscription, other, *id)])
    });
    subscriptions.expect_assign().times(1).returning(|_, _, _, _| Err(exists()));
    let tenant = world.tenant.tenant().with_subscriptions(Arc::new(subscriptions));
    let outcome = world.apply(&world.onramp_on(tenant, world.forest.forest()), &approved).await.unwrap();
    let ApplyStatus::Stopped { problem, .. } = &outcome.status else { panic!("{outcome:?}") };
    assert!(problem.contains("the role on the subscription"), "{problem}");
    assert_eq!((outcome.failed, outcome.unchanged), (1, 0));
}

#[tokio::test]
async fn what_keeps_the_account_from_signing_in_stops_the_run_before_the_role_and_is_told_as_what_it_is() {
    for (code, words, hint) in [
        (
            53_003,
            "a conditional access policy forbids the sign-in (AADSTS53003)",
            "Exclude the account from the policy",
        ),
        (530_003, "a policy that wants a known, managed device", "Exclude the account from the policy"),
        (53_005, "approved or protected app", "Exclude the account from the policy"),
        (530_033, "a policy that wants", "Exclude the account from the policy"),
        (50_053, "locked out", "Wait until"),
        (50_076, "a second factor is wanted", "Exclude the account"),
        (53_011, "at risk", "dismiss it"),
        (65_001, "the application may not sign in users", "Consent"),
        (50_055, "has to be changed first", "`new_password`"),
        (50_056, "Entra cannot check the password", "managed domain"),
        (99_999, "proves nothing", "manually"),
    ] {
        let mut world = World::new(2);
        let approved = world.approved(&spec(SPEC)).await;
        let refusal = FaultAction::error(400, "invalid_grant", format!("AADSTS{code}: no."));
        world.tenant.add_fault(Fault::on("POST", "/*/oauth2/v2.0/token", refusal).always());
        let outcome = world.apply(&world.onramp(), &approved).await.unwrap();
        let ApplyStatus::Stopped { problem, .. } = &outcome.status else { panic!("{outcome:?}") };
        assert!(problem.contains(words) && problem.contains(hint), "{code}: {problem}");
        assert!(!problem.contains('{'), "no names of the code: {problem}");
        let account = world.tenant.tenant().users.find(&SYNC.parse().unwrap()).await.unwrap().unwrap();
        let roles = world.tenant.tenant().roles.assignments_of(&account.id).await.unwrap();
        assert!(roles.is_empty(), "{code}");
    }
}

#[tokio::test]
async fn a_policy_that_stops_the_account_after_the_run_is_told_by_verification() {
    let mut world = World::new(2);
    let approved = world.done(&spec(SPEC)).await;
    world.tenant.add_policy(ConditionalAccess::block("Block everything").including(SYNC));
    let verification = world.verified(&spec(SPEC), &approved).await;
    let check = verification.checks.iter().find(|c| c.name.contains("can sign in")).unwrap();
    assert_eq!(check.status, onramp::CheckStatus::False, "{check:?}");
    assert!(check.detail.contains("the password is right, but"), "{check:?}");
    assert!(!verification.is_green());
}

#[tokio::test]
async fn a_federated_account_is_not_probed() {
    let mut world = World::new(2);
    world.done(&spec("domain = \"contoso.com\"\n")).await;
    let tenant = world.tenant.tenant();
    let user = NewUser::new(SYNC.parse().unwrap(), "Sync", Password::new("Temporary-and-known-1".into()));
    tenant.users.create(&user).await.unwrap();
    let approved = world.approved(&spec(SPEC)).await;
    // Set up by somebody between review and proof.
    world.tenant.before("GET", "/v1.0/domains/contoso.com", |tenant| tenant.federate("contoso.com").unwrap());
    let tried = count_sign_ins(&world);
    let outcome = world.apply(&world.onramp(), &approved).await.unwrap();
    let ApplyStatus::Stopped { title, problem, .. } = &outcome.status else { panic!("{outcome:?}") };
    assert!(title.contains("sign-in") && problem.contains("federated"), "{title}: {problem}");
    assert_eq!(tried.load(Ordering::Relaxed), 0, "each would count as a wrong password");
    let verification = world.verified(&spec(SPEC), &approved).await;
    let check = verification.checks.iter().find(|c| c.name.contains("can sign in")).unwrap();
    assert_eq!(check.status, onramp::CheckStatus::Unknown, "{check:?}");
}

#[tokio::test]
async fn a_locked_account_is_tried_once() {
    let mut world = World::new(2);
    let approved = world.done(&spec(SPEC)).await;
    let upn: Upn = SYNC.parse().unwrap();
    let stale = Password::new("Left-by-an-interrupted-run-8".into());
    onramp::SecretStore::store(&world.secrets, SYNC, &stale).await.unwrap();
    world.tenant.lock_out(&upn, std::time::Duration::from_secs(600)).unwrap();
    let tried = count_sign_ins(&world);
    let outcome = world.apply(&world.onramp(), &approved).await.unwrap();
    assert!(!outcome.is_complete());
    assert_eq!(tried.load(Ordering::Relaxed), 1);
    let verification = world.verified(&spec(SPEC), &approved).await;
    assert!(!verification.is_green());
    assert_eq!(tried.load(Ordering::Relaxed), 2, "and once by verification");
}

#[tokio::test]
async fn a_domain_that_another_tenant_uses_ends_the_run_at_once() {
    for words in [onramp_lab::tenant::UsedElsewhere::Plain, onramp_lab::tenant::UsedElsewhere::Wrapped] {
        let domain = onramp_core::DomainName::parse("contoso.com").unwrap();
        let mut world = World::of(2, |forest| forest, |tenant| tenant.foreign_domain(domain, words));
        let approved = world.approved(&spec(SPEC)).await;
        let before = world.clock.elapsed();
        let outcome = world.apply(&world.onramp(), &approved).await.unwrap();
        let ApplyStatus::Stopped { title, problem, .. } = &outcome.status else { panic!("{outcome:?}") };
        assert!(title.contains("verify the domain") && problem.contains("used elsewhere"), "{problem}");
        assert!((world.clock.elapsed() - before).as_secs() < 5, "waiting does not help");
    }
}

#[tokio::test]
async fn a_run_that_is_stopped_while_a_write_is_not_seen_yet_does_not_call_it_untried() {
    for taken in [true, false] {
        let mut world = World::new(2);
        let approved = world.approved(&spec(SPEC)).await;
        let role = RoleTemplateId::HYBRID_IDENTITY_ADMINISTRATOR;
        let mut roles = MockRoles::new();
        let token = world.token.clone();
        roles.expect_assignments_of().returning(|_| Ok(Vec::new()));
        roles.expect_assign().times(1).returning(move |_, id| {
            token.cancel();
            if taken { Ok(RoleAssignment::tenant_wide("1", role, *id)) } else { Err(exists()) }
        });
        let tenant = world.tenant.tenant().with_roles(Arc::new(roles));
        let onramp = world.onramp_on(tenant, world.forest.forest());
        let outcome = world.apply(&onramp, &approved).await.unwrap();
        assert_eq!(outcome.status, ApplyStatus::Cancelled { next: outcome.total });
        let expected = if taken { (1, 0) } else { (0, 1) };
        assert_eq!((outcome.unknown, outcome.not_tried()), expected, "what was taken was sent");
        assert!(outcome.require_complete().unwrap_err().is_cancelled());
    }
}

#[tokio::test]
async fn a_new_account_and_its_password_may_take_a_moment_to_be_known() {
    for code in [50_034, 50_126] {
        let mut world = World::new(2);
        let approved = world.approved(&spec(SPEC)).await;
        let refusal = FaultAction::error(400, "invalid_grant", format!("AADSTS{code}: no."));
        world.tenant.add_fault(Fault::on("POST", "/*/oauth2/v2.0/token", refusal.clone()).times(3));
        world.apply(&world.onramp(), &approved).await.unwrap().require_complete().unwrap();

        let mut world = World::new(2);
        let approved = world.approved(&spec(SPEC)).await;
        world.tenant.add_fault(Fault::on("POST", "/*/oauth2/v2.0/token", refusal).times(4));
        let outcome = world.apply(&world.onramp(), &approved).await.unwrap();
        assert!(
            matches!(&outcome.status, ApplyStatus::Stopped { title, .. } if title.contains("sign-in")),
            "{code}"
        );
    }
}

#[tokio::test]
async fn an_answer_that_proves_nothing_is_unknown_to_verification() {
    let mut world = World::new(2);
    let approved = world.done(&spec(SPEC)).await;
    for (code, status) in [
        (99_999, onramp::CheckStatus::Unknown),
        (65_001, onramp::CheckStatus::Unknown),
        (50_056, onramp::CheckStatus::Unknown),
        (50_057, onramp::CheckStatus::False),
        (53_011, onramp::CheckStatus::False),
    ] {
        let refusal = FaultAction::error(400, "invalid_grant", format!("AADSTS{code}: no."));
        world.tenant.add_fault(Fault::on("POST", "/*/oauth2/v2.0/token", refusal));
        let verification = world.verified(&spec(SPEC), &approved).await;
        let check = verification.checks.iter().find(|c| c.name.contains("can sign in")).unwrap();
        assert_eq!(check.status, status, "{code}: {check:?}");
    }
}

#[tokio::test]
async fn another_role_at_the_same_scope_is_not_the_role() {
    let upn: Upn = "old.sync@contoso.onmicrosoft.com".parse().unwrap();
    let mut world = World::new(2);
    let tenant = world.tenant.tenant();
    let user = NewUser::new(upn.clone(), "Old", Password::new("Temporary-and-known-1".into()));
    let id = tenant.users.create(&user).await.unwrap().id;
    world.tenant.grant_role(&upn, &RoleTemplateId::USER_ADMINISTRATOR).unwrap();
    let text = "domain = \"contoso.com\"\n[service_account]\nupn = \"old.sync@contoso.onmicrosoft.com\"\n\
                alternate_email = \"it@contoso.com\"\n";
    tenant.sign_in.set_mfa_state(&id, onramp_core::tenant::MfaState::Enabled).await.unwrap();
    let off = onramp_core::tenant::UserUpdate::default().with_account_enabled(false);
    tenant.users.update(&id, &off).await.unwrap();
    let approved = world.done(&spec(text)).await;
    let held = tenant.roles.assignments_of(&id).await.unwrap();
    assert!(held.iter().any(|held| held.role == RoleTemplateId::HYBRID_IDENTITY_ADMINISTRATOR), "{held:?}");
    // The same plan once more finds everything done, and writes nothing.
    let password = onramp::SecretStore::load(&world.secrets, upn.as_str()).await.unwrap().unwrap();
    let again = world.apply(&world.onramp(), &approved).await.unwrap();
    again.require_complete().unwrap();
    let (proof, wait) = (1, 1);
    assert_eq!(again.done, proof + wait, "{again:?}");
    let now = onramp::SecretStore::load(&world.secrets, upn.as_str()).await.unwrap().unwrap();
    assert_eq!(password.expose(), now.expose());
}

#[tokio::test]
async fn an_account_that_cannot_be_read_is_not_called_gone() {
    let upn: Upn = "old.sync@contoso.onmicrosoft.com".parse().unwrap();
    let mut world = World::new(2);
    let user = NewUser::new(upn.clone(), "Old", Password::new("Temporary-and-known-1".into()));
    world.tenant.tenant().users.create(&user).await.unwrap();
    let text = "domain = \"contoso.com\"\n[service_account]\nupn = \"old.sync@contoso.onmicrosoft.com\"\n";
    let approved = world.approved(&spec(text)).await;
    world.tenant.add_fault(Fault::on("GET", "/v1.0/users/*", FaultAction::status(503)));
    let outcome = world.apply(&world.onramp(), &approved).await.unwrap();
    let ApplyStatus::Stopped { problem, .. } = &outcome.status else { panic!("{outcome:?}") };
    assert!(!problem.contains("no longer exists"), "{problem}");
    assert_eq!((outcome.failed, outcome.stale), (1, 0));
}

#[tokio::test]
async fn a_domain_that_is_said_to_exist_is_read() {
    for (kind, told) in [(ErrorKind::NotFound, "add the domain"), (ErrorKind::Unavailable, "read the domain")]
    {
        let mut world = World::new(2);
        let approved = world.approved(&spec(SPEC)).await;
        let mut domains = MockDomains::new();
        domains
            .expect_add()
            .returning(|name| Err(Error::new(ErrorKind::AlreadyExists, "add the domain").with_object(name)));
        domains
            .expect_get()
            .returning(move |name| Err(Error::new(kind, "read the domain").with_object(name)));
        let tenant = world.tenant.tenant().with_domains(Arc::new(domains));
        let outcome = world.apply(&world.onramp_on(tenant, world.forest.forest()), &approved).await.unwrap();
        let ApplyStatus::Stopped { number: 1, problem, .. } = &outcome.status else { panic!("{outcome:?}") };
        assert!(problem.contains(told), "{problem}");
    }
}
