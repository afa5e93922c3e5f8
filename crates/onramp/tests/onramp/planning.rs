use std::collections::HashSet;

use futures_util::TryStreamExt;
use onramp::{BlockerKind, Change, Consequence, Plan, PlanError};
use onramp_core::ErrorKind;
use onramp_core::forest::UserQuery;

use crate::small::{add, build};
use crate::world::{SPEC, World, approve_all, spec};

#[tokio::test]
async fn the_plan_follows_the_order_of_the_job() {
    let plan = World::new(200).plan(&spec(SPEC)).await;
    let mut kinds: Vec<&str> = plan.changes().iter().map(|p| kind(&p.change)).collect();
    kinds.dedup();
    assert_eq!(
        kinds,
        ["domain", "verify", "suffix", "wait", "upn", "wait", "sync", "account", "sign-in", "role"]
    );
    let numbers: Vec<u64> = plan.changes().iter().map(|p| p.number).collect();
    assert_eq!(numbers, (1..=plan.changes().len() as u64).collect::<Vec<_>>());
}

fn kind(change: &Change) -> &'static str {
    match change {
        Change::AddDomain { .. } => "domain",
        Change::VerifyDomain { .. } => "verify",
        Change::AddSuffix { .. } => "suffix",
        Change::AwaitReplication { .. } => "wait",
        Change::ChangeUpn { .. } => "upn",
        Change::EnableSync => "sync",
        Change::CreateServiceAccount { .. } => "account",
        Change::SetServiceAccountPassword { .. } => "password",
        Change::AssignRole { .. } => "role",
        Change::ProveSignIn { .. } => "sign-in",
        _ => "other",
    }
}

#[tokio::test]
async fn built_in_accounts_are_left_out_each_with_its_reason() {
    let plan = World::new(200).plan(&spec(SPEC)).await;
    let reason = |name: &str| {
        let skipped = plan.skipped().iter().find(|s| s.user.sam_account_name.eq_ignore_ascii_case(name));
        skipped.map(|s| s.reason.to_string())
    };
    assert_eq!(reason("Administrator").as_deref(), Some("built-in account"));
    assert_eq!(reason("Guest").as_deref(), Some("built-in account"));
    assert_eq!(reason("krbtgt").as_deref(), Some("built-in account"));
    for planned in plan.changes() {
        if let Change::ChangeUpn { upn } = &planned.change {
            assert!(!upn.dn.as_str().starts_with("CN=Administrator,"));
        }
    }
}

#[tokio::test]
async fn who_is_blocked_is_named_with_the_other_party() {
    let plan = World::new(1000).plan(&spec(SPEC)).await;
    let mut seen = HashSet::new();
    for blocker in plan.blockers() {
        let user = blocker.user.as_ref().unwrap();
        match &blocker.problem {
            BlockerKind::WantedTwice { upn, other } => {
                seen.insert("twice");
                assert_ne!(other.guid, user.guid);
                let back =
                    plan.blockers().iter().find(|b| b.user.as_ref().is_some_and(|u| u.guid == other.guid));
                assert!(
                    matches!(&back.unwrap().problem, BlockerKind::WantedTwice { upn: u, .. } if u == upn)
                );
            }
            BlockerKind::BreaksEntraRules { violations, .. } => {
                seen.insert("rules");
                assert!(!violations.is_empty());
            }
            BlockerKind::Taken { holder, .. } => {
                seen.insert("taken");
                assert_ne!(holder.guid, user.guid);
            }
            _ => {}
        }
    }
    assert!(seen.contains("twice") && seen.contains("rules"), "the lab has such people: {seen:?}");
    let count = plan.blockers().len() as u64;
    assert!(
        plan.consequences()
            .iter()
            .any(|c| matches!(c, Consequence::UsersLeftBehind { count: n, .. } if *n == count))
    );
    // Nobody blocked is changed, and no two get the same.
    let blocked: HashSet<_> = plan.blockers().iter().filter_map(|b| Some(b.user.as_ref()?.guid)).collect();
    let mut names = HashSet::new();
    for planned in plan.changes() {
        if let Change::ChangeUpn { upn } = &planned.change {
            assert!(!blocked.contains(&upn.guid));
            assert!(names.insert(upn.after.key()), "{} twice", upn.after);
            assert!(upn.after.entra_violations().is_empty());
        }
    }
}

#[tokio::test]
async fn an_implied_upn_is_a_collision_too() {
    let world = build(|forest| forest.domain("contoso.com"), |tenant| tenant);
    let one = add(&world, "one", Some("one@contoso.com"));
    let other = add(&world, "other", Some("somebody@contoso.com"));
    let text = format!(
        "domain = \"contoso.com\"\n[users]\nonly = [\"{one}\"]\n[users.map]\n\"{one}\" = \"other@contoso.com\"\n"
    );
    let plan = world.plan(&spec(&text)).await;
    let problem = &plan.blockers()[0].problem;
    assert!(
        matches!(problem, BlockerKind::Taken { holder, implied: true, .. } if holder.guid == other),
        "{problem}"
    );
}

#[tokio::test]
async fn selections_narrow() {
    let world = World::new(200);
    let users: Vec<_> = world.forest.forest().users.search(UserQuery::all()).try_collect().await.unwrap();
    let person =
        users.iter().find(|u| u.upn.as_deref().is_some_and(|upn| upn.ends_with("@corp.local"))).unwrap();
    let ou = person.dn.parent().unwrap();
    let count = |plan: &Plan| plan.users_changed() as usize + plan.blockers().len();
    let whole = count(&world.plan(&spec(SPEC)).await);

    let in_ou =
        world.plan(&spec(&format!("domain = \"contoso.com\"\n[users]\nous = [\"{ou}\", \"{ou}\"]\n"))).await;
    let outside =
        world.plan(&spec(&format!("domain = \"contoso.com\"\n[users]\nexclude_ous = [\"{ou}\"]\n"))).await;
    assert!(count(&in_ou) > 0 && count(&in_ou) < whole);
    assert_eq!(count(&in_ou) + count(&outside), whole);

    for name in [
        person.guid.to_string(),
        person.sam_account_name.to_uppercase(),
        person.upn.clone().unwrap(),
        person.dn.to_string(),
    ] {
        let name = name.replace('\\', "\\\\");
        let only =
            world.plan(&spec(&format!("domain = \"contoso.com\"\n[users]\nonly = [\"{name}\"]\n"))).await;
        assert_eq!(count(&only), 1, "{name}");
        let without =
            world.plan(&spec(&format!("domain = \"contoso.com\"\n[users]\nexclude = [\"{name}\"]\n"))).await;
        assert_eq!(count(&without), whole - 1, "{name}");
    }
    let sam = &person.sam_account_name;
    let filtered = world
        .plan(&spec(&format!("domain = \"contoso.com\"\n[users]\nfilter = \"(sAMAccountName={sam})\"\n")))
        .await;
    assert_eq!(count(&filtered), 1);
}

#[tokio::test]
async fn wrong_selections_are_errors() {
    let world = World::new(20);
    let survey = async |text: &str| world.onramp().survey(&spec(text)).await.unwrap_err();
    let error = survey("domain = \"contoso.com\"\n[users]\nous = [\"OU=Nowhere,DC=corp,DC=local\"]\n").await;
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.to_string().contains("OU=Nowhere"), "{error}");
    let error =
        survey("domain = \"contoso.com\"\n[users]\nfilter = \"(sAMAccountName=nobody-at-all)\"\n").await;
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.to_string().contains("empty"), "{error}");
}

#[tokio::test]
async fn a_private_domain_and_a_strange_account_block_everything() {
    let world = World::new(20);
    let text = "domain = \"corp.local\"\n[service_account]\nupn = \"sync@fabrikam.com\"\n\
                subscriptions = [{ subscription = \"nope\", role = \"Reader\" }]\n";
    let plan = world.plan(&spec(text)).await;
    let fatal = plan.blockers().iter().filter(|b| b.is_fatal()).count();
    assert_eq!(fatal, 3, "{:?}", plan.blockers());
    let all: Vec<String> = plan.consequences().iter().map(|c| c.id()).collect();
    assert_eq!(plan.approve(all).unwrap_err().blockers.len(), 3);
}

#[tokio::test]
async fn the_initial_domain_of_another_tenant_blocks_everything() {
    let world = World::new(2);
    for (domain, is_blocked) in [("contoso", false), ("fabrikam", true)] {
        let plan = world.plan(&spec(&format!("domain = '{domain}.onmicrosoft.com'"))).await;
        let problems: Vec<&BlockerKind> = plan.blockers().iter().map(|blocker| &blocker.problem).collect();
        let is_initial = matches!(problems[..], [BlockerKind::InitialDomain { domain: found }] if found.as_str().starts_with(domain));
        assert_eq!((is_initial, plan.is_blocked()), (is_blocked, is_blocked), "{problems:?}");
    }
}

#[tokio::test]
async fn approval_names_members_consequence_and_no_other() {
    let plan = World::new(50).plan(&spec(SPEC)).await;
    let refusal = plan.clone().approve(["sync-switched-on", "mfa-switched-off"]).unwrap_err();
    assert_eq!(refusal.unknown, ["mfa-switched-off"]);
    assert!(refusal.missing.iter().any(|missing| {
        missing.id == "privileged-role-granted:onramp-sync@contoso.com:hybrid-identity-administrator"
    }));
    assert!(!refusal.missing.iter().any(|missing| missing.id == "sync-switched-on"));
    approve_all(plan);
}

#[tokio::test]
async fn a_plan_is_read_back_whole_or_not_at_all() {
    let plan = World::new(60).plan(&spec(SPEC)).await;
    let mut bytes = Vec::new();
    plan.write(&mut bytes).unwrap();
    assert_eq!(Plan::read(bytes.as_slice()).unwrap(), plan);
    let text = String::from_utf8(bytes).unwrap();
    assert!(text.starts_with("{\"line\":\"header\""));
    let lines: Vec<&str> = text.lines().collect();
    for cut in 0..lines.len() {
        assert!(Plan::read(lines[..cut].join("\n").as_bytes()).is_err(), "cut after {cut} lines");
    }
    let forged = text.replacen("@contoso.com", "@fabrikam.com", 1);
    assert!(matches!(Plan::read(forged.as_bytes()), Err(PlanError::Digest | PlanError::Line { .. })));
    let folder = tempfile::tempdir().unwrap();
    plan.save(folder.path().join("plan.jsonl")).unwrap();
    assert_eq!(std::fs::read_to_string(folder.path().join("plan.jsonl")).unwrap(), text);
}

#[tokio::test]
async fn the_same_directories_give_the_same_plan() {
    let (one, other) = (World::new(100).plan(&spec(SPEC)).await, World::new(100).plan(&spec(SPEC)).await);
    assert_eq!(one.digest(), other.digest());
}

#[tokio::test]
async fn the_digest_tells_what_is_planned_and_not_when() {
    let world = World::new(20);
    let first = world.plan(&spec(SPEC)).await;
    world.clock.advance(std::time::Duration::from_secs(3600));
    let later = world.plan(&spec(SPEC)).await;
    assert_ne!(first.header().surveyed_at, later.header().surveyed_at);
    assert_eq!(first.digest(), later.digest());
    world.forest.delete(&someone(&first)).unwrap();
    assert_ne!(world.plan(&spec(SPEC)).await.digest(), later.digest());
}

fn someone(plan: &Plan) -> onramp_core::ObjectGuid {
    let changed = plan.changes().iter().find_map(|planned| match &planned.change {
        Change::ChangeUpn { upn } => Some(upn.guid),
        _ => None,
    });
    changed.unwrap()
}
