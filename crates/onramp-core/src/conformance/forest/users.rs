//! The suite of [`ForestUsers`].

use std::collections::BTreeMap;

use futures_util::{StreamExt, TryStreamExt, stream};

use super::NOBODY;
use crate::conformance::{ForestFixture, done, expect_kind};
use crate::forest::{AccountKind, ForestUser, ForestUsers, UpnChange, UpnChanged, UserQuery};
use crate::{AttributeName, ErrorKind, LdapFilter, ObjectGuid, Upn};

/// Everything that [`ForestUsers`] promises.
///
/// # Panics
/// Also when the fixture has fewer than two users, or one without a UPN.
pub async fn run(port: &dyn ForestUsers, fixture: &ForestFixture) {
    let users = subjects(port, fixture).await;
    let [first, second, ..] = users.as_slice() else { panic!("the fixture needs two users") };
    unknown_user(port, fixture).await;
    searching(port, first).await;
    holders(port, &users).await;

    swapping(port, fixture, first).await;
    staleness(port, fixture, first).await;
    collision(port, fixture, first, second).await;
    spelling(port, fixture, first).await;
    many_changes(port, fixture, &users).await;
    handing_over(port, fixture, first, second).await;
    restore(port, fixture, &users).await;
}

/// A user and the UPN it has to get back.
struct Subject {
    user: ForestUser,
    upn: Upn,
}

async fn subjects(port: &dyn ForestUsers, fixture: &ForestFixture) -> Vec<Subject> {
    let mut subjects = Vec::new();
    for guid in &fixture.users {
        let user = done(port.get(guid).await, "reading a user of the fixture");
        assert_eq!(user.guid, *guid);
        let upn = user.upn.as_deref().and_then(|upn| Upn::parse(upn).ok());
        let upn = upn.unwrap_or_else(|| panic!("{} needs a UPN to be of use here", user.dn));
        subjects.push(Subject { user, upn });
    }
    subjects
}

async fn unknown_user(port: &dyn ForestUsers, fixture: &ForestFixture) {
    expect_kind(port.get(&NOBODY).await, ErrorKind::NotFound, "reading an unknown user");
    let known = done(port.get(&fixture.users[0]).await, "reading a user");
    let after = Upn::new("conformance-nobody", &fixture.new_domain("users")).expect("a UPN");
    let change = UpnChange { guid: NOBODY, dn: known.dn, before: known.upn, after };
    expect_kind(port.change_upn(&change).await, ErrorKind::NotFound, "changing the UPN of an unknown user");
}

async fn searching(port: &dyn ForestUsers, first: &Subject) {
    let everybody: Vec<ForestUser> =
        done(port.search(UserQuery::all()).try_collect().await, "reading all users");
    assert_eq!(
        everybody.iter().filter(|user| user.guid == first.user.guid).count(),
        1,
        "every user comes once"
    );
    for user in &everybody {
        assert_ne!(user.kind, AccountKind::Computer, "computers are not users here: {}", user.dn);
    }
    assert!(everybody.contains(&first.user), "a search and a single read agree on {:?}", first.user);

    let parent = first.user.dn.parent().expect("a user stands somewhere");
    let by_name =
        LdapFilter::equal(&AttributeName::from_static("sAMAccountName"), &first.user.sam_account_name);
    let below = UserQuery::below(parent.clone());
    let nearby: Vec<ForestUser> =
        done(port.search(below.clone()).try_collect().await, "reading the users of an OU");
    let expected = everybody.iter().filter(|user| user.dn.is_within(&parent)).count();
    assert_eq!(nearby.len(), expected, "a base gives all at and below it, and no other");
    assert!(nearby.iter().all(|user| user.dn.is_within(&parent)));
    let found: Vec<ForestUser> =
        done(port.search(below.with_filter(by_name)).try_collect().await, "filtering");
    assert_eq!(found, std::slice::from_ref(&first.user), "the filter narrows it to one");

    let nowhere = UserQuery::below(parent.child("OU", "onramp conformance: no such place"));
    let mut stream = port.search(nowhere);
    let failure = stream.next().await.expect("an unknown base is an error");
    expect_kind(failure, ErrorKind::NotFound, "searching below an unknown base");
    assert!(stream.next().await.is_none(), "the stream ends after its first error");
    drop(port.search(UserQuery::all()).next().await); // dropping a stream early is fine
}

async fn holders(port: &dyn ForestUsers, users: &[Subject]) {
    let holders: Vec<_> = done(port.upn_owners().try_collect().await, "reading all principals with names");
    for Subject { user, .. } in users {
        let mine: Vec<_> = holders.iter().filter(|holder| holder.guid == user.guid).collect();
        let [holder] = mine.as_slice() else { panic!("{} comes once: {mine:?}", user.dn) };
        assert_eq!((&holder.upn, &holder.sam_account_name), (&user.upn, &user.sam_account_name));
    }
    let nameless = holders.iter().find(|holder| holder.upn.is_none() && holder.sam_account_name.is_empty());
    assert!(nameless.is_none(), "every holder holds a name: {nameless:?}");
}

async fn swapping(port: &dyn ForestUsers, fixture: &ForestFixture, subject: &Subject) {
    let change = change_of(port, fixture, subject, "swapped").await;
    let what = "changing a UPN changes it";
    assert_eq!(done(port.change_upn(&change).await, what), UpnChanged::Changed, "{what}");
    shows(port, fixture, &subject.user.guid, &change.after).await;
    let what = "changing it again writes nothing";
    assert_eq!(done(port.change_upn(&change).await, what), UpnChanged::Unchanged, "{what}");
    let user = done(port.get(&subject.user.guid).await, "reading a user");
    let expected = ForestUser { upn: user.upn.clone(), ..subject.user.clone() };
    assert_eq!(user, expected, "nothing but the UPN changed");
}

async fn staleness(port: &dyn ForestUsers, fixture: &ForestFixture, subject: &Subject) {
    let change = change_of(port, fixture, subject, "stale").await;
    let current = change.before.clone();
    let other = Upn::new("conformance-somebody-else", &fixture.new_domain("users")).expect("a UPN");
    for before in [Some(other.to_string()), None] {
        let what = format!("a change from {before:?}, which is not the value");
        let stale = UpnChange { before, ..change.clone() };
        expect_kind(port.change_upn(&stale).await, ErrorKind::Stale, &what);
        let user = done(port.get(&subject.user.guid).await, "reading a user");
        assert_eq!(user.upn, current, "{what} writes nothing");
    }
}

async fn collision(port: &dyn ForestUsers, fixture: &ForestFixture, subject: &Subject, other: &Subject) {
    let change = change_of(port, fixture, subject, "unused").await;
    let current = change.before.clone();
    let taken = done(port.get(&other.user.guid).await, "reading a user").upn.expect("it has a UPN");
    for spelling in [taken.clone(), taken.to_uppercase()] {
        let change = UpnChange { after: Upn::parse(&spelling).expect("a UPN"), ..change.clone() };
        let what = "taking another principal's UPN";
        expect_kind(port.change_upn(&change).await, ErrorKind::AlreadyExists, what);
        let user = done(port.get(&subject.user.guid).await, "reading a user");
        assert_eq!(user.upn, current, "{what} writes nothing");
    }
}

async fn spelling(port: &dyn ForestUsers, fixture: &ForestFixture, subject: &Subject) {
    let change = change_of(port, fixture, subject, "unused").await;
    let current = change.before.clone().expect("it has a UPN");
    let respelled = Upn::parse(&current.to_uppercase()).expect("a UPN");
    let change = UpnChange { after: respelled.clone(), ..change };
    let what = "changing only the case is a change";
    assert_eq!(done(port.change_upn(&change).await, what), UpnChanged::Changed, "{what}");
    shows(port, fixture, &subject.user.guid, &respelled).await;
}

async fn many_changes(port: &dyn ForestUsers, fixture: &ForestFixture, users: &[Subject]) {
    let none: Vec<_> = port.change_upns(stream::empty().boxed()).collect().await;
    assert!(none.is_empty(), "no change, no outcome");

    let mut changes = Vec::new();
    for (index, subject) in users.iter().enumerate() {
        changes.push(change_of(port, fixture, subject, &format!("many{index}")).await);
    }
    let nobody = UpnChange { guid: NOBODY, ..changes[0].clone() };
    let all: Vec<_> = changes.iter().cloned().chain([nobody]).collect();
    let outcomes: Vec<_> = port.change_upns(stream::iter(all.clone()).boxed()).collect().await;
    assert_eq!(outcomes.len(), all.len(), "exactly one outcome for each change");
    let mut by_user = BTreeMap::new();
    for outcome in outcomes {
        assert!(all.contains(&outcome.change), "an outcome carries its change: {:?}", outcome.change);
        by_user.insert(outcome.change.guid, outcome.result);
    }
    let failed = by_user.remove(&NOBODY).expect("the unknown user has an outcome");
    expect_kind(failed, ErrorKind::NotFound, "one failure among many");
    for change in &changes {
        let result = by_user.remove(&change.guid).expect("every change has its outcome");
        assert_eq!(done(result, "one change of many"), UpnChanged::Changed);
        shows(port, fixture, &change.guid, &change.after).await;
    }
    let again = port.change_upns(stream::iter(changes).boxed());
    let repeated: Vec<_> = again.map(|outcome| done(outcome.result, "repeating changes")).collect().await;
    assert!(repeated.iter().all(|changed| *changed == UpnChanged::Unchanged), "repeating writes nothing");
}

async fn handing_over(port: &dyn ForestUsers, fixture: &ForestFixture, giver: &Subject, taker: &Subject) {
    let gives = change_of(port, fixture, giver, "handed-on").await;
    let name = gives.before.clone().expect("it has a UPN");
    let takes = change_of(port, fixture, taker, "unused").await;
    let takes = UpnChange { after: Upn::parse(&name.to_uppercase()).expect("a UPN"), ..takes };
    let order = vec![gives.clone(), takes.clone()];
    let mut outcomes = port.change_upns(stream::iter(order).boxed());
    while let Some(outcome) = outcomes.next().await {
        done(outcome.result, "who takes a UPN waits for who gives it up before in the stream");
    }
    shows(port, fixture, &giver.user.guid, &gives.after).await;
    shows(port, fixture, &taker.user.guid, &takes.after).await;
    // Back to names of their own, the taker first.
    let again = change_of(port, fixture, taker, "taker").await;
    done(port.change_upn(&again).await, "giving it up again");
}

async fn restore(port: &dyn ForestUsers, fixture: &ForestFixture, users: &[Subject]) {
    for subject in users {
        let change =
            UpnChange { after: subject.upn.clone(), ..change_of(port, fixture, subject, "unused").await };
        done(port.change_upn(&change).await, "giving a user its UPN back");
        shows(port, fixture, &subject.user.guid, &subject.upn).await;
    }
}

/// A change from what is there now to a name of its own.
async fn change_of(
    port: &dyn ForestUsers,
    fixture: &ForestFixture,
    subject: &Subject,
    role: &str,
) -> UpnChange {
    let user = done(port.get(&subject.user.guid).await, "reading a user");
    let after = Upn::new(&format!("conformance-{role}"), &fixture.new_domain("users")).expect("a UPN");
    UpnChange { guid: user.guid, dn: user.dn, before: user.upn, after }
}

async fn shows(port: &dyn ForestUsers, fixture: &ForestFixture, guid: &ObjectGuid, upn: &Upn) {
    let read = async || Ok(port.get(guid).await?.upn);
    let what = format!("reads show {upn}, spelled like that");
    fixture.poll.until(&what, read, |now| now.as_deref() == Some(upn.as_str())).await;
}
