//! The suite of [`ForestUsers`].

use futures_util::{StreamExt, TryStreamExt};

use super::nobody::NOBODY;
use crate::conformance::{ForestFixture, done, expect_kind};
use crate::forest::{AccountKind, ForestUser, ForestUsers, UserQuery};
use crate::{AttributeName, ErrorKind, LdapFilter};

/// Everything that [`ForestUsers`] promises.
///
/// # Panics
/// Also when the fixture has no user.
pub async fn run(port: &dyn ForestUsers, fixture: &ForestFixture) {
    expect_kind(port.get(&NOBODY).await, ErrorKind::NotFound, "reading an unknown user");
    let mut users = Vec::new();
    for guid in &fixture.users {
        let user = done(port.get(guid).await, "reading a user of the fixture");
        assert_eq!(user.guid, *guid);
        users.push(user);
    }
    searching(port, users.first().expect("a fixture has users")).await;
    holders(port, &users).await;
}

async fn searching(port: &dyn ForestUsers, first: &ForestUser) {
    let everybody: Vec<ForestUser> =
        done(port.search(UserQuery::all()).try_collect().await, "reading all users");
    assert_eq!(everybody.iter().filter(|user| user.guid == first.guid).count(), 1, "every user comes once");
    for user in &everybody {
        assert_ne!(user.kind, AccountKind::Computer, "computers are not users here: {}", user.dn);
    }
    assert!(everybody.contains(first), "a search and a single read agree on {:?}", first);

    let parent = first.dn.parent().expect("a user stands somewhere");
    let by_name = LdapFilter::equal(&AttributeName::from_static("sAMAccountName"), &first.sam_account_name);
    let below = UserQuery::below(parent.clone());
    let nearby: Vec<ForestUser> =
        done(port.search(below.clone()).try_collect().await, "reading the users of an OU");
    let expected = everybody.iter().filter(|user| user.dn.is_within(&parent)).count();
    assert_eq!(nearby.len(), expected, "a base gives all at and below it, and no other");
    assert!(nearby.iter().all(|user| user.dn.is_within(&parent)));
    let found: Vec<ForestUser> =
        done(port.search(below.with_filter(by_name)).try_collect().await, "filtering");
    assert_eq!(found, std::slice::from_ref(first), "the filter narrows it to one");

    let nowhere = UserQuery::below(parent.child("OU", "onramp conformance: no such place"));
    let mut stream = port.search(nowhere);
    let failure = stream.next().await.expect("an unknown base is an error");
    expect_kind(failure, ErrorKind::NotFound, "searching below an unknown base");
    assert!(stream.next().await.is_none(), "the stream ends after its first error");
    drop(port.search(UserQuery::all()).next().await); // dropping a stream early is fine
}

async fn holders(port: &dyn ForestUsers, users: &[ForestUser]) {
    let holders: Vec<_> = done(port.upn_owners().try_collect().await, "reading all principals with names");
    for user in users {
        let mine: Vec<_> = holders.iter().filter(|holder| holder.guid == user.guid).collect();
        let [holder] = mine.as_slice() else { panic!("{} comes once: {mine:?}", user.dn) };
        assert_eq!((&holder.upn, &holder.sam_account_name), (&user.upn, &user.sam_account_name));
    }
    let nameless = holders.iter().find(|holder| holder.upn.is_none() && holder.sam_account_name.is_empty());
    assert!(nameless.is_none(), "every holder holds a name: {nameless:?}");
}
