//! Subscriptions by name and by ID.

use onramp::{BlockerKind, Change, Plan};
use onramp_core::ObjectId;
use onramp_core::tenant::SubscriptionState;
use onramp_lab::tenant::LabSubscription;

use crate::small::{build, fatal, ids, verified};
use crate::world::{World, spec};

fn id(number: u128) -> ObjectId {
    ObjectId::from_u128(number)
}

fn world(subscriptions: impl IntoIterator<Item = LabSubscription>) -> World {
    build(
        |forest| forest,
        |tenant| subscriptions.into_iter().fold(verified(tenant), |tenant, one| tenant.subscription(one)),
    )
}

async fn wish(world: &World, wishes: &[(&str, &str)]) -> Plan {
    let list: Vec<String> =
        wishes.iter().map(|(name, role)| format!("{{ subscription = '{name}', role = '{role}' }}")).collect();
    let list = list.join(", ");
    let text = format!(
        "domain = 'contoso.com'\n[service_account]\nupn = 'sync@contoso.com'\nsubscriptions = [{list}]\n"
    );
    world.plan(&spec(&text)).await
}

fn granted(plan: &Plan) -> Vec<ObjectId> {
    let all = plan.changes().iter().filter_map(|planned| match &planned.change {
        Change::AssignSubscriptionRole { subscription, .. } => Some(*subscription),
        _ => None,
    });
    all.collect()
}

#[tokio::test]
async fn a_name_of_two_is_a_blocker_with_both_ids() {
    for (state, word) in [
        (SubscriptionState::Enabled, "enabled"),
        (SubscriptionState::Warned, "warned"),
        (SubscriptionState::PastDue, "past due"),
        (SubscriptionState::Disabled, "disabled"),
        (SubscriptionState::Deleted, "deleted"),
    ] {
        let world = world([
            LabSubscription::new("Pay-As-You-Go").with_id(id(1)).with_state(state),
            LabSubscription::new("pay-as-you-go").with_id(id(2)),
        ]);
        let plan = wish(&world, &[("PAY-as-you-go", "Owner")]).await;
        let BlockerKind::AmbiguousSubscription { ids: named, .. } = &plan.blockers()[0].problem else {
            panic!("{:?}", plan.blockers())
        };
        assert_eq!(*named, [format!("{} ({word})", id(1)), format!("{} (enabled)", id(2))]);
        assert!(granted(&plan).is_empty());
        let plan = wish(&world, &[(&id(2).to_string(), "Owner")]).await;
        assert_eq!(granted(&plan), [id(2)]);
        assert!(
            ids(&plan).contains(&format!("subscription-access-granted:sync@contoso.com:{}:owner", id(2)))
        );
    }
}

#[tokio::test]
async fn an_id_beats_a_name() {
    let world = world([
        LabSubscription::new(id(2).to_string()).with_id(id(1)),
        LabSubscription::new("Production").with_id(id(2)),
    ]);
    let plan = wish(&world, &[(&id(2).to_string().to_uppercase(), "Reader")]).await;
    assert_eq!(granted(&plan), [id(2)]);
}

#[tokio::test]
async fn an_id_is_understood_as_operators_write_it() {
    let world = world([LabSubscription::new("Production").with_id(id(2))]);
    for name in [
        format!("{{{}}}", id(2)),
        format!("/subscriptions/{}", id(2)),
        format!(" {} ", id(2)),
        " production ".into(),
    ] {
        let plan = wish(&world, &[(&name, "Reader")]).await;
        assert_eq!(granted(&plan), [id(2)], "{name}");
    }
}

#[tokio::test]
async fn the_same_one_twice_is_once() {
    let world = world([LabSubscription::new("Production").with_id(id(2))]);
    let text = id(2).to_string();
    let plan = wish(&world, &[("Production", "Reader"), (&text, "Reader"), ("production", "Reader")]).await;
    assert_eq!(granted(&plan), [id(2)]);
    plan.clone().approve(ids(&plan)).unwrap();
    let plan = wish(&world, &[("Production", "Reader"), (&text, "Contributor")]).await;
    assert_eq!(granted(&plan), [id(2), id(2)], "two roles are two");
    let plan = wish(&world, &[("Prodution", "Reader"), ("Prodution", "Reader")]).await;
    assert_eq!(fatal(&plan).len(), 1, "{:?}", fatal(&plan));
    assert!(fatal(&plan)[0].contains("Production"), "{:?}", fatal(&plan));
}

#[tokio::test]
async fn one_that_takes_no_changes_is_a_blocker() {
    for (state, blocks) in [
        (SubscriptionState::Enabled, false),
        (SubscriptionState::Warned, false),
        (SubscriptionState::PastDue, false),
        (SubscriptionState::Disabled, true),
        (SubscriptionState::Deleted, true),
    ] {
        let world = world([LabSubscription::new("Production").with_id(id(2)).with_state(state.clone())]);
        let plan = wish(&world, &[("Production", "Contributor")]).await;
        let blocked =
            plan.blockers().iter().any(|b| matches!(b.problem, BlockerKind::SubscriptionDisabled { .. }));
        // One that was deleted need not be visible at all.
        assert_eq!(blocked || plan.is_blocked(), blocks, "{state:?}: {:?}", plan.blockers());
        assert_eq!(granted(&plan).is_empty(), blocks);
    }
}
