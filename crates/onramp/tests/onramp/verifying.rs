//! What verification calls green.

use onramp::{Check, CheckStatus, Consequence, SecretStore, Verification};
use onramp_core::ErrorKind;
use onramp_lab::forest::{Fault, Operation};

use crate::world::{SPEC, World, approve_all, spec, upn_changes};

const USERS: &str = "domain = \"contoso.com\"\n[users]\n";

fn of_users(verification: &Verification) -> &Check {
    verification.checks.iter().find(|check| check.name.contains("new UPN")).unwrap()
}

#[tokio::test]
async fn blocked_users_are_excused_by_the_plan_that_named_them_and_by_nothing_else() {
    let mut world = World::new(300);
    let spec = spec(USERS);
    let approved = world.done(&spec).await;
    let blocked = approved.plan().blockers().len();
    assert!(blocked > 0);
    let verification = world.onramp().verify(&spec, Some(&approved), None).await.unwrap();
    let check = of_users(&verification);
    assert_eq!(check.status, CheckStatus::TrueButForBlocked, "{check:?}");
    assert!(check.detail.contains(&format!("{blocked} are blocked")), "{check:?}");
    assert!(check.detail.contains("a sample of") && check.detail.contains("on every domain controller"));
    assert!(verification.is_green());

    let verification = world.onramp().verify(&spec, None, None).await.unwrap();
    assert_eq!(of_users(&verification).status, CheckStatus::False);
    assert!(!verification.is_green());
}

#[tokio::test]
async fn a_problem_that_came_after_the_review_is_not_excused() {
    let mut world = World::new(300);
    let spec = spec(USERS);
    let approved = world.done(&spec).await;
    let parent = upn_changes(approved.plan())[0].1.dn.parent().unwrap();
    world.forest.create_user(&parent, "newcomer", Some("mül ler@corp.local")).unwrap();
    let verification = world.onramp().verify(&spec, Some(&approved), None).await.unwrap();
    let check = of_users(&verification);
    assert_eq!(check.status, CheckStatus::False, "{check:?}");
    assert!(check.detail.contains("1 with a problem that the plan did not name or excuse"), "{check:?}");
    assert!(check.detail.contains("newcomer"), "{check:?}");
}

#[tokio::test]
async fn a_user_that_came_after_the_review_and_could_be_changed_is_not_green() {
    let mut world = World::new(20);
    let spec = spec(USERS);
    let approved = world.done(&spec).await;
    let parent = upn_changes(approved.plan())[0].1.dn.parent().unwrap();
    world.forest.create_user(&parent, "newcomer", Some("newcomer@corp.local")).unwrap();
    let verification = world.onramp().verify(&spec, Some(&approved), None).await.unwrap();
    assert_eq!(of_users(&verification).status, CheckStatus::False);
    assert!(of_users(&verification).detail.contains("1 do not"), "{:?}", of_users(&verification));
}

#[tokio::test]
async fn everybody_blocked_and_nobody_selected_are_not_green() {
    let mut world = World::new(300);
    world.done(&spec("domain = \"contoso.com\"\n")).await;
    let plan = world.plan(&spec(USERS)).await;
    let blocked = plan.blockers()[0].user.clone().unwrap();
    let movable =
        world.forest.forest().users.get(&upn_changes(&plan)[0].1.guid).await.unwrap().sam_account_name;
    for (users, status) in [
        (format!("only = [\"{}\"]", blocked.guid), CheckStatus::False),
        (
            // It has another suffix of the forest.
            format!("filter = \"(sAMAccountName={movable})\"\nfrom_suffixes = [\"contoso.com\"]"),
            CheckStatus::Unknown,
        ),
    ] {
        let spec = spec(&format!("{USERS}{users}\n"));
        let plan = world.plan(&spec).await;
        assert_eq!(plan.users_changed(), 0);
        let approved = approve_all(plan);
        world.apply(&world.onramp(), &approved).await.unwrap().require_complete().unwrap();
        for approved in [None, Some(&approved)] {
            let verification = world.onramp().verify(&spec, approved, None).await.unwrap();
            assert_eq!(of_users(&verification).status, status, "{users}: {:?}", of_users(&verification));
            assert!(!verification.is_green());
        }
    }
}

#[tokio::test]
async fn what_blocks_the_whole_plan_is_not_green() {
    let mut world = World::new(20);
    let approved = world.done(&spec("domain = \"contoso.com\"\n")).await;
    let mistyped = spec("domain = \"contoso.com\"\n[users]\nexclude = [\"nobody-at-all\"]\n");
    let verification = world.onramp().verify(&mistyped, Some(&approved), None).await.unwrap();
    let check = verification.checks.iter().find(|check| check.name.contains("blocks the plan")).unwrap();
    assert_eq!(check.status, CheckStatus::False);
    assert!(check.detail.contains("nobody-at-all"), "{check:?}");
    assert!(!verification.is_green());
}

#[tokio::test]
async fn a_plan_for_another_domain_or_tenant_is_refused() {
    let mut world = World::new(6);
    let approved = world.done(&spec("domain = \"contoso.com\"\n")).await;
    let other = spec("domain = \"fabrikam.com\"\n");
    let error = world.onramp().verify(&other, Some(&approved), None).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.to_string().contains("contoso.com, not for fabrikam.com"), "{error}");

    let clock: std::sync::Arc<dyn onramp_core::Clock> = world.clock.clone();
    let tenant =
        onramp_lab::tenant::LabTenant::builder().name("fabrikam").seed(8).clock(clock).build().unwrap();
    let onramp = world.onramp_on(tenant.tenant(), world.forest.forest());
    let same = spec("domain = \"contoso.com\"\n");
    let error = onramp.verify(&same, Some(&approved), None).await.unwrap_err();
    assert!(error.to_string().contains("Contoso, not for Fabrikam"), "{error}");
}

#[tokio::test]
async fn the_users_of_the_plan_are_held_against_the_forest_whatever_the_spec_selects_now() {
    let mut world = World::new(20);
    let approved = world.done(&spec(USERS)).await;
    let narrower = spec("domain = \"contoso.com\"\n");
    assert!(world.onramp().verify(&narrower, Some(&approved), None).await.unwrap().is_green());
    let (_, victim) = upn_changes(approved.plan()).pop().unwrap();
    let dc = world.forest.controllers()[0].clone();
    world.forest.set_on(&dc, &victim.guid, "userPrincipalName", &["old@corp.local"]).unwrap();
    let verification = world.onramp().verify(&narrower, Some(&approved), None).await.unwrap();
    assert!(!verification.is_green(), "{verification:#?}");
    assert!(of_users(&verification).detail.contains("has old@corp.local"), "{:?}", of_users(&verification));
}

#[tokio::test]
async fn a_spelling_in_another_case_is_the_same_upn() {
    let mut world = World::new(20);
    let spec = spec(USERS);
    let approved = world.done(&spec).await;
    let (_, user) = upn_changes(approved.plan()).pop().unwrap();
    let dc = world.forest.controllers()[0].clone();
    let upper = user.after.as_str().to_uppercase();
    world.forest.set_on(&dc, &user.guid, "userPrincipalName", &[&upper]).unwrap();
    world.clock.advance(std::time::Duration::from_secs(10));
    let verification = world.onramp().verify(&spec, Some(&approved), None).await.unwrap();
    assert!(verification.is_green(), "{verification:#?}");
}

#[tokio::test]
async fn each_part_of_the_job_that_is_undone_is_told_by_its_own_check() {
    let mut world = World::new(8);
    let spec = spec(SPEC);
    let approved = world.done(&spec).await;
    let green = world.verified(&spec, &approved).await;
    assert!(green.is_green());
    let names: Vec<&str> = green.checks.iter().map(|check| check.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "the tenant owns contoso.com",
            "every domain controller offers the suffix contoso.com",
            "the selected users have their new UPN",
            "directory synchronization is on",
            "the service account onramp-sync@contoso.com is set up",
            "per-user MFA of onramp-sync@contoso.com is off",
            "onramp-sync@contoso.com has the role Hybrid Identity Administrator",
            "onramp-sync@contoso.com can sign in with its password alone",
        ]
    );
    let tenant = world.tenant.tenant();
    let upn = "onramp-sync@contoso.com".parse().unwrap();
    let account = tenant.users.find(&upn).await.unwrap().unwrap();
    let held = tenant.roles.assignments_of(&account.id).await.unwrap();
    tenant.roles.unassign(&held[0].id).await.unwrap();
    tenant.sign_in.set_mfa_state(&account.id, onramp_core::tenant::MfaState::Enforced).await.unwrap();
    tenant.sync.set_enabled(false).await.unwrap();
    let verification = world.verified(&spec, &approved).await;
    let wrong: Vec<usize> = (verification.checks.iter().enumerate())
        .filter(|(_, check)| check.status == CheckStatus::False)
        .map(|(place, _)| place)
        .collect();
    assert_eq!(wrong, [3, 4, 5, 6, 7], "{verification:#?}");
}

#[tokio::test]
async fn a_sign_in_that_cannot_be_judged_is_unknown_and_says_why() {
    let mut world = World::new(4);
    let spec = spec(SPEC);
    let approved = world.done(&spec).await;
    let empty = onramp::MemorySecretStore::default();
    let verification = world.onramp().verify(&spec, Some(&approved), Some(&empty)).await.unwrap();
    let check = verification.checks.last().unwrap();
    assert_eq!(check.status, CheckStatus::NotChecked);
    assert!(check.detail.starts_with("its password is not in the secret store"), "{}", check.detail);
    assert!(verification.is_green(), "a password that somebody moved to a vault is no error");
    let wrong = onramp_core::Password::new("Not-the-one-it-has-4".into());
    empty.store("onramp-sync@contoso.com", &wrong).await.unwrap();
    let verification = world.onramp().verify(&spec, Some(&approved), Some(&empty)).await.unwrap();
    let check = verification.checks.last().unwrap();
    assert!(
        check.status == CheckStatus::False && check.detail.starts_with("the password is wrong"),
        "{check:?}"
    );
    assert!(empty.load("onramp-sync@contoso.com").await.unwrap().is_none(), "not proven, so not current");
    // Without a store it is not looked at.
    let verification = world.onramp().verify(&spec, Some(&approved), None).await.unwrap();
    assert!(verification.is_green() && !verification.checks.iter().any(|c| c.name.contains("sign in")));
}

#[tokio::test]
async fn a_subscription_is_checked_too() {
    let mut world = World::new(4);
    let id = world.tenant.subscription_ids()[0];
    let text =
        format!("{SPEC}\n[[service_account.subscriptions]]\nsubscription = \"{id}\"\nrole = \"Reader\"\n");
    let spec = spec(&text);
    let plan = world.plan(&spec).await;
    assert!(plan.consequences().iter().any(|c| matches!(c, Consequence::SubscriptionAccessGranted { .. })));
    let approved = world.done(&spec).await;
    let verification = world.verified(&spec, &approved).await;
    assert!(verification.is_green(), "{verification:#?}");
    let name = |check: &&Check| check.name.contains("has the role Reader on");
    assert!(verification.checks.iter().find(name).unwrap().detail.contains(&id.to_string()));
    let port = world.tenant.tenant().subscriptions;
    let account = world.tenant.tenant().users.find(&"onramp-sync@contoso.com".parse().unwrap()).await;
    let held = port.assignments(&id, &account.unwrap().unwrap().id).await.unwrap();
    port.unassign(&held[0]).await.unwrap();
    let verification = world.verified(&spec, &approved).await;
    assert_eq!(verification.checks.iter().find(name).unwrap().status, CheckStatus::False);
}

#[tokio::test]
async fn what_is_so_is_told_without_what_is_not() {
    let mut world = World::new(20);
    let spec = spec(USERS);
    let approved = world.done(&spec).await;
    let verification = world.onramp().verify(&spec, Some(&approved), None).await.unwrap();
    let detail = &of_users(&verification).detail;
    assert_eq!(
        detail,
        "16 have it, 0 do not, 4 are blocked; all 16 are on every domain controller that answers"
    );
    let detail = of_users(&world.onramp().verify(&spec, None, None).await.unwrap()).detail.clone();
    assert!(detail.starts_with("16 have it, 0 do not, 4 are blocked; 4 with a problem"), "{detail}");
    // Seen by the plan alone, and without one that was deleted.
    let narrower = crate::world::spec("domain = \"contoso.com\"\n");
    let all = approved.plan().users_changed();
    let detail =
        of_users(&world.onramp().verify(&narrower, Some(&approved), None).await.unwrap()).detail.clone();
    assert!(
        detail.starts_with(&format!("{all} have it, 0 do not, 0 are blocked; all {all} are on")),
        "{detail}"
    );
    world.forest.delete(&upn_changes(approved.plan())[0].1.guid).unwrap();
    let detail =
        of_users(&world.onramp().verify(&narrower, Some(&approved), None).await.unwrap()).detail.clone();
    assert!(detail.starts_with(&format!("{} have it, 0 do not", all - 1)), "{detail}");
    assert!(
        detail
            .contains(&format!("of {all} that the plan changed, 0 have another UPN and 1 no longer exist;"))
    );
}

#[tokio::test]
async fn the_first_of_many_are_named() {
    let mut world = World::new(20);
    let approved = world.done(&spec(USERS)).await;
    let narrower = spec("domain = \"contoso.com\"\n");
    let dc = world.forest.controllers()[0].clone();
    for (count, (_, upn)) in (1..=4).zip(upn_changes(approved.plan())) {
        world
            .forest
            .set_on(&dc, &upn.guid, "userPrincipalName", &[&format!("lost{count}@corp.local")])
            .unwrap();
        let verification = world.onramp().verify(&narrower, Some(&approved), None).await.unwrap();
        let detail = &of_users(&verification).detail;
        assert!(detail.contains(&format!("{count} have another UPN")), "{detail}");
        assert_eq!(detail.matches("@corp.local, not").count(), count.min(3), "{detail}");
        assert_eq!(detail.contains("; …)"), count > 3, "{detail}");
        assert!(!detail.contains("no longer exist"), "{detail}");
    }
}

#[tokio::test]
async fn nobody_looked_at_is_said() {
    let mut world = World::new(300);
    world.done(&spec("domain = \"contoso.com\"\n")).await;
    let blocked = world.plan(&spec(USERS)).await.blockers()[0].user.clone().unwrap();
    let spec = spec(&format!("{USERS}only = [\"{}\"]\n", blocked.guid));
    let verification = world.onramp().verify(&spec, None, None).await.unwrap();
    let detail = &of_users(&verification).detail;
    assert!(detail.contains("no user was looked at on every domain controller"), "{detail}");
}

#[tokio::test]
async fn a_user_that_cannot_be_understood_is_counted_and_ends_nothing() {
    let mut world = World::new(20);
    let approved = world.done(&spec(USERS)).await;
    let guest = world.forest.find_account("Guest").unwrap();
    let dc = world.forest.controllers()[0].clone();
    world.forest.set_bytes_on(&dc, &guest, "userPrincipalName", &[b"\xff\xfe"]).unwrap();
    let verification = world.onramp().verify(&spec(USERS), Some(&approved), None).await.unwrap();
    let check = of_users(&verification);
    assert!(check.detail.contains("1 users could not be understood"), "{check:?}");
    assert!(verification.is_green(), "{verification:#?}");
}

#[tokio::test]
async fn a_search_that_fails_anywhere_is_an_error_or_unknown_and_never_green() {
    let mut world = World::new(12);
    let approved = world.done(&spec(USERS)).await;
    let mut greens = Vec::new();
    for good in 0..40 {
        world.forest.inject_after(good, Operation::Search, Fault::Unavailable, 1);
        let verification = world.onramp().verify(&spec(USERS), Some(&approved), None).await;
        greens.push(verification.is_ok_and(|verification| verification.is_green()));
        world.forest.clear_faults();
    }
    let first = greens.iter().position(|green| *green).unwrap();
    assert!(first > 3 && greens[first..].iter().all(|green| *green), "{greens:?}");
}

#[test]
fn a_status_reads_well() {
    let all = [
        CheckStatus::True,
        CheckStatus::TrueButForBlocked,
        CheckStatus::NotChecked,
        CheckStatus::Unknown,
        CheckStatus::False,
    ];
    let words: Vec<String> = all.iter().map(ToString::to_string).collect();
    assert_eq!(words, ["true", "true but for what the plan named", "not checked", "unknown", "false"]);
}

#[tokio::test]
async fn a_domain_that_is_added_and_not_verified_is_told_apart_from_one_that_is_missing() {
    let world = World::new(2);
    let spec = spec("domain = \"contoso.com\"\n");
    let told = async || {
        let check = world.onramp().verify(&spec, None, None).await.unwrap().checks.remove(0);
        (check.status, check.detail)
    };
    assert_eq!(told().await, (CheckStatus::False, "not in the tenant".to_owned()));
    let domains = world.tenant.tenant().domains;
    let name = onramp_core::DomainName::parse("contoso.com").unwrap();
    domains.add(&name).await.unwrap();
    assert_eq!(told().await, (CheckStatus::False, "added, not verified".to_owned()));
    world.tenant.publish_dns("contoso.com").unwrap();
    domains.verify(&name).await.unwrap();
    assert_eq!(told().await, (CheckStatus::True, "verified".to_owned()));
}

#[tokio::test]
async fn of_many_new_problems_a_upn_of_two_users_is_named_first() {
    let mut world = World::new(20);
    let spec = spec(USERS);
    let approved = world.done(&spec).await;
    let changes = upn_changes(approved.plan());
    let parent = changes[0].1.dn.parent().unwrap();
    for number in 0..4 {
        let (account, upn) = (format!("newcomer{number}"), format!("mül ler{number}@corp.local"));
        world.forest.create_user(&parent, &account, Some(&upn)).unwrap();
    }
    let guest = world.forest.find_account("Guest").unwrap();
    for host in world.forest.controllers() {
        world.forest.set_on(&host, &guest, "userPrincipalName", &[changes[0].1.after.as_str()]).unwrap();
    }
    let verification = world.onramp().verify(&spec, Some(&approved), None).await.unwrap();
    let detail = &of_users(&verification).detail;
    let named = detail.split_once("did not name or excuse (").unwrap().1;
    assert!(named.split("; ").next().unwrap().contains("Guest"), "{detail}");
}
