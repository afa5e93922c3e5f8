//! Things that go wrong, when told to.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What can go wrong with an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The operation is carried out, and the connection is lost before the answer is sent.
    LostReply,
    /// The connection is lost before the operation is carried out.
    LostRequest,
    /// The server answers that it is busy (result code 51).
    Busy,
    /// The server answers that it is unavailable (result code 52).
    Unavailable,
}

/// The operations that faults can be put on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Operation {
    /// Simple bind.
    Bind,
    /// A search, or one page of it.
    Search,
    /// A change.
    Modify,
}

/// The faults to come.
#[derive(Debug, Default)]
pub(super) struct Faults(Mutex<Plan>);

#[derive(Debug, Default)]
struct Plan {
    planned: HashMap<Operation, Vec<Planned>>,
    latency: Duration,
}

#[derive(Debug)]
struct Planned {
    fault: Fault,
    /// So many operations go well before.
    after: u64,
    times: u64,
}

impl Faults {
    /// After `after` operations that go well, `times` operations have `fault`.
    pub(super) fn plan(&self, operation: Operation, fault: Fault, after: u64, times: u64) {
        self.lock().planned.entry(operation).or_default().push(Planned { fault, after, times });
    }

    pub(super) fn clear(&self) {
        self.lock().planned.clear();
    }

    pub(super) fn set_latency(&self, latency: Duration) {
        self.lock().latency = latency;
    }

    pub(super) fn latency(&self) -> Duration {
        self.lock().latency
    }

    /// The fault that the operation which starts now shall have. Plans of one operation follow each other.
    pub(super) fn next(&self, operation: Operation) -> Option<Fault> {
        let mut plan = self.lock();
        let planned = plan.planned.get_mut(&operation)?;
        planned.retain(|planned| planned.times > 0);
        let first = planned.first_mut()?;
        if first.after > 0 {
            first.after -= 1;
            return None;
        }
        first.times -= 1;
        Some(first.fault)
    }

    fn lock(&self) -> MutexGuard<'_, Plan> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
