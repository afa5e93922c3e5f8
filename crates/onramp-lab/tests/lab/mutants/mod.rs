//! Ports that break one promise each: the suites of the contract have to notice every one of them.

mod forest;
mod tenant;

use std::fmt::Debug;
use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;

/// What a suite says of ports that break a promise.
async fn complaint(broken: impl Debug, suite: impl Future<Output = ()>) -> String {
    let outcome = AssertUnwindSafe(suite).catch_unwind().await;
    let panic = outcome.expect_err(&format!("nobody noticed {broken:?}"));
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string)).unwrap()
}

/// Compares what was said with what should have been.
fn compare<B: Debug>(said: Vec<(B, &str, String)>) {
    let missed: Vec<String> = said
        .into_iter()
        .filter(|(_, expected, said)| !said.contains(expected))
        .map(|(broken, expected, said)| format!("{broken:?}: “{expected}” was expected, “{said}” was said"))
        .collect();
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}
