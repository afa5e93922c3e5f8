//! Everything that is tested here goes through the public API, in one binary.

// Helpers of tests may fail loudly, as tests themselves may.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod active_directory;
mod breach;
mod breached;
mod cases;
mod differential;
mod entra;
mod formats;
mod generating;
mod generator;
mod lints;
mod memory;
mod passphrases;
mod properties;
mod protection;
mod reference;
mod report;
mod rules;
mod sources;
mod strength;
mod validator;
mod verdicts;

use onramp_password::Verdict;
use onramp_password::check::Code;
use onramp_password::policy::Target;

/// The codes of one target's violations, in order.
fn codes(verdict: &Verdict, target: Target) -> Vec<Code> {
    verdict.violations_for(target).map(|violation| violation.code).collect()
}
