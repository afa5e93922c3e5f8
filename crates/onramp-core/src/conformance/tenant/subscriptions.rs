//! The suite of [`Subscriptions`].

use super::subjects::{NOBODY, some_user};
use crate::ErrorKind;
use crate::conformance::{TenantFixture, done, expect_kind};
use crate::tenant::{AzureRoleId, PrincipalType, Subscriptions, TenantUsers};

/// Everything that [`Subscriptions`] promises. The users' port lends a principal.
pub async fn run(port: &dyn Subscriptions, users: &dyn TenantUsers, fixture: &TenantFixture) {
    let (reader, person) = (AzureRoleId::READER, PrincipalType::User);
    let listed = done(port.list().await, "listing subscriptions");
    expect_kind(
        port.assignments(&NOBODY, &NOBODY).await,
        ErrorKind::NotFound,
        "reading an unknown subscription",
    );

    expect_kind(
        port.classic_administrators(&NOBODY).await,
        ErrorKind::NotFound,
        "the classic administrators of an unknown subscription",
    );

    let Some(subscription) = fixture.subscription else { return };
    let classic = done(port.classic_administrators(&subscription).await, "listing classic administrators");
    assert!(classic.iter().all(|one| !one.email.is_empty() && !one.role.is_empty()), "{classic:?}");
    assert!(listed.iter().any(|listed| listed.id == subscription), "{subscription} is listed: {listed:?}");
    let user = some_user(users, fixture, "access").await;
    let unknown = port.assign(&NOBODY, &reader, &user.id, person).await;
    expect_kind(unknown, ErrorKind::NotFound, "giving access to an unknown subscription");
    let unknown = port.assign(&subscription, &AzureRoleId::new(NOBODY), &user.id, person).await;
    expect_kind(unknown, ErrorKind::NotFound, "giving an unknown role");
    let unknown = port.assign(&subscription, &reader, &NOBODY, person).await;
    expect_kind(unknown, ErrorKind::NotFound, "giving nobody access");

    let access = async || port.assignments(&subscription, &user.id).await;
    assert_eq!(done(access().await, "reading the access of a new user"), [], "a new user has no access");
    let given = done(port.assign(&subscription, &reader, &user.id, person).await, "giving access");
    assert_eq!((given.subscription, given.role, given.principal), (subscription, reader, user.id));
    let found = fixture.poll.until("access given is read", access, |found| !found.is_empty()).await;
    assert_eq!(found, std::slice::from_ref(&given));
    let again = port.assign(&subscription, &reader, &user.id, person).await;
    expect_kind(again, ErrorKind::AlreadyExists, "giving access again");

    for time in ["once", "twice"] {
        done(port.unassign(&given).await, &format!("taking access back {time}"));
    }
    fixture.poll.until("access taken back is gone", access, Vec::is_empty).await;
    done(users.delete(&user.id).await, "deleting a user");
}
