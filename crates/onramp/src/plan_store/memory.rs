//! The store of plans in memory.

use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use onramp_core::Result;
use time::OffsetDateTime;

use super::{ApprovalRecord, ApprovalsEnded, PlanApproval, PlanStore, StoredPlan, not_found};
use crate::plan::Plan;

/// A store of plans in memory, for tests.
#[derive(Debug, Default)]
pub struct MemoryPlanStore(Mutex<Vec<(String, StoredPlan)>>);

impl MemoryPlanStore {
    fn plans(&self) -> MutexGuard<'_, Vec<(String, StoredPlan)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl PlanStore for MemoryPlanStore {
    async fn save(&self, plan: &Plan, author: &str, saved_at: OffsetDateTime) -> Result<()> {
        let (mut plans, digest) = (self.plans(), plan.digest());
        if plans.iter().all(|(stored, _)| *stored != digest) {
            plans.push((digest, StoredPlan::new(plan.clone(), author, saved_at)));
        }
        Ok(())
    }

    async fn approve(&self, digest: &str, approval: &PlanApproval) -> Result<()> {
        let mut plans = self.plans();
        let found = plans.iter_mut().find(|(stored, _)| stored == digest);
        let (_, stored) = found.ok_or_else(|| not_found(digest))?;
        stored.approvals.push(approval.clone());
        Ok(())
    }

    async fn end_approvals(&self, digest: &str, end: &ApprovalsEnded) -> Result<()> {
        let mut plans = self.plans();
        let found = plans.iter_mut().find(|(stored, _)| stored == digest);
        let (_, stored) = found.ok_or_else(|| not_found(digest))?;
        stored.add(ApprovalRecord::Ended(end.clone()));
        Ok(())
    }

    async fn load(&self, digest: &str) -> Result<StoredPlan> {
        let plans = self.plans();
        let found = plans.iter().find(|(stored, _)| stored == digest);
        found.map(|(_, stored)| stored.clone()).ok_or_else(|| not_found(digest))
    }

    async fn digests(&self) -> Result<Vec<String>> {
        let plans = self.plans();
        let mut all: Vec<_> =
            plans.iter().enumerate().map(|(place, (digest, plan))| (plan.saved_at, place, digest)).collect();
        all.sort_unstable_by(|one, other| other.cmp(one));
        Ok(all.into_iter().map(|(_, _, digest)| digest.clone()).collect())
    }
}
