//! Acceptances: every change has one, and each is bound to what it was given for.

use std::collections::HashSet;
use std::sync::Arc;

use async_trait::async_trait;
use futures_util::{FutureExt, StreamExt};
use onramp::{Change, Consequence, Plan};
use onramp_core::forest::{
    ForestObject, ForestObjects, ForestUser, ForestUsers, ObjectQuery, ObjectRef, UpnOwner, UserQuery,
};
use onramp_core::tenant::SubscriptionState;
use onramp_core::{AttributeName, BoxStream, ObjectGuid, Result};
use onramp_lab::tenant::{LabSubscription, SeedUser};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::small::{add, build, cloud, id, ids, plain, plan_users, set, with_cloud};
use crate::world::{World, spec};

#[tokio::test]
async fn another_set_of_the_same_size_is_another_acceptance() {
    let world = plain();
    for account in ["anna", "bob", "carl"] {
        add(&world, account, Some(&format!("{account}@corp.local")));
    }
    let digest = async |lines: &str| id(&plan_users(&world, lines).await, "users-renamed:2:");
    let first = digest("only = ['anna', 'bob']").await;
    assert_eq!(first, digest("only = ['BOB', 'anna@corp.local']").await, "order and form do not count");
    assert_ne!(first, digest("only = ['anna', 'carl']").await);
    assert_ne!(first, digest("only = ['anna', 'bob']\n[users.map]\nbob = 'b@contoso.com'").await);
    let bob = world.forest.find_account("bob").unwrap();
    set(&world, &bob, "userPrincipalName", &["bob@elsewhere.local"]);
    assert_ne!(first, digest("only = ['anna', 'bob']").await, "another name is replaced");
}

#[tokio::test]
async fn the_order_in_which_a_directory_answers_does_not_count() {
    let world =
        with_cloud([cloud("free@contoso.com"), cloud("same@contoso.com"), cloud("taken@contoso.com")]);
    for (account, upn) in [
        ("one", "same@corp.local"),
        ("two", "same@fabrikam.local"),
        ("three", "same@elsewhere.local"),
        ("four", "free@corp.local"),
        ("five", "taken@contoso.com"),
        ("six", "taken@contoso.com"),
        ("seven", "taken@corp.local"),
        ("eight", "mail@corp.local"),
    ] {
        add(&world, account, Some(upn));
    }
    for account in ["one", "two", "four"] {
        set(&world, &world.forest.find_account(account).unwrap(), "mail", &["mail@contoso.com"]);
    }
    for account in ["bad1", "bad2"] {
        let guid = add(&world, account, None);
        for host in world.forest.controllers() {
            world.forest.set_bytes_on(&host, &guid, "sAMAccountName", &[b"\xff\xfe"]).unwrap();
        }
    }
    let spec = spec("domain = \"contoso.com\"\n[users]\n[sync]\nenable = true\n");
    let forward = world.plan(&spec).await;
    let mut forest = world.forest.forest();
    forest.users = Arc::new(Backwards(forest.users.clone()));
    forest.objects = Arc::new(Backwards(forest.objects.clone()));
    let backward = onramp::plan(&spec, &world.onramp_over(forest).survey(&spec).await.unwrap());
    assert!(forward.blockers().len() >= 6, "{:?}", forward.blockers());
    assert_eq!(ids(&forward), ids(&backward));
    assert_eq!(forward.blockers(), backward.blockers());
    assert_eq!(forward.digest(), backward.digest());
    let odd = forward.consequences().iter().find(|c| c.id().starts_with("objects-unreadable:2:")).unwrap();
    assert!(odd.members().is_sorted(), "{:?}", odd.members());
}

/// Answers in the opposite order: a directory promises none.
#[derive(Debug)]
struct Backwards<T: ?Sized>(Arc<T>);

fn backwards<T: Send + 'static>(stream: BoxStream<'static, Result<T>>) -> BoxStream<'static, Result<T>> {
    let all = stream.collect::<Vec<_>>().map(|mut all| {
        all.reverse();
        futures_util::stream::iter(all)
    });
    Box::pin(all.flatten_stream())
}

#[async_trait]
impl ForestUsers for Backwards<dyn ForestUsers> {
    fn search(&self, query: UserQuery) -> BoxStream<'static, Result<ForestUser>> {
        backwards(self.0.search(query))
    }
    fn upn_owners(&self) -> BoxStream<'static, Result<UpnOwner>> {
        backwards(self.0.upn_owners())
    }
    async fn get(&self, guid: &ObjectGuid) -> Result<ForestUser> {
        self.0.get(guid).await
    }
}

#[async_trait]
impl ForestObjects for Backwards<dyn ForestObjects> {
    fn search(&self, query: ObjectQuery) -> BoxStream<'static, Result<ForestObject>> {
        backwards(self.0.search(query))
    }
    async fn get(&self, object: &ObjectRef, attributes: &[AttributeName]) -> Result<ForestObject> {
        self.0.get(object, attributes).await
    }
}

#[tokio::test]
async fn users_left_behind_are_bound_to_who_and_why() {
    let world = plain();
    let anna = add(&world, "anna", Some("a..b@corp.local"));
    let digest = async || id(&plan_users(&world, "only = ['anna']").await, "users-left-behind:1:");
    let first = digest().await;
    set(&world, &anna, "userPrincipalName", &[".ab@corp.local"]);
    assert_ne!(first, digest().await);
}

#[tokio::test]
async fn takeovers_and_conflicts_are_bound_to_who() {
    let text = "domain = \"contoso.com\"\n[users]\n[sync]\nenable = true\n";
    let mut seen = HashSet::new();
    for name in ["anna", "bob"] {
        let world = with_cloud([cloud(&format!("{name}@contoso.com"))]);
        for account in ["anna", "bob"] {
            add(&world, account, Some(&format!("{account}@corp.local")));
        }
        assert!(seen.insert(id(&world.plan(&spec(text)).await, "cloud-users-overwritten:1:")));
    }
    let mut seen = HashSet::new();
    let admin = onramp_core::tenant::RoleTemplateId::HYBRID_IDENTITY_ADMINISTRATOR;
    for twin in [cloud("anna@contoso.com").with_anchor("x"), cloud("anna@contoso.com").with_role(admin)] {
        let world = with_cloud([twin]);
        add(&world, "anna", Some("anna@corp.local"));
        assert!(
            seen.insert(id(&world.plan(&spec(text)).await, "sync-conflicts-expected:1:")),
            "another reason"
        );
    }
}

#[tokio::test]
async fn an_acceptance_that_fits_nothing_is_told_and_none_may_be_missing() {
    let world = plain();
    add(&world, "anna", Some("anna@corp.local"));
    let plan = plan_users(&world, "").await;
    let all = ids(&plan);
    for missing in &all {
        let rest = all.iter().filter(|id| *id != missing);
        let refusal = plan.clone().approve(rest).unwrap_err();
        assert_eq!(refusal.missing.len(), 1);
        assert_eq!(&refusal.missing[0].id, missing);
        assert!(refusal.to_string().contains(missing) && refusal.blockers.is_empty());
    }
    let refusal = plan.clone().approve(all.iter().map(String::as_str).chain(["something-else"])).unwrap_err();
    assert_eq!(refusal.unknown, ["something-else"]);
    let twice = all.iter().chain(&all);
    assert_eq!(plan.approve(twice).unwrap().accepted(), all);
}

/// What must have been accepted for a change; `None` for what changes nothing.
fn needed(change: &Change) -> Option<&'static [&'static str]> {
    Some(match change {
        Change::AddDomain { .. } => &["domain-added:"],
        Change::VerifyDomain { .. } => &["domain-added:", "domain-verified:"],
        Change::AddSuffix { .. } => &["suffix-added:"],
        Change::ChangeUpn { .. } => &["users-renamed:"],
        Change::EnableSync => &["sync-switched-on"],
        Change::CreateServiceAccount { .. } => &["service-account-created:"],
        Change::SetMfaState { .. } => &["mfa-switched-off:"],
        Change::SetAlternateEmail { .. }
        | Change::EnableServiceAccount { .. }
        | Change::SetServiceAccountPassword { .. } => {
            &["account-taken-over:", "service-account-changed:", "password-replaced:"]
        }
        Change::AssignRole { .. } => &["privileged-role-granted:"],
        Change::AssignSubscriptionRole { .. } => &["subscription-access-granted:"],
        Change::AwaitReplication { .. }
        | Change::ProveTemporaryPassword { .. }
        | Change::ProveSignIn { .. } => return None,
        other => panic!("which acceptance does {other:?} need?"),
    })
}

fn assert_accepted(plan: &Plan) {
    let ids = ids(plan);
    for planned in plan.changes() {
        let Some(starts) = needed(&planned.change) else { continue };
        let found = ids.iter().any(|id| starts.iter().any(|start| id.starts_with(start)));
        assert!(found, "{:?} without any of {starts:?} in {ids:?}", planned.change);
    }
    let renamed = plan.users_changed();
    let counted = plan.consequences().iter().find_map(|consequence| match consequence {
        Consequence::UsersRenamed { count, .. } => Some(*count),
        _ => None,
    });
    assert_eq!(counted.unwrap_or_default(), renamed);
    let grants =
        plan.changes().iter().filter(|c| matches!(c.change, Change::AssignSubscriptionRole { .. })).count();
    let accepted =
        ids.iter().filter(|id| id.starts_with("subscription-access-granted:")).collect::<HashSet<_>>();
    assert_eq!(accepted.len(), grants);
    let behind = plan.blockers().iter().filter(|blocker| !blocker.is_fatal()).count();
    assert_eq!(ids.iter().any(|id| id.starts_with("users-left-behind:")), behind > 0);
    if !plan.is_blocked() {
        plan.clone().approve(&ids).unwrap();
        if !ids.is_empty() {
            assert!(plan.clone().approve(&ids[1..]).is_err());
        }
    }
    let mut bytes = Vec::new();
    plan.write(&mut bytes).unwrap();
    assert_eq!(Plan::read(bytes.as_slice()).unwrap(), *plan);
}

#[derive(Debug, Clone)]
struct Wish {
    domain: u8,
    users: Option<u8>,
    sync: bool,
    sync_on: bool,
    account: u8,
    wanted: bool,
    mail: bool,
    subscriptions: u8,
    twins: bool,
}

fn wishes() -> impl Strategy<Value = Wish> {
    let flags = (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>());
    (0..3_u8, proptest::option::of(0..5_u8), 0..4_u8, 0..4_u8, flags).prop_map(
        |(domain, users, account, subscriptions, (sync, sync_on, wanted, mail, twins))| Wish {
            domain,
            users,
            sync,
            sync_on,
            account,
            wanted,
            mail,
            subscriptions,
            twins,
        },
    )
}

async fn assert_wish(wish: &Wish) {
    let account = |seed: SeedUser| match wish.account {
        2 => seed.disabled(),
        3 => seed.with_second_factor(),
        _ => seed,
    };
    let world: World = build(
        |forest| forest,
        |mut tenant| {
            tenant = tenant.sync_enabled(Some(wish.sync_on));
            tenant = tenant.subscription(LabSubscription::new("One"));
            tenant = tenant.subscription(LabSubscription::new("Off").with_state(SubscriptionState::Disabled));
            if wish.domain > 0 {
                tenant = tenant.verified_domain("contoso.com".parse().unwrap());
            }
            if wish.twins {
                tenant = tenant.verified_domain("fabrikam.com".parse().unwrap());
                tenant = tenant.seed_user(
                    cloud("anna@contoso.onmicrosoft.com").with_proxy_addresses(["SMTP:anna@fabrikam.com"]),
                );
            }
            if wish.account > 0 {
                tenant = tenant.seed_user(account(cloud("sync@contoso.onmicrosoft.com")));
            }
            tenant
        },
    );
    let anna = add(&world, "anna", Some("anna@corp.local"));
    set(&world, &anna, "mail", &["anna@fabrikam.com"]);
    add(&world, "bob", Some("b..b@corp.local"));
    add(&world, "carl", Some("anna@elsewhere.local"));
    let mut text = format!("domain = '{}contoso.com'\n", if wish.domain == 2 { "sub." } else { "" });
    if let Some(users) = wish.users {
        let lines =
            ["", "only = ['anna']", "new_upn = 'from-mail'", "exclude = ['anna']", "only = ['Guest']"];
        text.push_str(&format!("[users]\n{}\n", lines[usize::from(users)]));
    }
    text.push_str(&format!("[sync]\nenable = {}\n", wish.sync));
    if wish.wanted {
        text.push_str("[service_account]\nupn = 'sync@contoso.onmicrosoft.com'\n");
        if wish.mail {
            text.push_str("alternate_email = 'it@contoso.com'\n");
        }
        let role = |name: &str, role: &str| format!("{{ subscription = '{name}', role = '{role}' }}");
        let list = match wish.subscriptions {
            0 => vec![],
            1 => vec![role("One", "Owner")],
            2 => vec![role("One", "Owner"), role("one", "Owner"), role("One", "Reader")],
            _ => vec![role("One", "Owner"), role("Off", "Owner")],
        };
        text.push_str(&format!("subscriptions = [{}]\n", list.join(", ")));
    }
    assert_accepted(&world.plan(&spec(&text)).await);
}

#[test]
fn nothing_is_written_without_a_yes() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let config = Config { cases: 48, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(
        config,
        proptest::test_runner::TestRng::deterministic_rng(proptest::test_runner::RngAlgorithm::ChaCha),
    );
    runner
        .run(&wishes(), |wish| {
            runtime.block_on(assert_wish(&wish));
            Ok(())
        })
        .unwrap();
}
