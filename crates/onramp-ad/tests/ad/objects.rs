//! Objects of any class: complete, each once, and errors that say what to do.

use std::collections::BTreeSet;

use futures_util::TryStreamExt;
use onramp_core::forest::{ForestObject, ObjectQuery, ObjectRef};
use onramp_core::{AttributeName, ErrorKind, LdapFilter, ObjectGuid, Upn};
use onramp_lab::forest::{Fault, LabForest, Operation};

use crate::lab::{Lab, people};

const MEMBER: AttributeName = AttributeName::from_static("member");
const CN: AttributeName = AttributeName::from_static("cn");

async fn all(lab: &Lab, page_size: u32, query: ObjectQuery) -> onramp_core::Result<Vec<ForestObject>> {
    let client = lab.builder().page_size(page_size).connect().await.unwrap();
    client.forest().objects.search(query).try_collect().await
}

fn guids(objects: &[ForestObject]) -> BTreeSet<ObjectGuid> {
    objects.iter().map(|object| object.guid).collect()
}

#[tokio::test]
async fn an_attribute_with_thousands_of_values_is_read_to_its_end() {
    let lab = Lab::start(LabForest::builder().users(3_400)).await;
    let users = people(lab.model.forest().users.as_ref(), 3_200).await;
    let members: Vec<&str> = users.iter().map(|user| user.dn.as_str()).collect();
    let group = lab.model.find_account("Domain Users").unwrap();
    lab.model.set_on(lab.host(0), &group, "member", &members).unwrap();
    let expected: BTreeSet<&str> = members.iter().copied().collect();
    let query = ObjectQuery::all([MEMBER]).with_filter(LdapFilter::present(&MEMBER));
    let found = all(&lab, 1_000, query).await.unwrap();
    let searched = found.iter().find(|object| object.guid == group).unwrap();
    let single = lab.connect().await.forest().objects.get(&ObjectRef::Guid(group), &[MEMBER]).await.unwrap();
    for object in [searched, &single] {
        let values: Vec<&str> = object.values(&MEMBER).iter().filter_map(|value| value.as_text()).collect();
        assert_eq!(values.len(), 3_200);
        assert_eq!(values.into_iter().collect::<BTreeSet<_>>(), expected);
    }
}

#[tokio::test]
async fn duplicates_are_an_error_that_names_them() {
    let lab = Lab::small().await;
    let client = lab.connect().await;
    let users = people(client.forest().users.as_ref(), 2).await;
    let upn = users[0].upn.clone().unwrap();
    // Two domain controllers can let this happen.
    lab.model.set_on(lab.host(0), &users[1].guid, "userPrincipalName", &[&upn]).unwrap();
    let wanted = ObjectRef::Upn(Upn::parse(&upn).unwrap());
    for objects in [client.forest().objects, lab.model.forest().objects] {
        let error = objects.get(&wanted, &[]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        let text = error.to_string();
        assert!(users.iter().all(|user| text.contains(user.dn.as_str())), "{text}");
    }
}

#[tokio::test]
async fn a_cookie_that_the_server_forgot_loses_and_repeats_nothing() {
    let lab = Lab::start(LabForest::builder().users(700)).await;
    let expected = all(&lab, 1_000, ObjectQuery::all([CN])).await.unwrap();
    for (after, times) in [(5, 1), (12, 3), (4, 200), (0, 40)] {
        lab.model.inject_after(after, Operation::Search, Fault::ForgottenCookies, times);
        let found = all(&lab, 20, ObjectQuery::all([CN])).await.unwrap();
        lab.model.clear_faults();
        assert_eq!(found.len(), expected.len(), "after {after}, {times} times");
        assert_eq!(guids(&found), guids(&expected));
        assert!(found.iter().all(|object| object.attributes.len() <= 1), "nothing that nobody asked for");
    }
}

#[tokio::test]
async fn a_limit_of_the_server_is_got_around_by_asking_for_less() {
    let lab = Lab::start(LabForest::builder().users(300)).await;
    let expected = all(&lab, 1_000, ObjectQuery::all([CN])).await.unwrap();
    for fault in [Fault::TimeLimit, Fault::SizeLimit, Fault::AdminLimit] {
        lab.model.inject_after(6, Operation::Search, fault, 3);
        let found = all(&lab, 50, ObjectQuery::all([CN])).await.unwrap();
        lab.model.clear_faults();
        assert_eq!(found.len(), expected.len(), "{fault:?}");
        assert_eq!(guids(&found), guids(&expected), "{fault:?}");
    }
}

#[tokio::test]
async fn a_limit_that_stays_is_explained_with_what_was_received() {
    let lab = Lab::start(LabForest::builder().users(300)).await;
    for (fault, code, says) in [
        (Fault::TimeLimit, 3, "MaxQueryDuration"),
        (Fault::SizeLimit, 4, "MaxPageSize"),
        (Fault::AdminLimit, 11, "administrative limit"),
        (Fault::Referral, 10, "refers to ldap://elsewhere."),
    ] {
        lab.model.inject_after(6, Operation::Search, fault, u64::MAX);
        let client = lab.builder().page_size(50).connect().await.unwrap();
        let mut found = client.forest().objects.search(ObjectQuery::all([CN]));
        let mut received = 0;
        let error = loop {
            match found.try_next().await {
                Ok(object) => received += usize::from(object.is_some()),
                Err(error) => break error,
            }
            assert!(received < 300, "{fault:?}: a short result is none");
        };
        lab.model.clear_faults();
        let text = error.to_string();
        assert_eq!(error.reply().ldap_code, Some(code), "{text}");
        assert!(
            received > 0 && text.contains(says) && text.contains(&format!("after {received} objects")),
            "{text}"
        );
        assert!(error.hint().is_some(), "{text}");
    }
}

#[tokio::test]
async fn deleted_objects_come_on_request() {
    let lab = Lab::small().await;
    let user = people(lab.model.forest().users.as_ref(), 1).await.remove(0);
    lab.model.delete(&user.guid).unwrap();
    let by_guid = LdapFilter::equal_bytes(&AttributeName::from_static("objectGUID"), user.guid.as_bytes());
    let parent = AttributeName::from_static("lastKnownParent");
    let query = ObjectQuery::all([parent.clone()]).with_filter(by_guid);
    assert!(all(&lab, 10, query.clone()).await.unwrap().is_empty());
    let found = all(&lab, 10, query.with_deleted()).await.unwrap();
    let [deleted] = found.as_slice() else { panic!("{found:?}") };
    assert!(deleted.dn.is_within(&lab.model.base().child("CN", "Deleted Objects")), "{deleted:?}");
    assert_eq!(deleted.text(&parent), user.dn.parent().as_ref().map(|dn| dn.as_str()));
}

#[tokio::test]
async fn the_configuration_is_read_like_a_domain() {
    let lab = Lab::small().await;
    let sites = lab.model.base().child("CN", "Configuration").child("CN", "Sites");
    let server = LdapFilter::parse("(objectClass=server)").unwrap();
    let found = all(&lab, 10, ObjectQuery::all([CN]).below(sites).with_filter(server)).await.unwrap();
    assert_eq!(found.iter().map(|object| object.text(&CN)).collect::<Vec<_>>(), [Some("DC1")]);
}
