//! Changes of any attributes of any object: the effects of server and network.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt, stream};
use onramp_core::forest::{
    AttributeChange, AttributeValue, ForestUser, ObjectChange, ObjectChanged, ObjectWriter, UpnChange,
};
use onramp_core::{AttributeName, Clock, ErrorKind};
use onramp_lab::forest::{Fault, LabForest, Operation, Overload};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::lab::{Lab, people};

const NAME: AttributeName = AttributeName::from_static("displayName");

fn rename(user: &ForestUser, before: Option<&str>, after: &str) -> ObjectChange {
    let (before, after) = (before.map(AttributeValue::text), Some(AttributeValue::text(after)));
    ObjectChange::new(user.guid, user.dn.clone()).with(AttributeChange::replace(NAME, before, after))
}

fn renames(users: &[ForestUser]) -> Vec<ObjectChange> {
    let change = |(at, user): (usize, &ForestUser)| {
        rename(user, user.display_name.as_deref(), &format!("renamed {at}"))
    };
    users.iter().enumerate().map(change).collect()
}

#[tokio::test]
async fn what_a_change_meets_is_told_apart() {
    let lab = Lab::small().await;
    let forest = lab.connect().await.forest();
    let user = people(forest.users.as_ref(), 1).await.remove(0);
    let writer = &forest.object_writer;
    let change = |after: &str| rename(&user, user.display_name.as_deref(), after);

    lab.model.inject(Operation::Modify, Fault::Referral, 1);
    let error = writer.change(&change("elsewhere")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    assert!(error.to_string().contains("elsewhere.example"), "where it refers to is told: {error}");

    let odd = AttributeName::parse("onrampNoSuchAttribute").unwrap();
    let value = Some(AttributeValue::text("x"));
    let unknown =
        ObjectChange::new(user.guid, user.dn.clone()).with(AttributeChange::replace(odd, None, value));
    let error = writer.change(&unknown).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    assert!(error.to_string().contains("schema"), "{error}");

    let two = vec![AttributeValue::text("one"), AttributeValue::text("two")];
    let several =
        ObjectChange::new(user.guid, user.dn.clone()).with(AttributeChange::edit(NAME, vec![], two));
    let error = writer.change(&several).await.unwrap_err();
    assert!(error.is_stale(), "a single-valued attribute takes no second value: {error}");
    assert!(error.to_string().contains(user.display_name.as_deref().unwrap()), "{error}");

    let long = writer.change(&change(&"x".repeat(5000))).await.unwrap_err();
    assert_eq!((long.kind(), long.reply().ldap_code), (ErrorKind::Invalid, Some(21)), "{long}");

    lab.model.inject(Operation::Modify, Fault::LostReply, 1);
    assert_eq!(writer.change(&change("found")).await.unwrap(), ObjectChanged::FoundChanged);
    assert_eq!(writer.change(&change("found")).await.unwrap(), ObjectChanged::Unchanged);
}

#[tokio::test]
async fn who_has_a_name_that_is_taken_is_told() {
    let lab = Lab::small().await;
    let forest = lab.connect().await.forest();
    let people = people(forest.users.as_ref(), 2).await;
    let [one, other] = people.as_slice() else { panic!("two") };
    let change = |after: String| UpnChange {
        guid: one.guid,
        dn: one.dn.clone(),
        before: one.upn.clone(),
        after: after.parse().unwrap(),
    };
    let taken = forest
        .object_writer
        .change(&change(other.upn.clone().unwrap().to_uppercase()).into())
        .await
        .unwrap_err();
    assert!(taken.is_already_exists() && taken.to_string().contains(other.dn.as_str()), "{taken}");
    // The name that an account's sAMAccountName implies is taken too.
    let implied = format!("{}@{}", other.sam_account_name, lab.model.domain());
    if other.upn.as_deref() != Some(implied.as_str()) {
        let taken = forest.object_writer.change(&change(implied).into()).await.unwrap_err();
        assert!(taken.is_already_exists() && taken.to_string().contains(other.dn.as_str()), "{taken}");
    }
}

#[tokio::test]
async fn no_more_changes_begin_in_a_second_than_are_allowed() {
    let lab = Lab::start(LabForest::builder().users(130)).await;
    let client = lab.builder().changes_per_second(20.0).connect().await.unwrap();
    let forest = client.forest();
    let people = people(forest.users.as_ref(), 100).await;
    let before = lab.clock.elapsed();
    let outcomes: Vec<_> =
        forest.object_writer.change_all(stream::iter(renames(&people)).boxed()).collect().await;
    assert!(outcomes.iter().all(|outcome| outcome.result.is_ok()), "{outcomes:?}");
    // The first begins at once, each of the others a twentieth of a second later.
    assert!(lab.clock.elapsed() - before >= Duration::from_millis(99 * 50));
    let refused = lab.builder().changes_per_second(0.0).build().unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Invalid);
}

#[tokio::test]
async fn a_server_that_takes_few_at_a_time_gets_few() {
    let lab = Lab::start(LabForest::builder().users(420)).await;
    let client = lab.connect().await;
    let forest = client.forest();
    let people = people(forest.users.as_ref(), 400).await;
    assert!(client.write_loads().is_empty(), "nothing was written yet");
    lab.model.set_write_capacity(Some((3, Overload::Busy)));
    lab.model.set_latency(Duration::from_millis(1));
    let outcomes: Vec<_> =
        forest.object_writer.change_all(stream::iter(renames(&people)).boxed()).collect().await;
    assert_eq!(outcomes.len(), people.len());
    for outcome in outcomes {
        assert_eq!(outcome.result.unwrap(), ObjectChanged::Changed);
    }
    let loads = client.write_loads();
    let [load] = loads.as_slice() else { panic!("one server: {loads:?}") };
    assert_eq!((load.server.as_str(), load.answered), (lab.host(0), 400));
    assert_eq!((load.in_flight, load.waiting), (0, 0));
    assert!(load.throttled > 0 && load.limit < 16, "{load}");
}

#[tokio::test]
async fn slow_answers_are_waited_for() {
    let lab = Lab::start(LabForest::builder().users(60)).await;
    let forest = lab.connect().await.forest();
    let people = people(forest.users.as_ref(), 40).await;
    lab.model.set_write_capacity(Some((4, Overload::Slower)));
    lab.model.set_latency(Duration::from_millis(20));
    lab.model.inject_after(10, Operation::Modify, Fault::Slow(Duration::from_secs(5)), 3);
    let outcomes: Vec<_> =
        forest.object_writer.change_all(stream::iter(renames(&people)).boxed()).collect().await;
    assert_eq!(outcomes.len(), people.len());
    assert!(outcomes.iter().all(|outcome| outcome.result.is_ok()), "{outcomes:?}");
}

/// The changes of two concurrent writers, and the injected faults.
#[derive(Debug, Clone)]
struct Race {
    objects: usize,
    /// The object of each change of the first writer, in order.
    single: Vec<usize>,
    /// The number of changes of each object in the stream of the second writer.
    rounds: usize,
    faults: Vec<(u64, Fault)>,
}

fn races() -> impl Strategy<Value = Race> {
    let fault = prop_oneof![
        3 => Just(Fault::LostReply),
        2 => Just(Fault::LostRequest),
        1 => Just(Fault::Busy),
        1 => Just(Fault::AdminLimit),
        1 => Just(Fault::Unavailable),
    ];
    (
        1..5_usize,
        proptest::collection::vec(0..5_usize, 0..12),
        1..4_usize,
        proptest::collection::vec((0..8_u64, fault), 0..5),
    )
        .prop_map(|(objects, single, rounds, faults)| Race {
            objects,
            single: single.into_iter().map(|at| at % objects).collect(),
            rounds,
            faults,
        })
}

/// Two writers change the same objects while answers get lost. Every value is written at most once, so that
/// the values tell what happened: there is one chain from the first to the last value of each object.
#[test]
fn two_writers_overwrite_nothing_blindly_and_every_change_is_accounted_for() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let (lab, users) = runtime.block_on(async {
        let lab = Lab::small().await;
        let users = people(lab.connect().await.forest().users.as_ref(), 5).await;
        (lab, users)
    });
    let case = std::cell::Cell::new(0);
    let mut runner = TestRunner::new(Config { cases: 24, failure_persistence: None, ..Config::default() });
    runner
        .run(&races(), |race| {
            case.set(case.get() + 1);
            runtime.block_on(run_race(&lab, &users, &race, case.get()))
        })
        .unwrap();
}

async fn run_race(lab: &Lab, users: &[ForestUser], race: &Race, case: u32) -> Result<(), TestCaseError> {
    let now = |user: &ForestUser| {
        lab.model.values_on(lab.host(0), &user.guid, "displayName").unwrap().into_iter().next()
    };
    let users = &users[..race.objects];
    let first: Vec<Option<String>> = users.iter().map(now).collect();
    let (one, two) = (lab.connect().await.forest(), lab.connect().await.forest());
    for (after, fault) in &race.faults {
        lab.model.inject_after(*after, Operation::Modify, *fault, 1);
    }

    let streamed = async {
        let mut changes = Vec::new();
        for round in 0..race.rounds {
            for (at, user) in users.iter().enumerate() {
                let before = match round {
                    0 => first[at].clone(),
                    _ => Some(format!("{case}: streamed {at} {}", round - 1)),
                };
                changes.push(rename(user, before.as_deref(), &format!("{case}: streamed {at} {round}")));
            }
        }
        let total = changes.len();
        let outcomes: Vec<_> = one.object_writer.change_all(stream::iter(changes).boxed()).collect().await;
        assert_eq!(outcomes.len(), total, "one outcome for each change");
        outcomes.into_iter().map(|outcome| (outcome.change, outcome.result)).collect::<Vec<_>>()
    };
    let single = async {
        let mut outcomes = Vec::new();
        for (step, at) in race.single.iter().enumerate() {
            let Ok(user) = two.users.get(&users[*at].guid).await else { continue };
            let change = rename(&user, user.display_name.as_deref(), &format!("{case}: single {step}"));
            let result = two.object_writer.change(&change).await;
            outcomes.push((change, result));
        }
        outcomes
    };
    let (mut outcomes, others) = futures_util::join!(streamed, single);
    outcomes.extend(others);
    lab.model.clear_faults();

    for (user, first) in users.iter().zip(first) {
        // The written values by the value that each replaced: two for one would be a value overwritten
        // blindly.
        let mut written: BTreeMap<Option<String>, String> = BTreeMap::new();
        let mut unknown: BTreeMap<Option<String>, BTreeSet<String>> = BTreeMap::new();
        for (change, result) in outcomes.iter().filter(|(change, _)| change.guid == user.guid) {
            let text = |values: &[AttributeValue]| values.first().map(ToString::to_string);
            let (before, after) =
                (text(&change.attributes[0].remove), text(&change.attributes[0].add).unwrap());
            match result {
                Ok(changed) => {
                    prop_assert!(changed.is_written(), "{after} is new: {changed:?}");
                    let twice = written.insert(before.clone(), after);
                    prop_assert_eq!(twice, None, "{:?} was replaced twice", before);
                }
                Err(error) if error.kind() == ErrorKind::OutcomeUnknown => {
                    unknown.entry(before).or_default().insert(after);
                }
                Err(error) => prop_assert!(error.is_stale() || error.is_transient(), "{error}"),
            }
        }
        let held = now(user);
        let mut at = first;
        while at != held || !written.is_empty() {
            // A change with an unknown outcome must have happened if its value was replaced.
            let candidates = unknown.remove(&at).unwrap_or_default();
            let unknown =
                candidates.into_iter().map(Some).find(|after| written.contains_key(after) || held == *after);
            let next = written.remove(&at).map(Some).or(unknown);
            prop_assert!(next.is_some(), "{at:?} was replaced, nobody says by what: {held:?}; {written:?}");
            at = next.flatten();
        }
    }
    Ok(())
}

/// The ports are used from several tasks.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn streams_of_several_tasks_share_the_window() {
    let lab = Lab::start(LabForest::builder().users(130)).await;
    let client = lab.builder().max_in_flight(4).connect().await.unwrap();
    let forest = client.forest();
    let people = people(forest.users.as_ref(), 100).await;
    let (left, right) = people.split_at(50);
    let stream = |users: &[ForestUser]| {
        let writer: Arc<dyn ObjectWriter> = forest.object_writer.clone();
        let changes = renames(users);
        tokio::spawn(async move {
            writer
                .change_all(stream::iter(changes).boxed())
                .all(|outcome| async move { outcome.result.is_ok() })
                .await
        })
    };
    let (left, right) = (stream(left), stream(right));
    assert!(left.await.unwrap() && right.await.unwrap());
    let load = client.write_loads().remove(0);
    assert_eq!((load.answered, load.limit, load.pause), (100, 4, Duration::ZERO), "{load}");
    assert!(forest.users.get(&people[0].guid).await.unwrap().display_name.unwrap().starts_with("renamed"));
}
