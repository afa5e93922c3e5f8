//! Replication that an earlier run did not see to its end is seen while planning.

use onramp::{Change, Event, Plan};
use onramp_core::forest::ReplicatedValue;

use crate::small::{add, build, plain, run, set, verified};
use crate::world::spec;

fn waits(plan: &Plan) -> Vec<(usize, String)> {
    let waits = plan.changes().iter().filter_map(|planned| match &planned.change {
        Change::AwaitReplication { values, .. } => Some((values.len(), planned.reason.clone())),
        _ => None,
    });
    waits.collect()
}

#[tokio::test]
async fn a_suffix_that_one_domain_controller_lacks_is_waited_for() {
    let mut world = plain();
    run(&mut world, "domain = 'contoso.com'\n").await;
    let text = spec("domain = 'contoso.com'\n");
    assert!(world.plan(&text).await.is_empty());
    let partitions = "CN=Partitions,CN=Configuration,DC=corp,DC=local".parse().unwrap();
    let partitions = world.forest.find(&partitions).unwrap();
    world.forest.hold_replication("dc1.corp.local").unwrap();
    world.forest.set_on("dc2.corp.local", &partitions, "uPNSuffixes", &["fabrikam.com"]).unwrap();
    let plan = world.plan(&text).await;
    assert_eq!(waits(&plan), [(1, "it was not seen on dc2.corp.local".to_owned())]);
    assert!(plan.consequences().is_empty(), "waiting changes nothing");
}

#[tokio::test]
async fn the_name_of_a_domain_of_the_forest_is_offered_without_waiting() {
    let mut world = build(|forest| forest.domain("contoso.com"), verified);
    assert!(world.plan(&spec("domain = 'contoso.com'\n")).await.is_empty());
    // Another suffix that was added does not count for it.
    run(&mut world, "domain = 'fabrikam.com'\n").await;
    assert!(world.plan(&spec("domain = 'contoso.com'\n")).await.is_empty());
}

#[tokio::test]
async fn a_user_whom_one_domain_controller_does_not_know_by_the_new_name_is_waited_for() {
    let mut world = plain();
    let anna = add(&world, "anna", Some("anna@corp.local"));
    let text = "domain = 'contoso.com'\n[users]\n";
    run(&mut world, text).await;
    assert!(world.plan(&spec(text)).await.is_empty());
    world.forest.hold_replication("dc1.corp.local").unwrap();
    world.forest.set_on("dc2.corp.local", &anna, "userPrincipalName", &["anna@corp.local"]).unwrap();
    let plan = world.plan(&spec(text)).await;
    assert_eq!(waits(&plan).len(), 1);
    let Change::AwaitReplication { values, .. } = &plan.changes()[0].change else {
        panic!("{:?}", plan.changes())
    };
    assert!(matches!(&values[0], ReplicatedValue::UserUpn { guid, .. } if *guid == anna));
    // Whoever a name of `map` moved is looked at like the others.
    let world = plain();
    let bob = add(&world, "bob", Some("b@contoso.com"));
    let text = "domain = 'contoso.com'\n[users.map]\n'bob@fabrikam.local' = 'b@contoso.com'\n";
    world.forest.hold_replication("dc1.corp.local").unwrap();
    world.forest.set_on("dc2.corp.local", &bob, "userPrincipalName", &["bob@fabrikam.local"]).unwrap();
    assert_eq!(waits(&world.plan(&spec(text)).await).len(), 2, "for the suffix and for the user");
}

#[tokio::test]
async fn reading_is_told_with_what_was_counted() {
    let world = plain();
    for number in 0..1010 {
        add(&world, &format!("u{number}"), None);
    }
    set(&world, &world.forest.find_account("u7").unwrap(), "mail", &["u7@contoso.com"]);
    world.plan(&spec("domain = 'contoso.com'\n[users]\n")).await;
    let told = |name: &str| -> Vec<u64> {
        let events = world.events.lock().unwrap();
        let counts = events.iter().filter_map(|event| match event {
            Event::Reading { what, count } if *what == name => Some(*count),
            _ => None,
        });
        counts.collect()
    };
    // The users that were added, and the three that a forest has from its beginning.
    assert_eq!(told("users of the forest"), [1000, 1013]);
    assert_eq!(told("principals of the forest").first(), Some(&1000));
    assert!(told("principals of the forest").last() >= Some(&1013), "{:?}", told("principals of the forest"));
    assert_eq!(told("users of the tenant").len(), 1, "{:?}", told("users of the tenant"));
}
