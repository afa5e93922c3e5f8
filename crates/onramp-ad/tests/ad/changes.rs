//! Change tracking.

use std::collections::BTreeSet;

use futures_util::TryStreamExt;
use onramp_ad::{AdClient, ChangeCursor, DirectoryChange, DirectoryChangeQuery};
use onramp_core::forest::{ForestObject, ForestUser};
use onramp_core::{AttributeName, ErrorKind, LdapFilter, ObjectGuid};
use onramp_lab::forest::{Fault, LabForest, Operation};

use crate::lab::{Lab, people};

const MAIL: AttributeName = AttributeName::from_static("mail");
const TITLE: AttributeName = AttributeName::from_static("title");

/// The items of a reader, up to its last checkpoint.
#[derive(Debug, Default)]
struct Told {
    restarted: Option<String>,
    objects: Vec<ForestObject>,
    deleted: Vec<ObjectGuid>,
    cursor: Option<ChangeCursor>,
}

async fn told(client: &AdClient, query: &DirectoryChangeQuery, since: Option<ChangeCursor>) -> Told {
    let mut told = Told::default();
    let mut changes = client.changes(query.clone(), since);
    while let Some(change) = changes.try_next().await.unwrap() {
        told.cursor = None;
        match change {
            DirectoryChange::Restarted { reason } => told.restarted = Some(reason),
            DirectoryChange::Object(object) => told.objects.push(object),
            DirectoryChange::Deleted { guid, .. } => told.deleted.push(guid),
            // Stored and read back, as a caller would.
            DirectoryChange::Checkpoint(cursor) => {
                let text = serde_json::to_string(&cursor).unwrap();
                told.cursor = Some(serde_json::from_str(&text).unwrap());
                assert_eq!(told.cursor, Some(cursor));
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(told.cursor.is_some(), "a checkpoint comes last");
    told
}

fn guids(told: &Told) -> Vec<ObjectGuid> {
    told.objects.iter().map(|object| object.guid).collect()
}

fn set(lab: &Lab, user: &ForestUser, attribute: &str, values: &[&str]) {
    lab.model.set_on(lab.host(0), &user.guid, attribute, values).unwrap();
}

fn users_of(lab: &Lab) -> DirectoryChangeQuery {
    let filter = LdapFilter::parse("(&(objectCategory=person)(objectClass=user))").unwrap();
    DirectoryChangeQuery::new(lab.model.base(), [MAIL]).with_filter(filter)
}

/// Both ways report the same, but the one by `uSNChanged` also reports changes of other attributes.
async fn follow(query: DirectoryChangeQuery, lab: &Lab) {
    let by_attribute = query.dir_sync;
    let client = lab.connect().await;
    let users = people(client.forest().users.as_ref(), 4).await;
    let first = told(&client, &query, None).await;
    let all: Vec<ForestUser> =
        client.forest().users.search(onramp_core::forest::UserQuery::all()).try_collect().await.unwrap();
    assert_eq!(first.objects.len(), all.len(), "without a cursor, everything comes once");
    assert_eq!(
        guids(&first).into_iter().collect::<BTreeSet<_>>(),
        all.iter().map(|user| user.guid).collect::<BTreeSet<_>>()
    );
    assert!(first.restarted.is_none());

    let none = told(&client, &query, first.cursor.clone()).await;
    assert!(none.objects.is_empty() && none.restarted.is_none(), "{none:?}");

    set(lab, &users[0], "mail", &["changed@corp.example"]);
    set(lab, &users[1], "mail", &[]);
    set(lab, &users[2], "title", &["Chief of Changes"]);
    let second = told(&client, &query, first.cursor.clone()).await;
    let object = |told: &Told, user: &ForestUser| told.objects.iter().find(|o| o.guid == user.guid).cloned();
    assert_eq!(object(&second, &users[0]).unwrap().text(&MAIL), Some("changed@corp.example"));
    let emptied = object(&second, &users[1]).expect("a value that is taken away is a change");
    assert!(emptied.attributes.is_empty());
    assert_eq!(object(&second, &users[2]).is_some(), !by_attribute, "only what was asked for");
    assert_eq!(second.objects.len(), if by_attribute { 2 } else { 3 }, "{second:?}");

    let again = told(&client, &query, none.cursor).await;
    assert_eq!(again.objects, second.objects, "a cursor that is used again tells again");
    let third = told(&client, &query, second.cursor).await;
    assert!(third.objects.is_empty() && third.deleted.is_empty(), "{third:?}");

    lab.model.delete(&users[3].guid).unwrap();
    lab.model.move_to(&users[0].guid, &lab.model.base().child("OU", "Service Accounts")).unwrap();
    let fourth = told(&client, &query, third.cursor.clone()).await;
    assert_eq!(fourth.deleted, if query.include_deleted { vec![users[3].guid] } else { vec![] });
    assert_eq!(guids(&fourth), [users[0].guid]);
    assert!(fourth.objects[0].dn.is_within(&lab.model.base().child("OU", "Service Accounts")));

    let mut other = query.clone();
    other.attributes = vec![MAIL, TITLE];
    let restarted = told(&client, &other, fourth.cursor).await;
    assert!(restarted.restarted.unwrap().contains("other objects or attributes"));
    assert_eq!(restarted.objects.len(), all.len() - 1);
}

#[tokio::test]
async fn changes_are_told_attribute_by_attribute_where_dir_sync_is_known() {
    let lab = Lab::small().await;
    follow(users_of(&lab).with_deleted(), &lab).await;
    let lab = Lab::small().await;
    follow(users_of(&lab), &lab).await;
}

#[tokio::test]
async fn changes_are_told_by_update_sequence_number_elsewhere() {
    let lab = Lab::small().await;
    follow(users_of(&lab).with_deleted().without_dir_sync(), &lab).await;
    let lab = Lab::small().await;
    follow(users_of(&lab).without_dir_sync(), &lab).await;
}

#[tokio::test]
async fn an_ordinary_account_may_follow_changes() {
    let lab = Lab::small().await;
    let login = lab.model.plain_user().unwrap();
    let client = lab.builder_as(&login, onramp_ad::LdapSecurity::Ldaps).connect().await.unwrap();
    let query = users_of(&lab);
    let first = told(&client, &query, None).await;
    let user = people(client.forest().users.as_ref(), 1).await.remove(0);
    set(&lab, &user, "mail", &["x@corp.example"]);
    assert_eq!(guids(&told(&client, &query, first.cursor).await), [user.guid]);
}

#[tokio::test]
async fn a_dir_sync_cursor_goes_on_at_another_controller_and_one_by_number_starts_anew() {
    let lab = Lab::start(LabForest::builder().users(30).controllers(2)).await;
    let one = lab.connect().await;
    let two = lab.builder_of(1).connect().await.unwrap();
    let users = people(one.forest().users.as_ref(), 2).await;
    for query in [users_of(&lab), users_of(&lab).without_dir_sync()] {
        let first = told(&one, &query, None).await;
        set(&lab, &users[0], "mail", &["one@corp.example"]);
        let (by_attribute, all) = (query.dir_sync, first.objects.len());
        let second = told(&two, &query, first.cursor).await;
        if by_attribute {
            assert_eq!((guids(&second), second.restarted), (vec![users[0].guid], None));
        } else {
            assert!(second.restarted.unwrap().contains("another domain controller"));
            assert_eq!(second.objects.len(), all);
        }
        set(&lab, &users[0], "mail", &["two@corp.example"]);
    }
}

#[tokio::test]
async fn many_changes_come_in_several_answers_and_an_interruption_repeats_little() {
    let lab = Lab::start(LabForest::builder().users(3_000)).await;
    let client = lab.connect().await;
    let query = users_of(&lab);
    let first = told(&client, &query, None).await;
    // An answer has about a megabyte.
    let long = format!("{}@corp.example", "m".repeat(600));
    let users = people(client.forest().users.as_ref(), 2_000).await;
    users.iter().for_each(|user| set(&lab, user, "mail", &[&long]));
    let mut changes = client.changes(query.clone(), first.cursor.clone());
    let (mut cursor, mut seen) = (first.cursor, BTreeSet::new());
    while let Some(change) = changes.try_next().await.unwrap() {
        match change {
            DirectoryChange::Object(object) => assert!(seen.insert(object.guid)),
            DirectoryChange::Checkpoint(next) => {
                cursor = Some(next);
                break;
            }
            other => panic!("{other:?}"),
        }
    }
    drop(changes);
    assert!(seen.len() > 100 && seen.len() < 2_000, "{}", seen.len());
    let rest = told(&client, &query, cursor).await;
    assert!(rest.objects.iter().all(|object| seen.insert(object.guid)), "a checkpoint is not told before");
    assert_eq!(seen, users.iter().map(|user| user.guid).collect());
}

#[tokio::test]
async fn a_cursor_that_is_not_accepted_starts_anew_and_one_of_another_context_too() {
    let lab = Lab::small().await;
    let client = lab.connect().await;
    let query = users_of(&lab);
    let first = told(&client, &query, None).await;
    let text = serde_json::to_string(&first.cursor).unwrap();
    let spoiled = text.replacen("\"dir-sync\":\"", "\"dir-sync\":\"00", 1);
    assert_ne!(text, spoiled);
    let spoiled: ChangeCursor = serde_json::from_str(&spoiled).unwrap();
    let again = told(&client, &query, Some(spoiled)).await;
    assert!(again.restarted.unwrap().contains("does not accept the cursor"));
    assert_eq!(again.objects.len(), first.objects.len());
    assert!(
        serde_json::from_str::<ChangeCursor>(&text.replacen("\"dir-sync\":\"", "\"dir-sync\":\"zz", 1))
            .is_err()
    );

    let elsewhere = DirectoryChangeQuery::new(lab.model.base().child("CN", "Configuration"), [MAIL]);
    let other = told(&client, &elsewhere, first.cursor).await;
    assert!(other.restarted.unwrap().contains("another naming context"));
    let nowhere = DirectoryChangeQuery::new(lab.model.base().child("OU", "Staff"), [MAIL]);
    let error = client.changes(nowhere, None).try_next().await.unwrap_err();
    assert!(error.is_not_found() && error.to_string().contains("naming context"), "{error}");
}

#[tokio::test]
async fn a_number_above_those_of_the_database_starts_anew() {
    let lab = Lab::small().await;
    let client = lab.connect().await;
    let query = users_of(&lab).without_dir_sync();
    let first = told(&client, &query, None).await;
    let mut later = serde_json::to_value(&first.cursor).unwrap();
    let highest = &mut later["position"]["usn"]["highest"];
    *highest = (highest.as_u64().unwrap() + 1).into();
    let again = told(&client, &query, Some(serde_json::from_value(later).unwrap())).await;
    assert!(again.restarted.unwrap().contains("restored from a copy"));
    assert_eq!(again.objects.len(), first.objects.len());
}

#[tokio::test]
async fn a_lost_answer_is_asked_for_again_and_a_lasting_failure_is_an_error() {
    let lab = Lab::small().await;
    let client = lab.connect().await;
    let query = users_of(&lab);
    let first = told(&client, &query, None).await;
    let user = people(client.forest().users.as_ref(), 1).await.remove(0);
    set(&lab, &user, "mail", &["x@corp.example"]);
    // The server is asked about itself by two searches; the third is DirSync.
    lab.model.inject_after(2, Operation::Search, Fault::LostReply, 1);
    assert_eq!(guids(&told(&client, &query, first.cursor.clone()).await), [user.guid]);
    lab.model.inject_after(2, Operation::Search, Fault::Unavailable, u64::MAX);
    let failed = client.changes(query, first.cursor).try_collect::<Vec<_>>().await.unwrap_err();
    assert_eq!(failed.kind(), ErrorKind::Unavailable, "{failed}");
}
