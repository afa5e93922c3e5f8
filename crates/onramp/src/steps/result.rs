//! The outcome of one change.

use onramp_core::Result;

use crate::outcome::Outcome;

/// The outcome of one change, with details in words.
pub(crate) type StepResult = Result<(Outcome, String)>;

pub(crate) fn done() -> StepResult {
    Ok((Outcome::Done, String::new()))
}

pub(crate) fn already() -> StepResult {
    Ok((Outcome::Unchanged, String::new()))
}
