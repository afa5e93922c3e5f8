//! Plans: their parts, in words and as files.

use std::sync::Arc;

use onramp::{Change, Consequence, Plan, PlanError, UserRef};
use onramp_core::forest::ReplicatedValue;
use onramp_core::mock::MockReplication;

use crate::small::{add, build, ids, plain, plan_users};
use crate::world::{SPEC, World, spec};

fn lines(plan: &Plan) -> Vec<String> {
    let mut bytes = Vec::new();
    plan.write(&mut bytes).unwrap();
    String::from_utf8(bytes).unwrap().lines().map(str::to_owned).collect()
}

#[tokio::test]
async fn a_file_that_is_no_plan_says_where() {
    let plan = World::new(10).plan(&spec(SPEC)).await;
    let good = lines(&plan);
    let read = |lines: &[String]| Plan::read(lines.join("\n").as_bytes());
    assert_eq!(read(&good).unwrap(), plan);
    for (number, lines) in [
        (1, vec![]),
        (1, good[1..].to_vec()),
        (2, [&good[..1], &good[..]].concat()),
        (3, [&good[..2], &["{\"line\":\"else\"}".to_owned()]].concat()),
        (1, [&[good[0].replace("\"format_version\":7", "\"format_version\":1")], &good[1..]].concat()),
    ] {
        match read(&lines) {
            Err(PlanError::Line { number: found, .. }) => assert_eq!(found, number),
            other => panic!("line {number}: {other:?}"),
        }
    }
    let mut swapped = good.clone();
    let last = swapped.len() - 1;
    swapped.swap(last, last - 1);
    assert!(matches!(read(&swapped), Err(PlanError::Digest)));
    assert!(matches!(read(&good[..last]), Err(PlanError::Digest)));
}

#[tokio::test]
async fn warnings_and_skipped_users_survive_the_file() {
    let world = plain();
    let plan = world.plan(&spec(SPEC)).await;
    assert!(!plan.skipped().is_empty());
    let text = lines(&plan);
    assert!(text.iter().any(|line| line.contains("\"skipped\"")));
    assert_eq!(Plan::read(text.join("\n").as_bytes()).unwrap(), plan);
    assert_eq!(plan.digest().len(), 64);
}

#[tokio::test]
async fn a_header_tells_what_was_asked_for() {
    let world = plain();
    for (text, users, sync, account) in [
        ("domain = 'contoso.com'\n", false, false, false),
        ("domain = 'contoso.com'\n[users]\n", true, false, false),
        ("domain = 'contoso.com'\n[sync]\nenable = true\n", false, true, false),
        ("domain = 'contoso.com'\n[service_account]\nupn = 's@contoso.com'\n", false, false, true),
    ] {
        let plan = world.plan(&spec(text)).await;
        let scope = plan.header().scope;
        assert_eq!((scope.users, scope.sync, scope.service_account), (users, sync, account), "{text}");
        assert_eq!(plan.header().format_version, onramp::PLAN_FORMAT_VERSION);
        assert_eq!(plan.header().domain.as_str(), "contoso.com");
    }
}

#[tokio::test]
async fn a_domain_that_was_added_is_only_verified() {
    let world = build(|forest| forest, |tenant| tenant);
    let domain = "contoso.com".parse().unwrap();
    let plan = world.plan(&spec("domain = 'contoso.com'\n")).await;
    assert_eq!(ids(&plan), ["domain-added:contoso.com", "suffix-added:contoso.com"]);
    world.tenant.tenant().domains.add(&domain).await.unwrap();
    let plan = world.plan(&spec("domain = 'contoso.com'\n")).await;
    assert_eq!(ids(&plan), ["domain-verified:contoso.com", "suffix-added:contoso.com"]);
    assert!(!plan.changes().iter().any(|c| matches!(c.change, Change::AddDomain { .. })));
}

#[tokio::test]
async fn a_forest_without_domain_controllers_is_blocked() {
    let world = plain();
    let mut replication = MockReplication::new();
    replication.expect_controllers().returning(|| Ok(Vec::new()));
    let mut forest = world.forest.forest();
    forest.replication = Arc::new(replication);
    let spec = spec("domain = 'contoso.com'\n");
    let plan = onramp::plan(&spec, &world.onramp_over(forest).survey(&spec).await.unwrap());
    assert!(plan.is_blocked());
    assert!(plan.blockers()[0].to_string().contains("no domain controller"));
}

#[tokio::test]
async fn a_sample_of_the_changes_is_waited_for_with_the_last_one() {
    for count in [1, 15, 16, 17, 40, 100] {
        let world = plain();
        for number in 0..count {
            add(&world, &format!("u{number:03}"), Some(&format!("u{number:03}@corp.local")));
        }
        let plan = plan_users(&world, "").await;
        assert_eq!(plan.users_changed(), count);
        let mut waits = plan.changes().iter().filter_map(|planned| match &planned.change {
            Change::AwaitReplication { values, .. } => Some(values),
            _ => None,
        });
        let values = waits.next_back().unwrap();
        assert!(values.len() >= 8.min(count as usize) && values.len() <= 16, "{count}: {}", values.len());
        let last = format!("u{:03}@contoso.com", count - 1);
        assert!(
            matches!(values.last(), Some(ReplicatedValue::UserUpn { upn, .. }) if upn.as_str() == last),
            "{values:?}"
        );
        let changed: Vec<String> = plan
            .changes()
            .iter()
            .filter_map(|planned| match &planned.change {
                Change::ChangeUpn { upn } => Some(upn.after.to_string()),
                _ => None,
            })
            .collect();
        assert!(changed.is_sorted(), "people look for users as they stand in the tree");
    }
}

#[tokio::test]
async fn every_change_and_every_consequence_is_told_in_words() {
    let plan = World::new(60).plan(&spec(SPEC)).await;
    let words: Vec<String> = plan.changes().iter().map(|planned| planned.change.to_string()).collect();
    for start in [
        "add the domain contoso.com to the tenant",
        "verify the domain contoso.com",
        "add the UPN suffix contoso.com to the forest",
        "wait for the ",
        "change the UPN ",
        "wait for the new UPNs to replicate",
        "turn on directory synchroni",
        "create the service account onramp-sync@contoso.com",
        "test the sign-in of onramp-sync@contoso.com",
        "give onramp-sync@contoso.com the role Hybrid Identity Administrator",
    ] {
        assert!(words.iter().any(|text| text.starts_with(start)), "{start}: {words:?}");
    }
    let words: Vec<String> = plan.consequences().iter().map(ToString::to_string).collect();
    for part in [
        "the domain contoso.com is added to the tenant and verified",
        "offers the UPN suffix contoso.com",
        "get a new UPN",
        "72 hours",
        "the account onramp-sync@contoso.com is created",
        "gets the privileged role Hybrid Identity Administrator",
    ] {
        assert!(words.iter().any(|text| text.contains(part)), "{part}: {words:?}");
    }
    assert!(!words.iter().any(|text| text.contains("far more than")));
    let text = SPEC.replace("alternate_email", "role = \"Global Administrator\"\nalternate_email");
    let plan = World::new(1).plan(&spec(&text)).await;
    assert!(
        plan.consequences().iter().any(|c| c.to_string().contains("far more than synchronization needs"))
    );
}

#[test]
fn one_and_several_are_told_apart() {
    let name = |number: u64| format!("user{number}");
    let user = |number: u64| -> UserRef {
        let guid = onramp_core::ObjectGuid::from_bytes([number as u8; 16]);
        let dn = format!("CN={},DC=corp,DC=local", name(number));
        serde_json::from_value(
            serde_json::json!({ "guid": guid, "dn": dn, "sam_account_name": name(number) }),
        )
        .unwrap()
    };
    let told = |count: u64| {
        let digest = String::new();
        let all = [
            Consequence::UsersRenamed { count, digest: digest.clone() },
            Consequence::UsersLeftBehind { count, digest: digest.clone() },
            Consequence::BuiltInAccountsRenamed { accounts: (0..count).map(user).collect() },
            Consequence::MapWithoutEffect { names: (0..count).map(name).collect() },
            Consequence::ObjectsUnreadable { count, named: Vec::new(), digest },
        ];
        all.map(|consequence| consequence.to_string())
    };
    let behind = "current UPN because of a problem (each reason is listed with the plan)";
    let without = "no effect, because the selection leaves the user out";
    assert_eq!(
        told(1),
        [
            "1 user gets a new UPN; the old one stops working immediately".to_owned(),
            format!("1 user keeps its {behind}"),
            "1 built-in or system account named in `only` will get a new UPN".to_owned(),
            format!("1 name in `map` has {without}"),
            "1 object could not be read, and the plan ignores them".to_owned(),
        ]
    );
    assert_eq!(
        told(2),
        [
            "2 users get a new UPN; the old one stops working immediately".to_owned(),
            format!("2 users keep their {behind}"),
            "2 built-in or system accounts named in `only` will get a new UPN".to_owned(),
            format!("2 names in `map` have {without}"),
            "2 objects could not be read, and the plan ignores them".to_owned(),
        ]
    );
}
