//! The suites of a tenant's ports.

pub mod applications;
pub mod domains;
pub mod password_protection;
pub mod roles;
pub mod sign_in;
pub mod subscriptions;
pub mod sync;
pub mod users;

use super::{TenantFixture, done};
use crate::tenant::{NewUser, TenantUser, TenantUsers};
use crate::{ObjectId, Tenant};

/// An ID that no object has.
const NOBODY: ObjectId = ObjectId::from_u128(0xdead_beef_0000_4000_8000_0000_0000_0001);

/// All suites, one after the other.
pub async fn run(tenant: &Tenant, fixture: &TenantFixture) {
    Box::pin(domains::run(&*tenant.domains, fixture)).await;
    Box::pin(domains::in_use(&*tenant.domains, &*tenant.users, fixture)).await;
    Box::pin(users::run(&*tenant.users, fixture)).await;
    Box::pin(roles::run(&*tenant.roles, &*tenant.users, fixture)).await;
    Box::pin(sign_in::run(&*tenant.sign_in, &*tenant.users, fixture)).await;
    Box::pin(subscriptions::run(&*tenant.subscriptions, &*tenant.users, fixture)).await;
    Box::pin(applications::run(&*tenant.applications, fixture)).await;
    Box::pin(password_protection::run(&*tenant.password_protection)).await;
    Box::pin(sync::run(&*tenant.sync, fixture)).await;
}

/// A user for the suite of another port, visible to reads.
async fn some_user(users: &dyn TenantUsers, fixture: &TenantFixture, role: &str) -> TenantUser {
    let new = NewUser::new(fixture.upn(role), format!("Contract {role}"), fixture.password());
    let user = done(users.create(&new).await, "creating a user");
    fixture.poll.until("a new user can be read", async || users.get(&user.id).await, |_| true).await
}
