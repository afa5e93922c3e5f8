//! The approval of a plan as a type: an [`ApprovedPlan`] exists only after every consequence was named.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use time::OffsetDateTime;

use super::{Blocker, Plan};

/// A plan with every consequence accepted by name: the only type that can be applied.
#[derive(Debug, Clone)]
pub struct ApprovedPlan {
    plan: Arc<Plan>,
    accepted: Vec<String>,
    review: Option<PlanReview>,
}

/// The people who made and approved a plan in a [`PlanStore`](crate::PlanStore).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PlanReview {
    /// The name of the author.
    pub author: String,
    /// The time at which the author stored the plan.
    pub saved_at: OffsetDateTime,
    /// The names of the approvers, without the author.
    pub approvers: Vec<String>,
    /// The times of the approvals.
    pub approved_at: Vec<OffsetDateTime>,
}

impl PlanReview {
    /// Creates the review of a plan that nobody approved.
    pub fn new(author: impl Into<String>, saved_at: OffsetDateTime) -> Self {
        Self { author: author.into(), saved_at, approvers: Vec::new(), approved_at: Vec::new() }
    }

    /// Adds an approver.
    #[must_use]
    pub fn with_approver(mut self, name: impl Into<String>) -> Self {
        self.approvers.push(name.into());
        self
    }
}

impl ApprovedPlan {
    /// Adds the people who reviewed the plan.
    #[must_use]
    pub(crate) fn with_review(mut self, review: PlanReview) -> Self {
        self.review = Some(review);
        self
    }

    /// Returns the author and the approvers, if the plan was approved in a [`PlanStore`](crate::PlanStore).
    pub fn review(&self) -> Option<&PlanReview> {
        self.review.as_ref()
    }

    /// Returns the plan.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Returns the host names of the domain controllers that the plan leaves out.
    pub(crate) fn left_out(&self) -> Vec<&str> {
        let hosts = self.plan.consequences().iter().filter_map(|consequence| match consequence {
            super::Consequence::ControllerLeftOut { host, .. } => Some(host.as_str()),
            _ => None,
        });
        hosts.collect()
    }

    pub(crate) fn shared(&self) -> Arc<Plan> {
        Arc::clone(&self.plan)
    }

    /// Returns the accepted consequences, by [`Consequence::id`](super::Consequence::id).
    pub fn accepted(&self) -> &[String] {
        &self.accepted
    }
}

/// The refusal of an approval, with the plan.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct NotApproved {
    /// The plan that was not approved.
    pub plan: Box<Plan>,
    /// The blockers of the whole plan.
    pub blockers: Vec<Blocker>,
    /// The consequences that were not accepted.
    pub missing: Vec<NotAccepted>,
    /// The names that are no consequence of this plan: probably, another plan was reviewed.
    pub unknown: Vec<String>,
}

/// A consequence that was not accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct NotAccepted {
    /// The ID by which it is accepted.
    pub id: String,
    /// The consequence in words.
    pub description: String,
}

impl Plan {
    /// Approves the plan by naming each of its consequences, in any order.
    ///
    /// # Errors
    /// The whole plan is blocked, a consequence is missing, or a name is no consequence of the plan. The error has the
    /// plan.
    pub fn approve<S: AsRef<str>>(
        self,
        accepted: impl IntoIterator<Item = S>,
    ) -> Result<ApprovedPlan, NotApproved> {
        let named: BTreeSet<String> = accepted.into_iter().map(|id| id.as_ref().to_owned()).collect();
        let blockers: Vec<Blocker> = self.blockers.iter().filter(|b| b.is_fatal()).cloned().collect();
        let (mut missing, mut ids) = (Vec::new(), Vec::new());
        for consequence in &self.consequences {
            let id = consequence.id();
            if ids.contains(&id) {
                continue;
            }
            if !named.contains(&id) {
                missing.push(NotAccepted { id: id.clone(), description: consequence.to_string() });
            }
            ids.push(id);
        }
        let unknown: Vec<String> = named.into_iter().filter(|name| !ids.contains(name)).collect();
        if blockers.is_empty() && missing.is_empty() && unknown.is_empty() {
            return Ok(ApprovedPlan { plan: Arc::new(self), accepted: ids, review: None });
        }
        Err(NotApproved { plan: Box::new(self), blockers, missing, unknown })
    }
}

impl fmt::Display for NotApproved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.blockers.is_empty() {
            f.write_str("the plan is not approved")?;
        } else {
            f.write_str("this plan cannot be applied")?;
        }
        for blocker in &self.blockers {
            write!(f, "\n  blocked: {blocker}")?;
        }
        for NotAccepted { id, description } in &self.missing {
            write!(f, "\n  not accepted: {id} ({description})")?;
        }
        for name in &self.unknown {
            write!(f, "\n  {name} is ignored: this plan has no such consequence")?;
        }
        Ok(())
    }
}

impl std::error::Error for NotApproved {}

impl From<NotApproved> for onramp_core::Error {
    fn from(error: NotApproved) -> Self {
        onramp_core::Error::new(onramp_core::ErrorKind::Invalid, "approve the plan")
            .with_detail(error.to_string())
    }
}
