//! One object that cannot be understood never stops a survey.

use std::sync::Arc;

use futures_util::{StreamExt, TryStreamExt, stream};
use onramp::Unreadable;
use onramp_core::forest::UserQuery;
use onramp_core::mock::MockTenantUsers;
use onramp_core::{Error, ErrorKind};

use crate::small::{add, cloud, id, ids, plain, plan_users, renamed, set, with_cloud};
use crate::world::{World, spec};

#[tokio::test]
async fn an_anchor_of_any_text_is_read() {
    let world = with_cloud([
        cloud("erin.fields@contoso.com").with_anchor("erin.fields@fabrikam.com"),
        cloud("b@contoso.com").with_anchor("0123456789abcdef".repeat(4)),
        cloud("c@contoso.com").with_anchor("with blank and_underscore"),
    ]);
    add(&world, "anna", Some("anna@corp.local"));
    let plan = world.plan(&spec("domain = \"contoso.com\"\n[users]\n[sync]\nenable = true\n")).await;
    assert_eq!(renamed(&plan), ["anna@contoso.com"]);
    assert!(!ids(&plan).iter().any(|id| id.starts_with("objects-unreadable")), "{:?}", ids(&plan));
}

#[tokio::test]
async fn a_user_that_cannot_be_read_is_counted_and_named_once() {
    let world = plain();
    add(&world, "anna", Some("anna@corp.local"));
    let odd = add(&world, "odd", Some("odd@corp.local"));
    for host in world.forest.controllers() {
        world.forest.set_bytes_on(&host, &odd, "sAMAccountName", &[b"\xff\xfe"]).unwrap();
    }
    for lines in ["", "exclude_ous = ['OU=Nowhere,DC=corp,DC=local']", "filter = '(objectClass=user)'"] {
        let plan = plan_users(&world, lines).await;
        assert_eq!(renamed(&plan), ["anna@contoso.com"], "{lines}");
        let named = id(&plan, "objects-unreadable:1:");
        let members = plan.consequences().iter().find(|c| c.id() == named).unwrap().members();
        assert_eq!(members.len(), 1, "{members:?}");
    }
}

#[tokio::test]
async fn an_excluded_ou_that_begins_with_an_unreadable_user_exists() {
    let world = World::new(60);
    let all: Vec<_> = world.forest.forest().users.search(UserQuery::all()).try_collect().await.unwrap();
    let ou =
        all.iter().find_map(|user| user.dn.parent().filter(|dn| dn.as_str().starts_with("OU="))).unwrap();
    let (within, others): (Vec<_>, Vec<_>) =
        all.iter().partition(|user| user.dn.parent().as_ref() == Some(&ou));
    for user in &within {
        for host in world.forest.controllers() {
            world.forest.set_bytes_on(&host, &user.guid, "sAMAccountName", &[b"\xff\xfe"]).unwrap();
        }
    }
    let plan = plan_users(&world, &format!("exclude_ous = ['{ou}']")).await;
    id(&plan, &format!("objects-unreadable:{}:", within.len()));
    assert!(!renamed(&plan).is_empty() && renamed(&plan).len() <= others.len());
}

#[tokio::test]
async fn a_silent_domain_controller_is_a_consequence() {
    let world = plain();
    add(&world, "anna", Some("anna@corp.local"));
    world.forest.stop_controller("dc2.corp.local").unwrap();
    let plan = plan_users(&world, "").await;
    assert!(ids(&plan).contains(&"controller-left-out:dc2.corp.local".to_owned()), "{:?}", ids(&plan));
    world.forest.start_controller("dc2.corp.local").unwrap();
    assert!(!ids(&plan_users(&world, "").await).iter().any(|id| id.starts_with("controller-left-out")));
    set(&world, &world.forest.find_account("anna").unwrap(), "mail", &["x@contoso.com"]);
}

#[tokio::test]
async fn of_many_that_cannot_be_read_each_is_counted_and_the_first_are_named() {
    let world = plain();
    let spec = spec("domain = 'contoso.com'\n[sync]\nenable = true\n");
    let unreadable = async |numbers: Vec<u32>| -> Unreadable {
        let mut users = MockTenantUsers::new();
        users.expect_list().times(1).returning(move || {
            let error =
                |number| Error::new(ErrorKind::Unreadable, "read").with_object(format!("odd{number:03}"));
            stream::iter(numbers.clone()).map(move |number| Err(error(number))).boxed()
        });
        let tenant = world.tenant.tenant().with_users(Arc::new(users));
        let survey = world.onramp_on(tenant, world.forest.forest()).survey(&spec).await.unwrap();
        survey.unreadable
    };
    let all = unreadable((0..300).chain(0..300).collect()).await;
    assert_eq!(all.count, 300);
    let first: Vec<String> =
        (0..100).map(|number| format!("could not read odd{number:03}: it could not be understood")).collect();
    assert_eq!(all.named, first);
    let reversed = unreadable((0..300).rev().collect()).await;
    assert_eq!((reversed.count, reversed.named, &reversed.digest), (300, first, &all.digest));
    // Others that are not among the named ones are others all the same.
    let mut digests: Vec<String> = vec![all.digest];
    for other in 300..310 {
        digests.push(unreadable((0..299).chain([other]).collect()).await.digest);
    }
    digests.sort();
    digests.dedup();
    assert_eq!(digests.len(), 11);
}
