//! Approval as a type: whoever holds an [`ApprovedPlan`] has named every consequence.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use super::{Blocker, Plan};

/// A plan of which every consequence was accepted by name. The only thing that can be applied.
#[derive(Debug, Clone)]
pub struct ApprovedPlan {
    plan: Arc<Plan>,
    accepted: Vec<String>,
}

impl ApprovedPlan {
    /// The plan.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The host names of domain controllers that were left out by name.
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

    /// What was accepted, by [`Consequence::id`](super::Consequence::id).
    pub fn accepted(&self) -> &[String] {
        &self.accepted
    }
}

/// Why a plan could not be approved.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct NotApproved {
    /// What blocks the whole plan.
    pub blockers: Vec<Blocker>,
    /// Consequences that were not accepted, by ID and in words.
    pub missing: Vec<(String, String)>,
    /// Acceptances that fit no consequence of this plan: it is not the plan that was looked at.
    pub unknown: Vec<String>,
}

impl Plan {
    /// Approves the plan by naming each of its consequences, in any order.
    ///
    /// # Errors
    /// Something blocks the whole plan, a consequence was not named, or one was named that the plan does not have.
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
                missing.push((id.clone(), consequence.to_string()));
            }
            ids.push(id);
        }
        let unknown: Vec<String> = named.into_iter().filter(|name| !ids.contains(name)).collect();
        if blockers.is_empty() && missing.is_empty() && unknown.is_empty() {
            return Ok(ApprovedPlan { plan: Arc::new(self), accepted: ids });
        }
        Err(NotApproved { blockers, missing, unknown })
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
        for (id, words) in &self.missing {
            write!(f, "\n  not accepted: {id} ({words})")?;
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
