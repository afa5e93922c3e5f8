//! The conformance suites of all ports and stores. Feature `conformance`.
//!
//! Whoever implements [`Journal`](crate::Journal), [`PlanStore`](crate::PlanStore) or
//! [`SecretStore`](crate::SecretStore) runs the suite of that name.
//!
//! A suite panics at the first promise that is broken, and says which one. The suites of the ports of a tenant and a forest are
//! those of `onramp_core::conformance`.

mod journal;
mod plan_store;
mod secret_store;

use std::fmt::Debug;

use onramp_core::{ErrorKind, Result};
use time::OffsetDateTime;

pub use journal::journal;
pub use onramp_core::conformance::*;
pub use onramp_readiness::conformance::readiness_rules;
pub use plan_store::plan_store;
pub use secret_store::secret_store;

/// Returns the value of a call that must succeed.
#[track_caller]
#[allow(clippy::panic, reason = "a suite reports by panicking")]
fn done<T>(result: Result<T>, what: &str) -> T {
    match result {
        Ok(value) => value,
        Err(error) => panic!("{what} must succeed: {error}"),
    }
}

/// Checks that a call fails with a kind of error.
#[track_caller]
#[allow(clippy::panic, reason = "a suite reports by panicking")]
fn refused<T: Debug>(result: Result<T>, kind: ErrorKind, what: &str) {
    match result {
        Ok(value) => panic!("{what} must fail, and gave {value:?}"),
        Err(error) => assert_eq!(error.kind(), kind, "{what}: {error}"),
    }
}

/// Returns a time, in whole seconds after the beginning of 2026.
fn at(second: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(1_767_225_600 + second).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}
