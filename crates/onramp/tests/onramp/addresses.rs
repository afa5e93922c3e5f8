//! New names against mail addresses and present names of other objects.

use onramp::BlockerKind;
use onramp_core::ErrorKind;

use crate::odd::with_lost_users;
use crate::small::{add, blocked, build, plain, plan_users, renamed, set, users};
use crate::world::{World, spec};

/// A group of the forest: what has an address and is no user.
fn group(world: &World) -> onramp_core::ObjectGuid {
    world.forest.find_account("Domain Guests").unwrap()
}

fn address_holder(plan: &onramp::Plan) -> Option<onramp_core::ObjectGuid> {
    blocked(plan).iter().find_map(|blocker| match &blocker.problem {
        BlockerKind::AddressTaken { holder, .. } => Some(holder.guid),
        _ => None,
    })
}

#[tokio::test]
async fn an_address_of_another_object_is_in_the_way() {
    for (attribute, value) in [
        ("mail", "anna@contoso.com"),
        ("mail", "Anna@Contoso.com "),
        ("proxyAddresses", "SMTP:anna@contoso.com"),
        ("proxyAddresses", "smtp:ANNA@contoso.com"),
    ] {
        for is_user in [true, false] {
            let world = plain();
            add(&world, "anna", Some("anna@corp.local"));
            let other = if is_user { add(&world, "boss", Some("boss@corp.local")) } else { group(&world) };
            set(&world, &other, attribute, &[value]);
            let plan = plan_users(&world, "only = ['anna']").await;
            assert_eq!(address_holder(&plan), Some(other), "{attribute} {value}: {:?}", plan.blockers());
            let mapped = plan_users(&world, "only = ['anna']\n[users.map]\nanna = 'a@contoso.com'").await;
            assert_eq!(renamed(&mapped), ["a@contoso.com"]);
            // Her own address is not in the way.
            set(&world, &other, attribute, &[]);
            let anna = world.forest.find_account("anna").unwrap();
            set(&world, &anna, attribute, &[value]);
            assert_eq!(renamed(&plan_users(&world, "only = ['anna']").await), ["anna@contoso.com"]);
        }
    }
}

#[tokio::test]
async fn other_kinds_of_address_are_not_in_the_way() {
    let world = plain();
    add(&world, "anna", Some("anna@corp.local"));
    let other = add(&world, "boss", Some("boss@corp.local"));
    set(
        &world,
        &other,
        "proxyAddresses",
        &["x500:anna@contoso.com", "anna@contoso.com", "smtp:anna@contoso.com.au"],
    );
    assert_eq!(renamed(&plan_users(&world, "only = ['anna']").await), ["anna@contoso.com"]);
}

#[tokio::test]
async fn an_address_is_found_among_many_as_among_few() {
    let world = plain();
    for number in 0..60 {
        add(&world, &format!("user{number}"), Some(&format!("user{number}@corp.local")));
    }
    let group = group(&world);
    set(&world, &group, "proxyAddresses", &["SMTP:list@contoso.com", "smtp:user17@contoso.com"]);
    let plan = plan_users(&world, "").await;
    assert_eq!(renamed(&plan).len(), 59);
    assert_eq!(address_holder(&plan), Some(group));
}

#[tokio::test]
async fn who_has_the_name_already_is_judged_by_the_same_rules() {
    let world = build(|forest| forest.domain("contoso.com"), crate::small::verified);
    let anna = add(&world, "areed", Some("anna@contoso.com"));
    assert!(plan_users(&world, "only = ['areed']").await.blockers().is_empty());
    // Another one has it as address.
    let other = add(&world, "boss", Some("boss@contoso.com"));
    set(&world, &other, "proxyAddresses", &["smtp:anna@contoso.com"]);
    let plan = plan_users(&world, "only = ['areed']").await;
    assert_eq!(address_holder(&plan), Some(other), "{:?}", plan.blockers());
    set(&world, &other, "proxyAddresses", &[]);
    // Another one has it as UPN, written or implied.
    set(&world, &other, "userPrincipalName", &["Anna@contoso.com"]);
    let plan = plan_users(&world, "only = ['areed']").await;
    assert!(
        matches!(&blocked(&plan)[0].problem, BlockerKind::Shared { holder, .. } if holder.guid == other),
        "{:?}",
        plan.blockers()
    );
    set(&world, &other, "userPrincipalName", &["boss@contoso.com"]);
    let implied = add(&world, "anna", Some("third@contoso.com"));
    let plan = plan_users(&world, "only = ['areed']").await;
    assert!(
        matches!(&blocked(&plan)[0].problem, BlockerKind::Taken { holder, implied: true, .. } if holder.guid == implied),
        "{:?}",
        plan.blockers()
    );
    assert_eq!(blocked(&plan)[0].user.as_ref().unwrap().guid, anna);
}

#[tokio::test]
async fn of_users_who_have_one_name_each_is_told() {
    let world = plain();
    let guids: Vec<_> = ["one", "two", "three"]
        .iter()
        .map(|account| add(&world, account, Some("same@contoso.com")))
        .collect();
    let plan = plan_users(&world, "").await;
    for guid in guids {
        assert!(
            blocked(&plan).iter().any(|b| b.user.as_ref().unwrap().guid == guid),
            "{:?}",
            plan.blockers()
        );
    }
    // One of them selected: the others are named all the same.
    let plan = plan_users(&world, "only = ['one']").await;
    assert!(matches!(blocked(&plan)[0].problem, BlockerKind::Shared { .. }));
}

#[tokio::test]
async fn only_a_user_that_is_gone_meanwhile_shares_its_name_with_nobody() {
    let world = plain();
    for account in ["one", "two"] {
        add(&world, account, Some("same@contoso.com"));
    }
    let spec = spec(&users("only = ['one']"));
    let onramp = |kind| world.onramp_over(with_lost_users(world.forest.forest(), kind));
    let survey = onramp(ErrorKind::NotFound).survey(&spec).await.unwrap();
    assert!(survey.users.shared.is_empty(), "{:?}", survey.users.shared);
    let error = onramp(ErrorKind::Unavailable).survey(&spec).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
}
