//! The users of suites of other ports: one that is there, and an ID that nobody has.

use crate::ObjectId;
use crate::conformance::done;
use crate::conformance::fixture::TenantFixture;
use crate::tenant::{NewUser, TenantUser, TenantUsers};

/// An ID that no object has.
pub(super) const NOBODY: ObjectId = ObjectId::from_u128(0xdead_beef_0000_4000_8000_0000_0000_0001);

/// A user for the suite of another port, visible to reads.
pub(super) async fn some_user(users: &dyn TenantUsers, fixture: &TenantFixture, role: &str) -> TenantUser {
    let new = NewUser::new(fixture.upn(role), format!("Contract {role}"), fixture.password());
    let user = done(users.create(&new).await, "creating a user");
    fixture.poll.until("a new user can be read", async || users.get(&user.id).await, |_| true).await
}
