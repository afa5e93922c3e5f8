//! The store of plans: who made each, who approved it, and what was accepted.

mod folder;
mod memory;

use std::collections::BTreeSet;
use std::fmt::Debug;

use async_trait::async_trait;
use onramp_core::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

pub use folder::FolderPlanStore;
pub use memory::MemoryPlanStore;

use crate::plan::{ApprovedPlan, Plan, PlanReview};

/// A store of plans, in which one person leaves a plan and another one approves it.
///
/// A plan is stored under its [digest](Plan::digest) and never changes. An implementation that returns `Ok` promises that
/// what it was given survives a crash of the machine.
///
/// A store believes the names of authors and approvers that it is given: the program must know who uses it.
///
/// Run `onramp::conformance::plan_store` (feature `conformance`) on your store.
#[async_trait]
pub trait PlanStore: Debug + Send + Sync {
    /// Stores a plan. A plan that is stored already keeps its author and its time.
    ///
    /// # Errors
    /// Errors of the storage.
    async fn save(&self, plan: &Plan, author: &str, saved_at: OffsetDateTime) -> Result<()>;

    /// Adds an approval to a plan.
    ///
    /// # Errors
    /// `NotFound` if there is no plan with that digest; errors of the storage.
    async fn approve(&self, digest: &str, approval: &PlanApproval) -> Result<()>;

    /// Returns a plan with its approvals, in the order in which they were added.
    ///
    /// # Errors
    /// `NotFound` if there is no plan with that digest; `Invalid` if the stored plan does not have the digest; errors of the
    /// storage.
    async fn load(&self, digest: &str) -> Result<StoredPlan>;

    /// Returns the digests of all plans, the newest first.
    ///
    /// # Errors
    /// Errors of the storage.
    async fn digests(&self) -> Result<Vec<String>>;
}

/// A plan in a store.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct StoredPlan {
    /// The plan.
    pub plan: Plan,
    /// The name of the person or program that made it.
    pub author: String,
    /// The time at which it was stored.
    pub saved_at: OffsetDateTime,
    /// The approvals.
    pub approvals: Vec<PlanApproval>,
}

/// The approval of a plan by a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PlanApproval {
    /// The name of the person.
    pub approver: String,
    /// The time.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// The IDs of the consequences that the person accepted.
    pub accepted: Vec<String>,
}

impl StoredPlan {
    /// Creates a stored plan without an approval.
    pub fn new(plan: Plan, author: impl Into<String>, saved_at: OffsetDateTime) -> Self {
        Self { plan, author: author.into(), saved_at, approvals: Vec::new() }
    }

    /// Approves the plan with the consequences that others than its author accepted.
    ///
    /// ```
    /// # async fn example(store: impl onramp::PlanStore, digest: &str) -> onramp_core::Result<()> {
    /// use onramp::PlanStore;
    ///
    /// let approved = store.load(digest).await?.approved_by_others()?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// `Forbidden` if nobody but the author approved it, or if a consequence is not accepted; it names them.
    pub fn approved_by_others(&self) -> Result<ApprovedPlan> {
        const ACTION: &str = "approve the stored plan";
        let digest = self.plan.digest();
        let others = || self.approvals.iter().filter(|approval| !self.is_author(&approval.approver));
        if others().next().is_none() {
            return Err(Error::new(ErrorKind::Forbidden, ACTION)
                .with_object(digest)
                .with_detail(format!("nobody but its author {} approved it", self.author))
                .with_hint("Have another person review and approve the plan."));
        }
        let accepted: BTreeSet<&str> =
            others().flat_map(|approval| &approval.accepted).map(String::as_str).collect();
        let mut review = PlanReview::new(&self.author, self.saved_at);
        review.approvers.extend(others().map(|approval| approval.approver.clone()));
        let approved = self.plan.clone().approve(accepted).map_err(|refused| {
            Error::new(ErrorKind::Forbidden, ACTION).with_object(digest).with_detail(refused.to_string())
        })?;
        Ok(approved.with_review(review))
    }

    /// Returns true if that is the name of the author, in any case.
    pub fn is_author(&self, name: &str) -> bool {
        self.author.trim().to_lowercase() == name.trim().to_lowercase()
    }
}

impl PlanApproval {
    /// Creates an approval.
    pub fn new(
        approver: impl Into<String>,
        at: OffsetDateTime,
        accepted: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        Self { approver: approver.into(), at, accepted: accepted.into_iter().map(Into::into).collect() }
    }
}

/// Returns the error for a digest without a plan.
fn not_found(digest: &str) -> Error {
    Error::new(ErrorKind::NotFound, "find the stored plan").with_object(digest)
}
