//! Other people's changes between review, run and verification.

use std::sync::Arc;
use std::time::Duration;

use onramp::{
    ApplyStatus, ChangePolicy, CheckStatus, Event, PolicyDecision, PolicyRequest, PolicyViolation,
    RunProgress, SecretStore, WaitReason, async_trait,
};
use onramp_core::mock::MockTenantUsers;
use onramp_core::tenant::{MfaState, NewUser, RoleTemplateId, SignInProbe, TenantUser};
use onramp_core::{Clock, Error, ErrorKind, ObjectId, Password, Tenant, Upn};
use onramp_lab::forest::LabForest;
use onramp_lab::tenant::{Fault, FaultAction, LabTenant, SeedUser};

use time::OffsetDateTime;

use crate::world::{SPEC, World, made, spec, upn_changes};

const SYNC: &str = "onramp-sync@contoso.com";
const OLD: &str = "old.sync@contoso.onmicrosoft.com";
const TAKE_OVER: &str =
    "domain = \"contoso.com\"\n[service_account]\nupn = \"old.sync@contoso.onmicrosoft.com\"\n";

const USERS: &str = "domain = \"contoso.com\"\n[users]\n";

/// Gives the mail address to a new user.
fn give(forest: &LabForest, name: &str, mail: &str) {
    let staff = format!("CN=Users,{}", forest.base()).parse().unwrap();
    let guid = forest.create_user(&staff, name, None).unwrap();
    for host in forest.controllers() {
        forest.set_on(&host, &guid, "mail", &[mail]).unwrap();
    }
}

/// A policy that waits an hour after so many changes.
#[derive(Debug)]
struct Pause {
    after: u64,
    until: OffsetDateTime,
}

#[async_trait]
impl ChangePolicy for Pause {
    async fn review(&self, _: &PolicyRequest<'_>) -> onramp::Result<Vec<PolicyViolation>> {
        Ok(Vec::new())
    }

    fn decide(&self, progress: &RunProgress<'_>) -> PolicyDecision {
        let (until, reason) = (self.until, "the change window to open".to_owned());
        match progress.outcome.done >= self.after && progress.now < until {
            true => PolicyDecision::WaitUntil { until, reason },
            false => PolicyDecision::Continue,
        }
    }
}

#[tokio::test]
async fn a_upn_that_another_object_got_as_its_address_is_left_to_it_by_the_users_step() {
    for users in [12, 90] {
        let mut world = World::new(users);
        world.done(&spec("domain = \"contoso.com\"\n")).await;
        let approved = world.approved(&spec(USERS)).await;
        let changes = upn_changes(approved.plan());
        let all = changes.len() as u64;
        let upn = changes[2].1.after.to_string();
        give(&world.forest, "zoe", &upn.to_uppercase());
        let outcome = world.apply(&world.onramp(), &approved).await.unwrap();
        assert_eq!((outcome.done, outcome.stale), (all - 1, 1), "{outcome:?}");
        assert!(outcome.failures[0].error.contains("zoe"), "{outcome:?}");
        assert_eq!(made(&world.forest, approved.plan()).len() as u64, all - 1);
        let verification = world.verified(&spec(USERS), &approved).await;
        assert!(!verification.is_green(), "{verification:?}");
    }
}

#[tokio::test]
async fn a_upn_that_another_object_got_during_a_wait_is_left_to_it() {
    // Before the first change of a user, among them, and before the last one.
    for after in [0, 1, 5, 8] {
        let mut world = World::new(12);
        world.done(&spec("domain = \"contoso.com\"\n")).await;
        let approved = world.approved(&spec(USERS)).await;
        let changes = upn_changes(approved.plan());
        let all = changes.len() as u64;
        // The users are changed in the order of the plan, as far as they were sent.
        let upn = changes.last().unwrap().1.after.to_string();
        let (forest, is_given) = (world.forest.clone(), std::sync::atomic::AtomicBool::new(false));
        let until = world.clock.now() + Duration::from_secs(3600);
        let onramp = world
            .watched(move |event| {
                let is_policy = matches!(event, Event::Waiting { reason: WaitReason::Policy { .. }, .. });
                if is_policy && !is_given.swap(true, std::sync::atomic::Ordering::Relaxed) {
                    give(&forest, "zoe", &upn);
                }
            })
            .with_policy(Arc::new(Pause { after, until }));
        let outcome = world.apply(&onramp, &approved).await.unwrap();
        assert_eq!((outcome.done, outcome.stale), (all - 1, 1), "after {after}: {outcome:?}");
        assert_eq!(made(&world.forest, approved.plan()).len() as u64, all - 1);
    }
}

fn sync() -> Upn {
    SYNC.parse().unwrap()
}

fn theirs() -> Password {
    Password::new("Known-to-somebody-else-7".into())
}

fn make(tenant: &LabTenant, upn: &str) {
    tenant.add_user(SeedUser::new(upn.parse().unwrap()).with_password(theirs())).unwrap();
}

async fn holds_nothing(tenant: &Tenant, upn: &Upn) -> bool {
    let account = tenant.users.find(upn).await.unwrap().unwrap();
    tenant.roles.assignments_of(&account.id).await.unwrap().is_empty()
}

/// A world whose tenant has the domain, so that strangers can make accounts on it.
async fn with_domain() -> World {
    let mut world = World::new(6);
    world.done(&spec("domain = \"contoso.com\"\n")).await;
    world
}

#[tokio::test]
async fn an_account_that_somebody_else_made_since_the_review_gets_nothing() {
    let mut world = with_domain().await;
    let approved = world.approved(&spec(SPEC)).await;
    make(&world.tenant, SYNC);
    let outcome = world.apply(&world.onramp(), &approved).await.unwrap();
    let ApplyStatus::Stopped { problem, .. } = &outcome.status else { panic!("{outcome:?}") };
    assert!(problem.contains("created by somebody else") && problem.contains("was not changed"), "{problem}");
    assert_eq!(outcome.stale, 1);
    let tenant = world.tenant.tenant();
    assert!(holds_nothing(&tenant, &sync()).await);
    assert_eq!(tenant.sign_in.probe(&sync(), &theirs()).await.unwrap(), SignInProbe::Accepted, "untouched");
    assert!(world.secrets.load(SYNC).await.unwrap().is_none());
}

#[tokio::test]
async fn an_account_that_somebody_else_makes_between_look_and_creation_gets_nothing() {
    let mut world = with_domain().await;
    let approved = world.approved(&spec(SPEC)).await;
    world.tenant.before("POST", "/v1.0/users", |tenant| make(tenant, SYNC));
    let outcome = world.apply(&world.onramp(), &approved).await.unwrap();
    let ApplyStatus::Stopped { problem, .. } = &outcome.status else { panic!("{outcome:?}") };
    assert!(problem.contains("created by somebody else"), "{problem}");
    assert!(holds_nothing(&world.tenant.tenant(), &sync()).await);
    assert!(world.secrets.load(SYNC).await.unwrap().is_none());
}

#[tokio::test]
async fn an_account_of_which_nothing_proves_who_made_it_is_not_called_somebody_elses() {
    let mut world = with_domain().await;
    let approved = world.approved(&spec(SPEC)).await;
    let stored = Password::new("From-an-interrupted-run-5".into());
    world.secrets.store(SYNC, &stored).await.unwrap();
    make(&world.tenant, SYNC);
    // A wrong password is tried once: more would lock somebody else's account.
    let outcome = world.apply(&world.onramp(), &approved).await.unwrap();
    assert!(
        matches!(&outcome.status, ApplyStatus::Stopped { problem, .. } if problem.contains("created by somebody else"))
    );
    let slept = world.clock.elapsed();
    world.apply(&world.onramp(), &approved).await.unwrap();
    assert!((world.clock.elapsed() - slept).as_secs() < 2, "nothing to wait for");
    world.tenant.lock_out(&sync(), std::time::Duration::from_secs(3600)).unwrap();
    let outcome = world.apply(&world.onramp(), &approved).await.unwrap();
    let ApplyStatus::Stopped { problem, .. } = &outcome.status else { panic!("{outcome:?}") };
    assert!(problem.contains("locked out") && !problem.contains("somebody else"), "{problem}");
    assert!(holds_nothing(&world.tenant.tenant(), &sync()).await);
    assert_eq!(world.secrets.pending(SYNC).await.unwrap()[0].expose(), stored.expose(), "kept");
}

#[tokio::test]
async fn a_creation_whose_answer_was_lost_is_recognized_by_its_password() {
    for again_with_a_new_plan in [false, true] {
        let mut world = with_domain().await;
        let spec = spec(SPEC);
        let mut approved = world.approved(&spec).await;
        // An account of that name had another one once.
        let former = Password::new("Of-an-account-long-gone-1".into());
        world.secrets.store(SYNC, &former).await.unwrap();
        world.secrets.promote(SYNC, &former).await.unwrap();
        world.tenant.add_fault(Fault::on("POST", "/v1.0/users", FaultAction::cut_after()));
        let outcome = world.apply(&world.onramp(), &approved).await.unwrap();
        assert_eq!(outcome.unknown, 1, "{outcome:?}");
        assert_eq!(world.secrets.pending(SYNC).await.unwrap().len(), 1, "the tenant may have it");
        if again_with_a_new_plan {
            approved = world.approved(&spec).await;
        }
        world.apply(&world.onramp(), &approved).await.unwrap().require_complete().unwrap();
        let verification = world.verified(&spec, &approved).await;
        assert!(verification.is_green(), "{verification:#?}");
        assert!(world.secrets.pending(SYNC).await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn an_adapter_that_says_it_exists_after_making_it_does_not_lose_the_password() {
    let mut world = with_domain().await;
    let approved = world.approved(&spec(SPEC)).await;
    let tenant = world.tenant.tenant();
    let mut users = MockTenantUsers::new();
    let inner = tenant.users.clone();
    let (find, create) = (inner.clone(), inner.clone());
    users.expect_find().returning(move |upn| futures_util::FutureExt::now_or_never(find.find(upn)).unwrap());
    users.expect_create().times(1).returning(move |user| {
        futures_util::FutureExt::now_or_never(create.create(user)).unwrap().unwrap();
        Err(Error::new(ErrorKind::AlreadyExists, "create the user").with_object(&user.upn))
    });
    let odd = tenant.with_users(Arc::new(users));
    let outcome = world.apply(&world.onramp_on(odd, world.forest.forest()), &approved).await.unwrap();
    outcome.require_complete().unwrap();
    assert!(world.verified(&spec(SPEC), &approved).await.is_green());
}

#[tokio::test]
async fn a_creation_that_was_refused_for_certain_leaves_no_password_behind() {
    let mut world = with_domain().await;
    let approved = world.approved(&spec(SPEC)).await;
    let refusal = FaultAction::error(403, "Authorization_RequestDenied", "Insufficient privileges.");
    world.tenant.add_fault(Fault::on("POST", "/v1.0/users", refusal));
    let outcome = world.apply(&world.onramp(), &approved).await.unwrap();
    assert_eq!(outcome.failed, 1);
    assert!(
        world.secrets.pending(SYNC).await.unwrap().is_empty()
            && world.secrets.load(SYNC).await.unwrap().is_none()
    );
    world.apply(&world.onramp(), &approved).await.unwrap().require_complete().unwrap();
}

/// An account with a password that expires, as an administrator hands it over.
async fn handed_over() -> World {
    let world = World::new(3);
    let tenant = world.tenant.tenant();
    let user = NewUser::new(OLD.parse().unwrap(), "Old sync account", theirs());
    tenant.users.create(&user).await.unwrap();
    world
}

#[tokio::test]
async fn an_account_that_was_deleted_and_made_anew_since_the_review_gets_nothing() {
    let mut world = handed_over().await;
    let approved = world.approved(&spec(TAKE_OVER)).await;
    let upn: Upn = OLD.parse().unwrap();
    world.tenant.delete_user(&upn).unwrap();
    make(&world.tenant, OLD);
    let outcome = world.apply(&world.onramp(), &approved).await.unwrap();
    let ApplyStatus::Stopped { problem, .. } = &outcome.status else { panic!("{outcome:?}") };
    assert!(problem.contains("no longer exists") && outcome.stale == 1, "{problem}");
    let tenant = world.tenant.tenant();
    assert!(holds_nothing(&tenant, &upn).await);
    assert_eq!(tenant.sign_in.probe(&upn, &theirs()).await.unwrap(), SignInProbe::Accepted, "untouched");
}

#[tokio::test]
async fn an_account_that_was_renamed_since_the_review_gets_nothing() {
    let mut world = handed_over().await;
    let approved = world.approved(&spec(TAKE_OVER)).await;
    let renamed = serde_json::json!({ "userPrincipalName": "jane.doe@contoso.onmicrosoft.com" });
    world.tenant.change_user(&OLD.parse().unwrap(), &renamed).unwrap();
    let outcome = world.apply(&world.onramp(), &approved).await.unwrap();
    let ApplyStatus::Stopped { problem, .. } = &outcome.status else { panic!("{outcome:?}") };
    assert!(problem.contains("jane.doe@contoso.onmicrosoft.com now"), "{problem}");
    let upn: Upn = "jane.doe@contoso.onmicrosoft.com".parse().unwrap();
    let tenant = world.tenant.tenant();
    assert!(holds_nothing(&tenant, &upn).await);
    assert_eq!(tenant.sign_in.probe(&upn, &theirs()).await.unwrap(), SignInProbe::Accepted, "untouched");
}

#[tokio::test]
async fn an_account_that_is_exchanged_in_mid_run_gets_no_role() {
    let mut world = handed_over().await;
    let approved = world.approved(&spec(TAKE_OVER)).await;
    world.tenant.before("POST", "/*/oauth2/v2.0/token", |tenant| {
        tenant.delete_user(&OLD.parse().unwrap()).unwrap();
        make(tenant, OLD);
    });
    let outcome = world.apply(&world.onramp(), &approved).await.unwrap();
    assert!(!outcome.is_complete(), "{outcome:?}");
    assert!(holds_nothing(&world.tenant.tenant(), &OLD.parse().unwrap()).await);
}

#[tokio::test]
async fn what_somebody_else_set_since_the_review_is_left_as_it_is() {
    let text = format!("{TAKE_OVER}alternate_email = \"it@contoso.com\"\n");
    for mail in [true, false] {
        let mut world = handed_over().await;
        let tenant = world.tenant.tenant();
        let upn: Upn = OLD.parse().unwrap();
        let id = tenant.users.find(&upn).await.unwrap().unwrap().id;
        tenant.sign_in.set_mfa_state(&id, MfaState::Enabled).await.unwrap();
        let approved = world.approved(&spec(&text)).await;
        if mail {
            let set = serde_json::json!({ "otherMails": ["theirs@contoso.com"] });
            world.tenant.change_user(&upn, &set).unwrap();
        } else {
            tenant.sign_in.set_mfa_state(&id, MfaState::Enforced).await.unwrap();
        }
        let outcome = world.apply(&world.onramp(), &approved).await.unwrap();
        let ApplyStatus::Stopped { problem, .. } = &outcome.status else { panic!("{outcome:?}") };
        let found = if mail { "theirs@contoso.com" } else { "enforced" };
        assert!(problem.contains(found) && outcome.stale == 1, "{problem}");
        assert!(holds_nothing(&tenant, &upn).await);
        if mail {
            assert_eq!(tenant.users.get(&id).await.unwrap().other_mails, ["theirs@contoso.com"]);
        } else {
            assert_eq!(tenant.sign_in.mfa_state(&id).await.unwrap(), MfaState::Enforced);
        }
    }
}

#[tokio::test]
async fn verification_sees_an_account_that_was_exchanged_after_the_run() {
    let mut world = handed_over().await;
    let spec = spec(TAKE_OVER);
    let approved = world.done(&spec).await;
    assert!(world.verified(&spec, &approved).await.is_green());
    let upn: Upn = OLD.parse().unwrap();
    world.tenant.delete_user(&upn).unwrap();
    make(&world.tenant, OLD);
    let lasting = serde_json::json!({ "passwordPolicies": "DisablePasswordExpiration" });
    world.tenant.change_user(&upn, &lasting).unwrap();
    world.tenant.grant_role(&upn, &RoleTemplateId::HYBRID_IDENTITY_ADMINISTRATOR).unwrap();
    for secrets in [None, Some(&world.secrets as &dyn SecretStore)] {
        let verification = world.onramp().verify(&spec, Some(&approved), secrets).await.unwrap();
        assert!(!verification.is_green(), "{verification:#?}");
        assert!(
            verification.checks.iter().any(|c| c.name.contains("the account that the plan was made from"))
        );
    }
}

#[tokio::test]
async fn a_user_that_is_renamed_or_deleted_after_the_run_is_not_green() {
    for deleted in [false, true] {
        let mut world = World::new(20);
        let spec = spec("domain = \"contoso.com\"\n[users]\n");
        let approved = world.done(&spec).await;
        assert!(world.verified(&spec, &approved).await.is_green());
        let (_, victim) = upn_changes(approved.plan()).remove(0);
        if deleted {
            world.forest.delete(&victim.guid).unwrap();
        } else {
            let dc = world.forest.controllers()[0].clone();
            world.forest.set_on(&dc, &victim.guid, "userPrincipalName", &["by.hand@contoso.com"]).unwrap();
        }
        let verification = world.verified(&spec, &approved).await;
        let check = verification.checks.iter().find(|c| c.name.contains("new UPN")).unwrap();
        assert_eq!(check.status, CheckStatus::False, "{check:?}");
        let named = if deleted { "1 no longer exist" } else { "has by.hand@contoso.com, not" };
        assert!(check.detail.contains(named), "{check:?}");
    }
}

#[tokio::test]
async fn a_duplicate_made_behind_our_back_is_not_green() {
    let mut world = World::new(20);
    let spec = spec("domain = \"contoso.com\"\n[users]\n");
    let approved = world.done(&spec).await;
    let changes = upn_changes(approved.plan());
    let dc = world.forest.controllers()[1].clone();
    let (guest, upn) = (world.forest.find_account("Guest").unwrap(), changes[0].1.after.clone());
    world.forest.set_on(&dc, &guest, "userPrincipalName", &[&upn.as_str().to_uppercase()]).unwrap();
    world.clock.advance(std::time::Duration::from_secs(10));
    for plan in [None, Some(&approved)] {
        let verification = world.onramp().verify(&spec, plan, None).await.unwrap();
        let check = verification.checks.iter().find(|c| c.name.contains("new UPN")).unwrap();
        assert_eq!(check.status, CheckStatus::False, "{check:?}");
        assert!(check.detail.contains("Guest"), "{check:?}");
    }
}

#[tokio::test]
async fn a_lookup_that_finds_the_account_too_late_is_no_reason_to_make_a_second_one() {
    // Somebody's account has the address: the tenant refuses, and no account of the name is there.
    let mut world = with_domain().await;
    let approved = world.approved(&spec(SPEC)).await;
    let mut users = MockTenantUsers::new();
    users.expect_find().times(2).returning(|_| Ok(None));
    users.expect_create().times(1).returning(|user| {
        Err(Error::new(ErrorKind::AlreadyExists, "create the user").with_object(&user.upn))
    });
    users.expect_get().returning(|id: &ObjectId| Ok(TenantUser::new(*id, sync())));
    let odd = world.tenant.tenant().with_users(Arc::new(users));
    let outcome = world.apply(&world.onramp_on(odd, world.forest.forest()), &approved).await.unwrap();
    let ApplyStatus::Stopped { problem, .. } = &outcome.status else { panic!("{outcome:?}") };
    assert!(problem.contains("create the user onramp-sync@contoso.com"), "{problem}");
    assert_eq!(outcome.failed, 1);
}
