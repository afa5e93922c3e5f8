//! The suites of a forest's ports.

pub mod controller_probe;
mod nobody;
pub mod object_writer;
pub mod objects;
pub mod password_policies;
pub mod replication;
pub mod suffixes;
mod upn_changes;
pub mod users;

use super::ForestFixture;
use crate::Forest;

/// All suites, one after the other.
pub async fn run(forest: &Forest, fixture: &ForestFixture) {
    Box::pin(suffixes::run(&*forest.suffixes, fixture)).await;
    Box::pin(suffixes::run_in_use(forest, fixture)).await;
    Box::pin(users::run(&*forest.users, fixture)).await;
    Box::pin(objects::run(&*forest.objects, &*forest.users, fixture)).await;
    Box::pin(object_writer::run(&*forest.object_writer, &*forest.users, fixture)).await;
    Box::pin(replication::run(forest, fixture)).await;
    Box::pin(password_policies::run(&*forest.password_policies, &*forest.suffixes, fixture)).await;
    if let Some(port) = &forest.controller_probe {
        Box::pin(controller_probe::run(&**port, &*forest.replication)).await;
    }
}
