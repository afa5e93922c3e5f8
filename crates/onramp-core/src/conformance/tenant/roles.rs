//! The suite of [`Roles`].

use super::subjects::{NOBODY, some_user};
use crate::ErrorKind;
use crate::conformance::{TenantFixture, done, expect_kind};
use crate::tenant::{RoleAssignment, RoleTemplateId, Roles, TenantUsers};

/// Everything that [`Roles`] promises. The users' port lends a principal.
pub async fn run(port: &dyn Roles, users: &dyn TenantUsers, fixture: &TenantFixture) {
    let (user, role) = (some_user(users, fixture, "roles").await, RoleTemplateId::DIRECTORY_READERS);
    let (patience, id) = (&fixture.poll, user.id);

    expect_kind(port.assign(&role, &NOBODY).await, ErrorKind::NotFound, "giving nobody a role");
    let unknown = RoleTemplateId::new(NOBODY);
    expect_kind(port.assign(&unknown, &id).await, ErrorKind::Invalid, "giving an unknown role");
    expect_kind(
        port.unassign("no-such-assignment").await,
        ErrorKind::NotFound,
        "taking back an unknown assignment",
    );
    let none = done(port.assignments_of(&id).await, "reading the roles of a new user");
    assert_eq!(none, [], "a new user has no role");
    match port.eligibilities_of(&id).await {
        Ok(eligible) => assert_eq!(eligible, [], "a new user is eligible for no role"),
        // Privileged Identity Management needs a licence, and not every cloud has it.
        refused => expect_kind(refused, ErrorKind::Unsupported, "reading eligibilities without a licence"),
    }

    let assigned = done(port.assign(&role, &id).await, "giving a role");
    assert_eq!((assigned.role, assigned.principal, assigned.scope.as_str()), (role, id, "/"));
    assert!(!assigned.id.is_empty(), "an assignment has an ID");
    let mine = async || port.assignments_of(&id).await;
    let found =
        patience.until("a role given is among the principal's", mine, |found| !found.is_empty()).await;
    assert_eq!(found, std::slice::from_ref(&assigned));
    let all = async || port.assignments().await;
    let once = |found: &Vec<RoleAssignment>| found.iter().filter(|held| **held == assigned).count() == 1;
    patience.until("a role given is once among the tenant's", all, once).await;
    let holders = async || port.holders_of(&role).await;
    patience
        .until("the principal is among the role's holders", holders, |found| found.contains(&assigned))
        .await;

    expect_kind(port.assign(&role, &id).await, ErrorKind::AlreadyExists, "giving a role again");
    let found = done(port.assignments_of(&id).await, "reading roles");
    assert_eq!(found, std::slice::from_ref(&assigned), "giving a role again adds nothing");

    done(port.unassign(&assigned.id).await, "taking a role back");
    patience.until("a role taken back is gone", mine, Vec::is_empty).await;
    patience.until("it is gone from the tenant's", all, |found| !found.contains(&assigned)).await;
    patience.until("its holder too", holders, |found| !found.contains(&assigned)).await;
    patience.until_gone("taking a role back twice", async || port.unassign(&assigned.id).await).await;

    done(users.delete(&id).await, "deleting a user");
}
