//! The change policy: the rules under which a plan may be applied, whoever approved it.
//!
//! [`PolicyRules`] are the rules that most organizations need, as data that TOML can hold. Another engine stands behind the
//! port [`ChangePolicy`].

mod canary;
mod not_empty;
mod preflight;
mod protected;
mod rules;
mod window;

use std::fmt::Debug;

use async_trait::async_trait;
use onramp_core::{Forest, Result};
use time::OffsetDateTime;

pub use rules::PolicyRules;
pub use window::{ChangeWindow, Weekday};

use crate::history::History;
use crate::outcome::ApplyOutcome;
use crate::plan::{Plan, PlanReview};
pub use crate::policy_violation::PolicyViolation;
use crate::preflight::PreflightRunner;

/// Port: the rules under which a plan may be applied.
///
/// [`Onramp::apply`](crate::Onramp::apply) reviews the approved plan before its first change and before the first one after each
/// wait, and asks for a decision before each change.
///
/// ```
/// use onramp::{ChangePolicy, PolicyDecision, PolicyRequest, PolicyViolation, RunProgress, async_trait};
///
/// /// Leaves the synchronization of the tenant to another team.
/// #[derive(Debug)]
/// struct NoSynchronization;
///
/// #[async_trait]
/// impl ChangePolicy for NoSynchronization {
///     async fn review(&self, request: &PolicyRequest<'_>) -> onramp::Result<Vec<PolicyViolation>> {
///         let scope = request.plan.header().scope;
///         let violation = PolicyViolation::new("no-synchronization", "another team turns synchronization on");
///         Ok(scope.sync.then_some(violation).into_iter().collect())
///     }
///
///     fn decide(&self, _: &RunProgress<'_>) -> PolicyDecision {
///         PolicyDecision::Continue
///     }
/// }
/// ```
#[async_trait]
pub trait ChangePolicy: Debug + Send + Sync {
    /// Reviews a plan: returns every rule that it breaks, and none if it may be applied.
    ///
    /// # Errors
    /// Errors of reading: a plan that cannot be reviewed is not applied.
    async fn review(&self, request: &PolicyRequest<'_>) -> Result<Vec<PolicyViolation>>;

    /// Decides whether a run makes its next change. Called once for each change, so it returns at once.
    fn decide(&self, progress: &RunProgress<'_>) -> PolicyDecision;
}

/// A plan to review, with the facts that rules are about.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct PolicyRequest<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// The author and the approvers of the plan, if it was approved in a [`PlanStore`](crate::PlanStore).
    pub review: Option<&'a PlanReview>,
    /// The name of the person or program that applies it, if known.
    pub operator: Option<&'a str>,
    /// The forest, for rules about objects that the plan names.
    pub forest: &'a Forest,
    /// The history of earlier runs, with those that were verified.
    pub history: &'a History,
    /// The time.
    pub now: OffsetDateTime,
    /// The reader of a preflight, for rules about its items; `None` if there is none.
    pub preflight: Option<&'a PreflightRunner>,
}

impl<'a> PolicyRequest<'a> {
    /// Creates a request for a plan that nobody else reviewed.
    pub fn new(plan: &'a Plan, forest: &'a Forest, history: &'a History, now: OffsetDateTime) -> Self {
        Self { plan, review: None, operator: None, forest, history, now, preflight: None }
    }

    /// Sets the reader of a preflight.
    #[must_use]
    pub fn with_preflight(mut self, runner: Option<&'a PreflightRunner>) -> Self {
        self.preflight = runner;
        self
    }

    /// Sets the person or program that applies the plan.
    #[must_use]
    pub fn with_operator(mut self, name: Option<&'a str>) -> Self {
        self.operator = name;
        self
    }

    /// Sets the author and the approvers.
    #[must_use]
    pub fn with_review(mut self, review: Option<&'a PlanReview>) -> Self {
        self.review = review;
        self
    }
}

/// The progress of a run.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct RunProgress<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// The outcome so far.
    pub outcome: &'a ApplyOutcome,
    /// The time.
    pub now: OffsetDateTime,
}

impl<'a> RunProgress<'a> {
    /// Creates the progress of a run at a time.
    pub fn new(plan: &'a Plan, outcome: &'a ApplyOutcome, now: OffsetDateTime) -> Self {
        Self { plan, outcome, now }
    }
}

/// The decision about the next change of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum PolicyDecision {
    /// The change is made.
    Continue,
    /// No change is made before a time, at which the policy decides again.
    WaitUntil {
        /// The time.
        until: OffsetDateTime,
        /// The thing that is waited for, in words: `the change window to open`.
        reason: String,
    },
    /// The run stops. Changes that were sent are completed.
    Stop {
        /// The reason in words.
        reason: String,
    },
}
