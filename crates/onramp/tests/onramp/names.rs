//! Names of users in a spec: understood as operators write them, and told if they fit nobody.

use std::collections::BTreeSet;

use futures_util::TryStreamExt;
use onramp::BlockerKind;
use onramp_core::forest::UserQuery;
use onramp_core::{DistinguishedName, ObjectGuid};
use onramp_lab::forest::LabDomain;

use crate::odd::with_unreadable_objects;
use crate::small::{
    add, add_below, blocked, build, fatal, id, plain, plan_users, renamed, set, users, verified,
};
use crate::world::{World, spec};

fn people() -> World {
    let world = plain();
    add(&world, "svc-backup", Some("svc-backup@corp.local"));
    add(&world, "anna", Some("anna.reed@corp.local"));
    add(&world, "bob", Some("bob@corp.local"));
    world
}

#[tokio::test]
async fn a_name_that_fits_nobody_blocks_the_plan_with_the_nearest_one() {
    let world = people();
    for (lines, name, nearest) in [
        (r#"exclude = ["svc-bakcup"]"#, "svc-bakcup", Some("svc-backup")),
        (r"exclude = ['CORP\svc-bakcup']", r"CORP\svc-bakcup", Some("svc-backup")),
        (r#"only = ["bob", "ana"]"#, "ana", Some("anna")),
        (r#"only = ["anna.red@corp.local"]"#, "anna.red@corp.local", Some("anna.reed@corp.local")),
        (r"only = ['FABRIKAM\anna']", r"FABRIKAM\anna", None),
        (r#"only = ["S-1-5-21-1-2-3-1105"]"#, "S-1-5-21-1-2-3-1105", None),
        (
            r#"exclude = ["00000000-0000-0000-0000-000000000009"]"#,
            "00000000-0000-0000-0000-000000000009",
            None,
        ),
        ("exclude = [\"\"]", "\"\" in `exclude`", None),
        (
            "[users.map]\n\"anna.reed@corp.lcoal\" = \"a@contoso.com\"",
            "anna.reed@corp.lcoal",
            Some("anna.reed@corp.local"),
        ),
        ("[users.map]\nanan = \"a@contoso.com\"", "anan", Some("anna")),
        (
            r#"exclude_ous = ["CN=Uesrs,DC=corp,DC=local"]"#,
            "CN=Uesrs,DC=corp,DC=local",
            Some("CN=Users,DC=corp,DC=local"),
        ),
    ] {
        let plan = plan_users(&world, lines).await;
        let problems = fatal(&plan);
        assert_eq!(problems.len(), 1, "{lines}: {problems:?}");
        assert!(problems[0].contains(name), "{lines}: {problems:?}");
        if let Some(nearest) = nearest {
            assert!(problems[0].contains(&format!("did you mean \"{nearest}\"")), "{lines}: {problems:?}");
        }
        assert!(plan.clone().approve(plan.consequences().iter().map(|c| c.id())).is_err());
    }
}

#[tokio::test]
async fn every_form_of_a_name_is_understood_in_every_list() {
    let world = people();
    let anna = world.forest.find_account("anna").unwrap();
    let dn = world.forest.dn_of(&anna).unwrap().to_string();
    let plan = plan_users(&world, "").await;
    assert_eq!(renamed(&plan).len(), 3, "{:?}", renamed(&plan));
    for name in [
        "anna".to_owned(),
        " ANNA ".into(),
        r"CORP\anna".into(),
        r"corp.local\Anna".into(),
        "anna.reed@corp.local".into(),
        "anna@corp.local".into(),
        anna.to_string(),
        format!("{{{anna}}}"),
        format!("<GUID={anna}>"),
        dn.clone(),
        dn.to_lowercase().replace(',', " , "),
    ] {
        let only = plan_users(&world, &format!("only = ['{name}']")).await;
        assert_eq!(renamed(&only), ["anna.reed@contoso.com"], "{name}: {:?}", fatal(&only));
        let without = plan_users(&world, &format!("exclude = ['{name}']")).await;
        assert_eq!(renamed(&without), ["bob@contoso.com", "svc-backup@contoso.com"], "{name}");
        assert!(fatal(&without).is_empty());
        let map =
            plan_users(&world, &format!("only = ['anna']\n[users.map]\n'{name}' = 'a@contoso.com'")).await;
        assert_eq!(renamed(&map), ["a@contoso.com"], "{name}");
        assert!(fatal(&map).is_empty());
    }
}

#[tokio::test]
async fn a_sid_is_a_name() {
    let world = World::new(3);
    let sid = |guid: &ObjectGuid| {
        let forest = world.forest.forest();
        let guid = *guid;
        async move { forest.users.get(&guid).await.unwrap().sid.unwrap().to_string() }
    };
    let user = world.plan(&crate::world::spec("domain = \"contoso.com\"\n[users]\n")).await;
    let guid = user
        .changes()
        .iter()
        .find_map(|planned| match &planned.change {
            onramp::Change::ChangeUpn { upn } => Some(upn.guid),
            _ => None,
        })
        .unwrap();
    let sid = sid(&guid).await;
    for name in [sid.clone(), format!("<SID={sid}>"), format!("<sid={sid}>")] {
        let plan = plan_users(&world, &format!("only = ['{name}']")).await;
        assert_eq!(renamed(&plan).len(), 1, "{name}: {:?}", fatal(&plan));
    }
}

#[tokio::test]
async fn a_netbios_name_is_read_and_not_guessed() {
    let world = people();
    let partition =
        DistinguishedName::parse("CN=CORP,CN=Partitions,CN=Configuration,DC=corp,DC=local").unwrap();
    let partition = world.forest.find(&partition).unwrap();
    set(&world, &partition, "nETBIOSName", &["HEADQUARTERS"]);
    let plan = plan_users(&world, r"only = ['headquarters\anna']").await;
    assert_eq!(renamed(&plan), ["anna.reed@contoso.com"]);
    let plan = plan_users(&world, r"only = ['CORP\anna']").await;
    assert_eq!(fatal(&plan).len(), 1);
    assert!(renamed(&plan).is_empty());

    // One object that cannot be read does not hide the names that follow it.
    let spec = spec(&users(r"only = ['headquarters\anna']"));
    let onramp = world.onramp_over(with_unreadable_objects(world.forest.forest()));
    let plan = onramp::plan(&spec, &onramp.survey(&spec).await.unwrap());
    assert_eq!(renamed(&plan), ["anna.reed@contoso.com"], "{:?}", fatal(&plan));
}

#[tokio::test]
async fn a_name_in_two_domains_of_a_forest_is_ambiguous() {
    let world = build(|forest| forest.add_domain(LabDomain::new("emea.corp.local").users(0)), verified);
    let emea = DistinguishedName::parse("DC=emea,DC=corp,DC=local").unwrap();
    add(&world, "anna", Some("anna@corp.local"));
    add_below(&world, &emea, "anna", Some("anna.reed@corp.local"));
    for lines in ["only = ['anna']", "[users.map]\nanna = 'a@contoso.com'"] {
        let plan = plan_users(&world, lines).await;
        assert!(
            plan.blockers()
                .iter()
                .any(|b| b.is_fatal() && matches!(b.problem, BlockerKind::AmbiguousUser { .. })),
            "{lines}: {:?}",
            plan.blockers()
        );
    }
    for name in [r"EMEA\anna", r"emea.corp.local\anna", "anna@emea.corp.local", "anna.reed@corp.local"] {
        let plan = plan_users(&world, &format!("only = ['{name}']")).await;
        assert_eq!(renamed(&plan), ["anna.reed@contoso.com"], "{name}: {:?}", fatal(&plan));
    }
    // A name to protect protects whoever has it.
    let plan = plan_users(&world, "exclude = ['anna']").await;
    assert!(renamed(&plan).is_empty() && fatal(&plan).is_empty());
}

#[tokio::test]
async fn a_upn_of_one_user_that_another_implies_is_ambiguous() {
    let world = plain();
    add(&world, "areed", Some("anna@corp.local"));
    add(&world, "anna", Some("a.other@corp.local"));
    let plan = plan_users(&world, "only = ['anna@corp.local']").await;
    assert!(matches!(plan.blockers()[0].problem, BlockerKind::AmbiguousUser { .. }), "{:?}", plan.blockers());
    assert!(plan.is_blocked());
}

#[tokio::test]
async fn somebody_outside_of_the_selection_is_known() {
    let world = World::new(20);
    let staff = "OU=Staff,DC=corp,DC=local";
    let out = add(&world, "outsider", Some("outsider@corp.local"));
    let plan = plan_users(&world, &format!("ous = ['{staff}']\nexclude = ['outsider']")).await;
    assert!(fatal(&plan).is_empty(), "{:?}", fatal(&plan));
    let plan = plan_users(&world, &format!("ous = ['{staff}']\nonly = ['outsider']")).await;
    let problem = &plan.blockers()[0].problem;
    assert!(matches!(problem, BlockerKind::OutsideSelection { fits, .. } if fits.guid == out), "{problem}");
}

#[tokio::test]
async fn a_user_in_only_and_in_exclude_is_blocked() {
    let world = people();
    for lines in ["exclude = ['bob']", "exclude_ous = ['CN=Users,DC=corp,DC=local']"] {
        let plan = plan_users(&world, &format!("only = ['bob']\n{lines}")).await;
        assert!(matches!(plan.blockers()[0].problem, BlockerKind::OutsideSelection { .. }), "{lines}");
        assert!(fatal(&plan)[0].contains("exclude"), "{:?}", fatal(&plan));
    }
}

#[tokio::test]
async fn built_in_accounts_in_only_are_a_consequence_of_their_own() {
    let world = people();
    let plan = plan_users(&world, "only = ['Administrator', 'bob']").await;
    let named = id(&plan, "built-in-accounts-renamed:1:");
    assert!(named.len() > "built-in-accounts-renamed:1:".len());
    assert!(renamed(&plan).contains(&"bob@contoso.com".to_owned()));
    let members = plan.consequences().iter().find(|c| c.id() == named).unwrap().members();
    assert!(members.len() == 1 && members[0].starts_with("Administrator"), "{members:?}");
    assert!(blocked(&plan).is_empty());
    let plan = plan_users(&world, "only = ['Guest', 'bob']").await;
    assert_ne!(id(&plan, "built-in-accounts-renamed:1:"), named, "another account is another acceptance");
}

#[tokio::test]
async fn an_organizational_unit_is_found_however_it_is_spelled() {
    let world = people();
    for ou in ["CN=Users,DC=corp,DC=local", "cn=users,dc=CORP,dc=LOCAL", "CN=Users, DC=corp, DC=local"] {
        let plan = plan_users(&world, &format!("exclude_ous = ['{ou}']")).await;
        assert!(renamed(&plan).is_empty() && fatal(&plan).is_empty(), "{ou}: {:?}", fatal(&plan));
        let plan = plan_users(&world, &format!("ous = ['{ou}']")).await;
        assert_eq!(renamed(&plan).len(), 3, "{ou}");
    }
}

#[tokio::test]
async fn an_organizational_unit_that_cannot_be_read_is_not_called_missing() {
    let world = people();
    let mut users = onramp_core::mock::MockForestUsers::new();
    users.expect_search().returning(|query| {
        let error = onramp_core::Error::new(onramp_core::ErrorKind::Unavailable, "search for users");
        Box::pin(futures_util::stream::iter(query.base.map(|_| Err(error))))
    });
    let mut forest = world.forest.forest();
    forest.users = std::sync::Arc::new(users);
    let text = crate::small::users("exclude_ous = ['CN=Users,DC=corp,DC=local']");
    let error = world.onramp_over(forest).survey(&crate::world::spec(&text)).await.unwrap_err();
    assert_eq!(error.kind(), onramp_core::ErrorKind::Unavailable);
}

#[tokio::test]
async fn a_name_is_suggested_only_if_it_is_similar() {
    let world = people();
    for (name, similar) in [
        ("bbb", Some("bob")),
        ("bxy", Some("bob")),
        ("xyz", None),
        // A third of its characters may differ.
        ("svc-bacXYZ", Some("svc-backup")),
        ("svc-baWXYZ", None),
    ] {
        let plan = plan_users(&world, &format!("only = ['{name}']")).await;
        let BlockerKind::NoSuchUser { similar: found, .. } = &plan.blockers()[0].problem else {
            panic!("{name}: {:?}", plan.blockers())
        };
        assert_eq!(found.as_deref(), similar, "{name}");
    }
}

#[tokio::test]
async fn of_all_organizational_units_the_most_similar_is_suggested() {
    let world = World::new(60);
    let people: Vec<_> = world.forest.forest().users.search(UserQuery::all()).try_collect().await.unwrap();
    let units: BTreeSet<String> = (people.iter().filter_map(|user| user.dn.parent()))
        .map(|dn| dn.to_string())
        .filter(|dn| dn.starts_with("OU="))
        .collect();
    assert!(units.len() > 1, "{units:?}");
    let mut cases: Vec<(String, Option<&str>)> = Vec::new();
    for unit in &units {
        let (name, rest) = unit.split_once(',').unwrap();
        cases.push((format!("{name}x,{rest}"), Some(unit)));
    }
    // A third of its characters may differ.
    cases.push(("OU=Shops,DC=corp,DC=local".into(), Some("OU=Staff,DC=corp,DC=local")));
    cases.push((format!("OU={},DC=corp,DC=local", "z".repeat(40)), None));
    for (ou, similar) in cases {
        let plan = plan_users(&world, &format!("exclude_ous = ['{ou}']")).await;
        let problem = plan.blockers().iter().find(|blocker| blocker.is_fatal()).map(|b| &b.problem);
        let Some(BlockerKind::NoSuchOu { similar: found, .. }) = problem else { panic!("{ou}: {problem:?}") };
        assert_eq!(found.as_deref(), similar, "{ou}");
    }
}

#[tokio::test]
async fn an_account_name_that_looks_like_a_upn_of_somebody_else_is_ambiguous() {
    let world = plain();
    add(&world, "one", Some("evil@corp.local"));
    add(&world, "evil@corp.local", Some("other@corp.local"));
    for lines in ["only = ['Evil@corp.local']", "[users.map]\n'evil@corp.local' = 'a@contoso.com'"] {
        let plan = plan_users(&world, lines).await;
        let is_ambiguous = |b: &onramp::Blocker| matches!(&b.problem, BlockerKind::AmbiguousUser { fits, .. } if fits.len() == 2);
        assert!(plan.is_blocked() && plan.blockers().iter().any(is_ambiguous), "{:?}", plan.blockers());
    }
    let plan = plan_users(&world, "exclude = ['evil@CORP.local']").await;
    assert!(renamed(&plan).is_empty(), "both are protected: {:?}", renamed(&plan));
}

#[tokio::test]
async fn a_suffix_that_nobody_has_is_told() {
    let world = plain();
    add(&world, "anna", Some("anna@corp.local"));
    add(&world, "done", Some("done@contoso.com"));
    let plan = plan_users(&world, "from_suffixes = ['corp.local', 'nope.test']").await;
    assert_eq!(renamed(&plan), ["anna@contoso.com"]);
    assert_eq!(plan.warnings(), ["`from_suffixes` names nope.test, and no user has that suffix"]);
    let plan = plan_users(&world, "from_suffixes = ['corp.local']").await;
    assert!(plan.warnings().is_empty(), "{:?}", plan.warnings());
}
