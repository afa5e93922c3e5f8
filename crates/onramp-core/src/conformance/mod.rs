//! One test suite per port that any implementation must pass.
//!
//! Call them from tests: every function panics, saying what was expected, where the implementation breaks the documented
//! contract of its port. They create what they need under names that no other run uses, take it away again, and wait for
//! what an eventually consistent server shows late, but only as long as [`PollTimeout`] allows.
//!
//! ```no_run
//! # async fn example(tenant: onramp_core::Tenant, forest: onramp_core::Forest) {
//! use std::sync::Arc;
//! use onramp_core::conformance::{self, ForestFixture, PollTimeout, TenantFixture};
//! use onramp_core::ManualClock;
//!
//! let patience = PollTimeout::new(Arc::new(ManualClock::default()));
//! let domain = "contoso.example".parse().expect("a domain of the tenant that is verified");
//! conformance::tenant::run(&tenant, &TenantFixture::new("run1", domain, patience.clone())).await;
//!
//! let users = Vec::new(); // at least two users whose UPNs the suite may change
//! conformance::forest::run(&forest, &ForestFixture::new("run1", users, patience)).await;
//! # }
//! ```
//!
//! Not under the rules of semantic versioning: a suite that finds more is no breaking change.

#![allow(clippy::panic, clippy::expect_used, clippy::unwrap_used, clippy::indexing_slicing)] // a test may do all that

pub mod dns;
mod fixture;
pub mod forest;
pub mod password_validator;
mod poll_timeout;
pub mod tenant;

use std::fmt::Debug;

pub use fixture::{ForestFixture, PublishRecords, TenantFixture};
pub use poll_timeout::PollTimeout;

use crate::{Error, ErrorKind, Result};

/// The error of a call that has to fail.
#[track_caller]
fn refused<T: Debug>(result: Result<T>, what: &str) -> Error {
    match result {
        Err(error) => {
            assert!(!error.action().is_empty(), "{what}: the error says what was being done: {error:?}");
            error
        }
        Ok(value) => panic!("{what} must fail, and gave {value:?}"),
    }
}

/// Checks that a call failed with that kind.
#[track_caller]
fn expect_kind<T: Debug>(result: Result<T>, kind: ErrorKind, what: &str) {
    let error = refused(result, what);
    assert_eq!(error.kind(), kind, "{what}: {error}");
}

/// The value of a call that has to succeed.
#[track_caller]
fn done<T>(result: Result<T>, what: &str) -> T {
    result.unwrap_or_else(|error| panic!("{what} must succeed: {error:?}"))
}
