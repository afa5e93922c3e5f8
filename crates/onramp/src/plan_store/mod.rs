//! The store of plans: who made each, who approved it, and what was accepted.

mod folder;
mod memory;
mod person;

use std::collections::BTreeSet;
use std::fmt::Debug;

use async_trait::async_trait;
use onramp_core::{Error, ErrorKind, Result, visible};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

pub use folder::FolderPlanStore;
pub use memory::MemoryPlanStore;
pub(crate) use person::is_same_person;

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

    /// Ends the approvals that a plan has, because it was applied or undone, or because somebody withdraws them: another run
    /// needs new ones.
    ///
    /// # Errors
    /// `NotFound` if there is no plan with that digest; errors of the storage.
    async fn end_approvals(&self, digest: &str, end: &ApprovalsEnded) -> Result<()>;

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
    /// The approvals that have not ended.
    pub approvals: Vec<PlanApproval>,
    /// The ends of earlier approvals.
    pub ended: Vec<ApprovalsEnded>,
}

/// The end of the approvals of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ApprovalsEnded {
    /// The name of the person or program that ended them.
    pub ended_by: String,
    /// The time.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// The reason in words.
    pub reason: String,
}

/// A record that a store keeps for a plan, in the order of arrival.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum ApprovalRecord {
    /// An approval.
    Approval(PlanApproval),
    /// The end of every approval before it.
    Ended(ApprovalsEnded),
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
        Self { plan, author: author.into(), saved_at, approvals: Vec::new(), ended: Vec::new() }
    }

    /// Adds a record that the store keeps for the plan.
    pub fn add(&mut self, record: ApprovalRecord) {
        match record {
            ApprovalRecord::Approval(approval) => self.approvals.push(approval),
            ApprovalRecord::Ended(ended) => {
                self.approvals.clear();
                self.ended.push(ended);
            }
        }
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
            let compared = self.approvals.iter().filter_map(|approval| self.same_person(&approval.approver));
            let compared: BTreeSet<String> = compared.map(|compared| format!(": {compared}")).collect();
            let compared: String = compared.into_iter().collect();
            return Err(Error::new(ErrorKind::Forbidden, ACTION)
                .with_object(digest)
                .with_detail(format!("nobody but its author {} approved it{compared}", self.author))
                .with_hint("Have another person review and approve the plan."));
        }
        let accepted: BTreeSet<&str> =
            others().flat_map(|approval| &approval.accepted).map(String::as_str).collect();
        let mut review = PlanReview::new(&self.author, self.saved_at);
        for approval in others() {
            if !review.approvers.contains(&approval.approver) {
                review.approvers.push(approval.approver.clone());
            }
            review.approved_at.push(approval.at);
        }
        let approved = self.plan.clone().approve(accepted).map_err(|refused| {
            Error::new(ErrorKind::Forbidden, ACTION).with_object(digest).with_detail(refused.to_string())
        })?;
        Ok(approved.with_review(review))
    }

    /// Returns true if that is a name of the author.
    ///
    /// The same account is the same person: the host is not compared, nor the case, nor what follows `@`; a domain before a
    /// backslash is compared if both names have one.
    ///
    /// ```
    /// # fn example(plan: onramp::Plan) {
    /// let stored = onramp::StoredPlan::new(plan, "nina@workstation", time::OffsetDateTime::UNIX_EPOCH);
    /// assert!(stored.is_author("CORP\\Nina@laptop7") && !stored.is_author("ben@workstation"));
    /// # }
    /// ```
    pub fn is_author(&self, name: &str) -> bool {
        self.same_person(name).is_some()
    }

    /// Returns a sentence that says why a name is one of the author; `None` if it is of another person.
    pub fn same_person(&self, name: &str) -> Option<String> {
        let account = person::common_account(&self.author, name)?;
        Some(format!(
            "{} and the author {} have the same account name, {}",
            visible(name),
            visible(&self.author),
            visible(&account)
        ))
    }
}

impl ApprovalsEnded {
    /// Creates the end of approvals.
    pub fn new(by: impl Into<String>, at: OffsetDateTime, reason: impl Into<String>) -> Self {
        Self { ended_by: by.into(), at, reason: reason.into() }
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
