//! Things that go wrong, when told to.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ldap3_proto::LdapResultCode;

use super::LabForest;
use super::security::refusal::Refusal;

/// A fault of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The operation is carried out, and the connection is lost before the answer is sent.
    LostReply,
    /// The connection is lost before the operation is carried out.
    LostRequest,
    /// The operation is carried out; instead of its answer comes a notice of disconnection (RFC 4511 4.4.1), and the
    /// connection is closed.
    Disconnection,
    /// The server answers that it is busy (result code 51).
    Busy,
    /// The server answers that it is unavailable (result code 52).
    Unavailable,
    /// The server answers that an administrative limit is exceeded (result code 11); a search gives its results before.
    AdminLimit,
    /// The server refers to another one (result code 10).
    Referral,
    /// A search gives its results, and then says that its time was up (result code 3).
    TimeLimit,
    /// A search gives its results, and then says that there are too many (result code 4).
    SizeLimit,
    /// The server has forgotten where the connection's paged searches were, and refuses their cookies (result code 53).
    ForgottenCookies,
    /// The server answers with this result code and diagnostic message, whatever a real one would say.
    Refused {
        /// LDAP result code (RFC 4511 appendix A).
        code: u32,
        /// Diagnostic message; real servers begin it with the Win32 error in eight hexadecimal digits.
        message: &'static str,
    },
    /// The operation is carried out, and its answer takes that much longer.
    Slow(Duration),
}

impl Fault {
    /// Returns the answer of the server in place of the operation; `None` if the fault is of another kind.
    pub(super) fn refusal(self) -> Option<Refusal> {
        Some(match self {
            Self::Busy => Refusal::new(LdapResultCode::Busy, "0000200E: the server is busy"),
            Self::Unavailable => {
                Refusal::new(LdapResultCode::Unavailable, "0000200F: the server is unavailable")
            }
            Self::AdminLimit => {
                let message = "00002024: an administrative limit is exceeded";
                Refusal::new(LdapResultCode::AdminLimitExceeded, message)
            }
            Self::Referral => {
                let mut refusal = Refusal::new(LdapResultCode::Referral, "0000202B: RefErr: elsewhere");
                refusal.referral.push("ldap://elsewhere.example/".to_owned());
                refusal
            }
            Self::TimeLimit => {
                let message = "00002022: the time limit was exceeded";
                Refusal::new(LdapResultCode::TimeLimitExceeded, message)
            }
            Self::SizeLimit => {
                let message = "00002023: the size limit was exceeded";
                Refusal::new(LdapResultCode::SizeLimitExceeded, message)
            }
            Self::Refused { code, message } => {
                let code = LdapResultCode::try_from(i64::from(code)).unwrap_or(LdapResultCode::Other);
                Refusal::new(code, message)
            }
            Self::LostReply
            | Self::LostRequest
            | Self::Disconnection
            | Self::Slow(_)
            | Self::ForgottenCookies => return None,
        })
    }
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

/// The reaction of a domain controller to more changes than it can take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Overload {
    /// The controller answers busy (result code 51).
    Busy,
    /// Each change takes longer: twice the time with twice as many, and so on.
    Slower,
}

/// The faults to come.
#[derive(Debug, Default)]
pub(super) struct Faults(Mutex<Plan>);

#[derive(Debug, Default)]
struct Plan {
    planned: HashMap<Operation, Vec<Planned>>,
    changes: Vec<ConcurrentChange>,
    latency: Duration,
    capacity: Option<(usize, Overload)>,
    /// Changes under way on each domain controller.
    in_flight: HashMap<usize, usize>,
}

/// Somebody who changes the forest before a client's change.
struct ConcurrentChange {
    /// The number of client changes before it.
    after: u64,
    act: Act,
}

type Act = Box<dyn FnOnce(&LabForest) + Send>;

impl fmt::Debug for ConcurrentChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConcurrentChange").field("after", &self.after).finish_non_exhaustive()
    }
}

#[derive(Debug)]
struct Planned {
    fault: Fault,
    /// The number of operations before it that succeed.
    after: u64,
    times: u64,
}

impl Faults {
    /// After `after` operations that go well, `times` operations have `fault`.
    pub(super) fn plan(&self, operation: Operation, fault: Fault, after: u64, times: u64) {
        self.lock().planned.entry(operation).or_default().push(Planned { fault, after, times });
    }

    /// After `after` changes of clients, and before the next, `act` happens.
    pub(super) fn before_write(&self, after: u64, act: Act) {
        self.lock().changes.push(ConcurrentChange { after, act });
    }

    /// Returns the concurrent changes that precede the change which arrives now.
    pub(super) fn changes(&self) -> Vec<Act> {
        let mut plan = self.lock();
        let (due, later) = std::mem::take(&mut plan.changes).into_iter().partition(|one| one.after == 0);
        let due: Vec<ConcurrentChange> = due;
        plan.changes = later;
        plan.changes.iter_mut().for_each(|one| one.after -= 1);
        due.into_iter().map(|one| one.act).collect()
    }

    pub(super) fn clear(&self) {
        let mut plan = self.lock();
        plan.planned.clear();
        plan.changes.clear();
    }

    pub(super) fn set_latency(&self, latency: Duration) {
        self.lock().latency = latency;
    }

    pub(super) fn latency(&self) -> Duration {
        self.lock().latency
    }

    pub(super) fn set_capacity(&self, capacity: Option<(usize, Overload)>) {
        self.lock().capacity = capacity;
    }

    /// Counts a change that came to a controller: how often the usual time its answer takes, or `None` if the
    /// controller has too many and is busy.
    fn arrive(&self, at: usize) -> Option<u32> {
        let mut plan = self.lock();
        let capacity = plan.capacity;
        let in_flight = plan.in_flight.entry(at).or_default();
        *in_flight += 1;
        match capacity {
            Some((most, Overload::Busy)) if *in_flight > most => {
                *in_flight -= 1;
                None
            }
            Some((most, Overload::Slower)) => {
                Some(u32::try_from(in_flight.div_ceil(most.max(1))).unwrap_or(u32::MAX))
            }
            _ => Some(1),
        }
    }

    fn leave(&self, at: usize) {
        if let Some(in_flight) = self.lock().in_flight.get_mut(&at) {
            *in_flight = in_flight.saturating_sub(1);
        }
    }

    /// Returns the fault that the operation which starts now shall have. Plans of one operation follow each other.
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

/// A change that a controller has under way, until it is dropped.
#[derive(Debug)]
pub(super) struct InFlight {
    lab: LabForest,
    at: usize,
}

impl InFlight {
    /// Starts a change and returns the delay of its answer, or `None` if the controller is too busy.
    pub(super) fn begin(lab: &LabForest, at: usize) -> Option<(Self, Duration)> {
        let times = lab.0.faults.arrive(at)?;
        Some((Self { lab: lab.clone(), at }, lab.0.faults.latency().saturating_mul(times)))
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.lab.0.faults.leave(self.at);
    }
}
