//! Paged reads of users.

use std::collections::BTreeSet;

use futures_util::{StreamExt, TryStreamExt};
use onramp_core::forest::{ForestUser, UpnOwner, UserQuery};
use onramp_core::{ErrorKind, LdapFilter};
use onramp_lab::forest::{Fault, LabForest, Operation};

use crate::lab::{Lab, people};

#[tokio::test]
async fn every_user_comes_once_whatever_the_page_size() {
    let lab = Lab::start(LabForest::builder().users(2_500)).await;
    let model: Vec<ForestUser> =
        lab.model.forest().users.search(UserQuery::all()).try_collect().await.unwrap();
    let expected: BTreeSet<_> = model.iter().map(|user| user.guid).collect();
    for page_size in [7, 1_000, 5_000] {
        let client = lab.builder().page_size(page_size).connect().await.unwrap();
        let users = client.forest().users;
        let found: Vec<ForestUser> = users.search(UserQuery::all()).try_collect().await.unwrap();
        assert_eq!(found.len(), model.len(), "pages of {page_size}");
        assert_eq!(found.iter().map(|user| user.guid).collect::<BTreeSet<_>>(), expected);
        let holders: Vec<UpnOwner> = users.upn_owners().try_collect().await.unwrap();
        assert!(holders.len() > found.len(), "computers and groups have names too");
    }
}

#[tokio::test]
async fn all_attributes_arrive_as_the_model_has_them() {
    let lab = Lab::small().await;
    let mut ours: Vec<ForestUser> =
        lab.connect().await.forest().users.search(UserQuery::all()).try_collect().await.unwrap();
    let mut theirs: Vec<ForestUser> =
        lab.model.forest().users.search(UserQuery::all()).try_collect().await.unwrap();
    ours.sort_by_key(|user| user.guid);
    theirs.sort_by_key(|user| user.guid);
    assert_eq!(ours, theirs);
    assert!(ours.iter().any(|user| !user.proxy_addresses.is_empty() && user.sid.is_some()));
}

#[tokio::test]
async fn an_unknown_ou_is_named() {
    let lab = Lab::small().await;
    let users = lab.connect().await.forest().users;
    let nowhere = lab.model.base().child("OU", "Nowhere, really");
    let mut found = users.search(UserQuery::below(nowhere.clone()));
    let error = found.next().await.unwrap().unwrap_err();
    assert!(error.is_not_found(), "{error}");
    assert_eq!(error.object(), Some(nowhere.as_str()));
    assert_eq!(error.reply().ldap_code, Some(32));
    assert!(found.next().await.is_none());
    let elsewhere = UserQuery::below("OU=Staff,DC=other,DC=example".parse().unwrap());
    let error = users.search(elsewhere).next().await.unwrap().unwrap_err();
    assert!(error.is_not_found() && error.to_string().contains("none of the forest's domains"), "{error}");
}

#[tokio::test]
async fn a_search_that_is_interrupted_goes_on_and_repeats_nothing() {
    let lab = Lab::start(LabForest::builder().users(300)).await;
    let users = lab.builder().page_size(10).connect().await.unwrap().forest().users;
    let expected: BTreeSet<_> = lab
        .model
        .forest()
        .users
        .search(UserQuery::all())
        .map_ok(|user| user.guid)
        .try_collect::<Vec<_>>()
        .await
        .unwrap()
        .into_iter()
        .collect();
    for fault in [Fault::LostRequest, Fault::LostReply, Fault::Unavailable, Fault::Busy] {
        for times in [1, 4] {
            // One search for the domains, nine pages; then it fails.
            lab.model.inject_after(10, Operation::Search, fault, times);
            let found: Vec<ForestUser> = users.search(UserQuery::all()).try_collect().await.unwrap();
            assert_eq!(found.len(), expected.len(), "{fault:?} {times} times");
            assert_eq!(found.into_iter().map(|user| user.guid).collect::<BTreeSet<_>>(), expected);
        }
    }
}

#[tokio::test]
async fn a_search_that_cannot_go_on_is_an_error_and_not_a_short_result() {
    let lab = Lab::start(LabForest::builder().users(100)).await;
    let users = lab.builder().page_size(10).connect().await.unwrap().forest().users;
    for fault in [Fault::LostRequest, Fault::LostReply, Fault::Unavailable] {
        // One search for the domains, two pages; then it fails.
        lab.model.inject_after(3, Operation::Search, fault, u64::MAX);
        let found: Vec<_> = users.search(UserQuery::all()).collect().await;
        lab.model.clear_faults();
        let (last, before) = found.split_last().unwrap();
        assert!(before.iter().all(Result::is_ok) && !before.is_empty() && before.len() < 100, "{fault:?}");
        let error = last.as_ref().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{fault:?}");
        assert!(error.to_string().contains(&format!("after {} objects", before.len())), "{error}");
    }
}

#[tokio::test]
async fn a_filter_narrows_the_search_by_text_and_by_bytes() {
    let lab = Lab::small().await;
    let users = lab.connect().await.forest().users;
    let user = people(users.as_ref(), 1).await.remove(0);
    let both = LdapFilter::equal(&"sAMAccountName".parse().unwrap(), &user.sam_account_name)
        .and(&LdapFilter::equal_bytes(&"objectGUID".parse().unwrap(), user.guid.as_bytes()));
    let found: Vec<ForestUser> =
        users.search(UserQuery::all().with_filter(both)).try_collect().await.unwrap();
    assert_eq!(found, [user]);
}

#[tokio::test]
async fn dropping_a_stream_early_leaves_the_connection_usable() {
    let lab = Lab::start(LabForest::builder().users(500)).await;
    let users = lab.builder().page_size(100).connect().await.unwrap().forest().users;
    for _ in 0..20 {
        let first: Vec<_> = users.search(UserQuery::all()).take(3).try_collect().await.unwrap();
        assert_eq!(first.len(), 3);
    }
    assert!(users.search(UserQuery::all()).count().await > 500 - 50);
}
