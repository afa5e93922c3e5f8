//! The suites of a tenant's ports.

pub mod applications;
pub mod caller;
pub mod domains;
pub mod password_protection;
pub mod roles;
pub mod service_records;
pub mod sign_in;
mod subjects;
pub mod subscriptions;
pub mod sync;
pub mod users;

use super::TenantFixture;
use crate::Tenant;

/// All suites, one after the other.
pub async fn run(tenant: &Tenant, fixture: &TenantFixture) {
    Box::pin(domains::run(&*tenant.domains, fixture)).await;
    Box::pin(domains::in_use(&*tenant.domains, &*tenant.users, fixture)).await;
    Box::pin(users::run(&*tenant.users, fixture)).await;
    Box::pin(roles::run(&*tenant.roles, &*tenant.users, fixture)).await;
    Box::pin(sign_in::run(&*tenant.sign_in, &*tenant.users, fixture)).await;
    Box::pin(subscriptions::run(&*tenant.subscriptions, &*tenant.users, fixture)).await;
    Box::pin(applications::run(&*tenant.applications, fixture)).await;
    if let Some(sign_in) = tenant.application_sign_in.as_deref().filter(|_| fixture.may_sign_in) {
        Box::pin(applications::sign_in(sign_in, &*tenant.applications, fixture)).await;
    }
    Box::pin(password_protection::run(&*tenant.password_protection)).await;
    Box::pin(sync::run(&*tenant.sync, fixture)).await;
    if let Some(port) = &tenant.service_records {
        Box::pin(service_records::run(&**port, fixture)).await;
    }
    if let Some(port) = &tenant.caller {
        Box::pin(caller::run(&**port)).await;
    }
}
