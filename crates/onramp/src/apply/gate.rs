//! The permission to send one more of many changes, asked for at the moment at which it would be sent.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use onramp_core::Clock;
use tokio_util::sync::CancellationToken;

use super::context::Context;
use super::slice::Slices;
use crate::outcome::ApplyOutcome;
use crate::plan::Plan;
use crate::policy::{ChangePolicy, PolicyDecision, RunProgress};

/// The permission to send one more change.
///
/// The run itself decides before it records a change. Between that and the sending, a window can close and a stop can be
/// requested: the machine may have slept, or the server been slow.
pub(crate) struct SendGate {
    policy: Option<Arc<dyn ChangePolicy>>,
    clock: Arc<dyn Clock>,
    cancellation: CancellationToken,
    slices: Arc<Slices>,
    plan: Arc<Plan>,
    outcome: Mutex<ApplyOutcome>,
}

impl SendGate {
    /// Creates the gate of a run with its outcome so far.
    pub(crate) fn new(context: &Context<'_>, outcome: &ApplyOutcome) -> Self {
        Self {
            policy: context.onramp.policy.clone(),
            clock: Arc::clone(&context.onramp.clock),
            cancellation: context.onramp.cancellation.clone(),
            slices: Arc::clone(&context.slices),
            plan: context.plan.shared(),
            outcome: Mutex::new(outcome.clone()),
        }
    }

    fn outcome(&self) -> MutexGuard<'_, ApplyOutcome> {
        self.outcome.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the outcome so far as that of the run.
    pub(crate) fn update(&self, change: impl FnOnce(&mut ApplyOutcome)) {
        change(&mut self.outcome());
    }

    /// Returns true if one more change may be sent while so many are in flight.
    pub(crate) fn is_open(&self, in_flight: usize) -> bool {
        if self.cancellation.is_cancelled() || self.slices.budget() <= in_flight as u64 {
            return false;
        }
        self.policy.as_ref().is_none_or(|policy| {
            let outcome = self.outcome();
            policy.decide(&RunProgress::new(&self.plan, &outcome, self.clock.now()))
                == PolicyDecision::Continue
        })
    }
}
