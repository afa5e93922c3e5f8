//! What a stranger's eye found: plans for another forest, passwords that others know, names that have no effect.

use onramp::{BlockerKind, Change, Consequence, SkipReason};
use onramp_core::tenant::{NewUser, SignInProbe, UserUpdate};
use onramp_core::{Clock, ErrorKind, Password, Upn};

use crate::world::{SPEC, World, approve_all, spec};

const ACCOUNT: &str = "domain = \"contoso.com\"\n[service_account]\nupn = \"onramp-sync@contoso.com\"\n";

#[tokio::test]
async fn a_plan_is_for_its_forest_and_no_other() {
    let world = World::new(10);
    let approved = approve_all(world.plan(&spec(SPEC)).await);
    assert_eq!(approved.plan().header().forest, "dc=corp,dc=local");
    let clock: std::sync::Arc<dyn Clock> = world.clock.clone();
    let other =
        onramp_lab::forest::LabForest::builder().domain("other.local").users(3).clock(clock).build().unwrap();
    let onramp = world.onramp_over(other.forest());
    let mut journal = onramp::MemoryJournal::default();
    let error = onramp.apply_to_end(&approved, &mut journal, &world.secrets).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.to_string().contains("dc=corp,dc=local, not for dc=other,dc=local"), "{error}");
    assert!(error.to_string().contains("Nothing was changed"), "{error}");
    assert!(journal.records().is_empty());
    assert!(onramp.check_target(approved.plan()).await.is_err());
    assert!(onramp.verify(&spec(SPEC), Some(&approved), None).await.is_err());
    world.onramp().check_target(approved.plan()).await.unwrap();
}

#[tokio::test]
async fn an_account_that_a_stranger_made_anew_gets_no_role_with_the_strangers_password() {
    let mut world = World::new(3);
    let spec = spec(ACCOUNT);
    let approved = world.approved(&spec).await;
    world.apply(&world.onramp(), &approved).await.unwrap().require_complete().unwrap();
    let tenant = world.tenant.tenant();
    let upn: Upn = "onramp-sync@contoso.com".parse().unwrap();
    let first = tenant.users.find(&upn).await.unwrap().unwrap();
    world.tenant.delete_user(&upn).unwrap();
    let theirs = Password::new("Nobody-else-Knows-77".into());
    let user = NewUser::new(upn.clone(), "Mallory", theirs.clone()).with_password_never_expires(true);
    let second = tenant.users.create(&user).await.unwrap();
    assert_ne!(first.id, second.id);

    let plan = world.plan(&spec).await;
    let titles: Vec<String> = plan.changes().iter().map(|planned| planned.change.to_string()).collect();
    assert!(matches!(plan.changes()[0].change, Change::SetServiceAccountPassword { .. }), "{titles:?}");
    assert!(
        plan.consequences()
            .iter()
            .any(|c| matches!(c, Consequence::AccountTakenOver { password_replaced: true, .. }))
    );
    let approved = approve_all(plan);
    world.apply(&world.onramp(), &approved).await.unwrap().require_complete().unwrap();
    assert_eq!(tenant.sign_in.probe(&upn, &theirs).await.unwrap(), SignInProbe::WrongPassword);
    assert!(world.onramp().verify(&spec, Some(&approved), Some(&world.secrets)).await.unwrap().is_green());
    // The same plan once more sets no other password.
    let kept = onramp::SecretStore::load(&world.secrets, upn.as_str()).await.unwrap().unwrap();
    world.apply(&world.onramp(), &approved).await.unwrap().require_complete().unwrap();
    let now = onramp::SecretStore::load(&world.secrets, upn.as_str()).await.unwrap().unwrap();
    assert!(kept.is_same(&now));
}

#[tokio::test]
async fn an_account_that_was_disabled_gets_a_new_password_before_it_is_enabled() {
    let mut world = World::new(3);
    let spec = spec(ACCOUNT);
    let approved = world.approved(&spec).await;
    world.apply(&world.onramp(), &approved).await.unwrap().require_complete().unwrap();
    let tenant = world.tenant.tenant();
    let upn: Upn = "onramp-sync@contoso.com".parse().unwrap();
    let id = tenant.users.find(&upn).await.unwrap().unwrap().id;
    let theirs = Password::new("Somebody-else-9-knows".into());
    tenant.users.set_password(&id, &theirs, false).await.unwrap();
    tenant.users.update(&id, &UserUpdate::default().with_account_enabled(false)).await.unwrap();
    let approved = world.approved(&spec).await;
    world.apply(&world.onramp(), &approved).await.unwrap().require_complete().unwrap();
    assert_eq!(tenant.sign_in.probe(&upn, &theirs).await.unwrap(), SignInProbe::WrongPassword);
    assert!(world.onramp().verify(&spec, Some(&approved), Some(&world.secrets)).await.unwrap().is_green());
}

#[tokio::test]
async fn a_password_that_is_lost_is_replaced_where_the_spec_says_so() {
    let mut world = World::new(3);
    let approved = world.approved(&spec(ACCOUNT)).await;
    world.apply(&world.onramp(), &approved).await.unwrap().require_complete().unwrap();
    let before = onramp::SecretStore::load(&world.secrets, "onramp-sync@contoso.com").await.unwrap().unwrap();
    assert!(world.plan(&spec(ACCOUNT)).await.is_empty());
    let anew = spec(&format!("{ACCOUNT}new_password = true\n"));
    let approved = world.approved(&anew).await;
    let titles: Vec<&Change> = approved.plan().changes().iter().map(|planned| &planned.change).collect();
    assert!(
        matches!(titles.as_slice(), [Change::SetServiceAccountPassword { .. }, Change::ProveSignIn { .. }]),
        "{titles:?}"
    );
    world.apply(&world.onramp(), &approved).await.unwrap().require_complete().unwrap();
    let now = onramp::SecretStore::load(&world.secrets, "onramp-sync@contoso.com").await.unwrap().unwrap();
    assert!(!before.is_same(&now));
    // The spec still asks for a new password, which is none of what is missing.
    let verification = world.onramp().verify(&anew, Some(&approved), Some(&world.secrets)).await.unwrap();
    assert!(verification.is_green(), "{verification:#?}");
}

#[tokio::test]
async fn a_mistyped_suffix_blocks_the_plan() {
    let world = World::new(20);
    let text =
        |suffix: &str| spec(&format!("domain = \"contoso.com\"\n[users]\nfrom_suffixes = [\"{suffix}\"]\n"));
    let plan = world.plan(&text("corp.lcoal")).await;
    let found = plan.blockers().iter().find(|blocker| blocker.is_fatal()).unwrap();
    assert!(
        matches!(&found.problem, BlockerKind::NoSuchSuffix { similar: Some(known), .. } if known == "corp.local"),
        "{found}"
    );
    assert!(!world.plan(&text("CORP.local")).await.is_blocked());

    // The nearest may be one that users have and the forest does not offer.
    let users = world.plan(&spec("domain = \"contoso.com\"\n[users]\n")).await;
    let Change::ChangeUpn { upn } = &users.changes()[4].change else { panic!("{:?}", users.changes()) };
    for host in world.forest.controllers() {
        world.forest.set_on(&host, &upn.guid, "userPrincipalName", &["x@old.example"]).unwrap();
    }
    let plan = world.plan(&text("old.exmaple")).await;
    assert!(
        plan.blockers().iter().any(
            |b| matches!(&b.problem, BlockerKind::NoSuchSuffix { similar: Some(known), .. } if known == "old.example")
        ),
        "{:?}",
        plan.blockers()
    );
    assert!(!world.plan(&text("old.example")).await.is_blocked());

    // Without a similar one it may be what an earlier run left nobody with; but not if nobody has the wanted UPN.
    assert!(world.plan(&text("faraway.test")).await.is_blocked());
    for host in world.forest.controllers() {
        world.forest.set_on(&host, &upn.guid, "userPrincipalName", &["moved@contoso.com"]).unwrap();
    }
    assert!(!world.plan(&text("faraway.test")).await.is_blocked());
    let nobody_moved = "domain = \"fabrikam.com\"\n[users]\nfrom_suffixes = [\"faraway.test\"]\n";
    assert!(world.plan(&spec(nobody_moved)).await.is_blocked());
}

#[tokio::test]
async fn synchronization_is_not_switched_on_for_nobody() {
    let world = World::new(5);
    let text =
        "domain = \"contoso.com\"\n[users]\nexclude_ous = [\"DC=corp,DC=local\"]\n[sync]\nenable = true\n";
    let plan = world.plan(&spec(text)).await;
    assert!(
        plan.blockers().iter().any(|b| matches!(b.problem, BlockerKind::NoUserSelected { read: 8 })),
        "{:?}",
        plan.blockers()
    );
    assert!(plan.header().users_skipped.contains_key(&SkipReason::Excluded.to_string()));
}

#[tokio::test]
async fn a_name_in_map_whose_user_is_left_out_is_told() {
    let world = World::new(20);
    let plan = world.plan(&spec("domain = \"contoso.com\"\n[users]\n")).await;
    let names: Vec<String> = plan
        .changes()
        .iter()
        .filter_map(|planned| match &planned.change {
            Change::ChangeUpn { upn } => Some(upn.guid.to_string()),
            _ => None,
        })
        .collect();
    let text = format!(
        "domain = \"contoso.com\"\n[users]\nonly = [\"{}\"]\n[users.map]\n\"{}\" = \"x@contoso.com\"\n",
        names[0], names[1]
    );
    let plan = world.plan(&spec(&text)).await;
    assert!(!plan.is_blocked());
    let told =
        plan.consequences().iter().find(|c| matches!(c, Consequence::MapWithoutEffect { .. })).unwrap();
    assert_eq!(told.members(), [names[1].clone()]);
    assert!(told.id().starts_with("map-without-effect:1:"));
}

#[tokio::test]
async fn a_mistyped_upn_in_map_is_told_although_somebody_has_its_target() {
    let world = World::new(20);
    let users = world.plan(&spec("domain = \"contoso.com\"\n[users]\n")).await;
    let upns: Vec<String> = users
        .changes()
        .iter()
        .filter_map(|planned| match &planned.change {
            Change::ChangeUpn { upn } => upn.before.clone(),
            _ => None,
        })
        .collect();
    let host = world.forest.controllers();
    let target = "somebody@contoso.com";
    let holder = match &users
        .changes()
        .iter()
        .find(|p| matches!(p.change, Change::ChangeUpn { .. }))
        .unwrap()
        .change
    {
        Change::ChangeUpn { upn } => upn.guid,
        _ => unreachable!(),
    };
    for host in &host {
        world.forest.set_on(host, &holder, "userPrincipalName", &[target]).unwrap();
    }
    let mistyped = upns[1].replace("corp.local", "crop.local");
    let text = format!("domain = \"contoso.com\"\n[users]\n[users.map]\n\"{mistyped}\" = \"{target}\"\n");
    let plan = world.plan(&spec(&text)).await;
    assert!(
        plan.blockers().iter().any(
            |b| matches!(&b.problem, BlockerKind::NoSuchUser { similar: Some(known), .. } if *known == upns[1])
        ),
        "{:?}",
        plan.blockers()
    );
}
