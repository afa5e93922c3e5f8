//! The state of one domain controller during a wait for many changes.

use std::time::Duration;

use onramp_core::forest::{DomainController, InvocationId, ReplicationPosition, ValueStamp};
use time::OffsetDateTime;

use super::{ControllerStatus, ReplicationGoal};

/// The state of one domain controller during the wait.
pub(super) struct ControllerState {
    pub(super) controller: DomainController,
    pub(super) is_writer: bool,
    /// True if it had every value once, since they were written to its database.
    pub(super) had_all: bool,
    pub(super) invocation_id: Option<InvocationId>,
    pub(super) position: Option<ReplicationPosition>,
    /// The USN that the next read of changes begins with; 0 reads everything.
    pub(super) from_usn: u64,
    pub(super) read_everything: bool,
    /// The indices of values that were not seen yet.
    pub(super) missing: Indices,
    /// The highest local USN of the objects that have the expected value.
    pub(super) top_usn: u64,
    pub(super) status: ControllerStatus,
    pub(super) answered_at: Option<OffsetDateTime>,
    pub(super) interval: Duration,
    pub(super) next_poll: Duration,
    pub(super) is_done: bool,
    /// The values that this poll found to be overwritten, each with its host.
    pub(super) overwritten: Vec<(usize, ValueStamp, String)>,
    pub(super) diverged: Vec<(usize, ValueStamp)>,
}

impl ControllerState {
    pub(super) fn new(
        controller: DomainController,
        goal: &ReplicationGoal,
        writer: &str,
        now: Duration,
        interval: Duration,
    ) -> Self {
        let mark = &goal.mark;
        let marked = mark.of(&controller.host);
        let is_writer = controller.host.eq_ignore_ascii_case(writer);
        Self {
            status: ControllerStatus::new(&controller),
            is_writer,
            had_all: is_writer && mark.writer.eq_ignore_ascii_case(writer),
            invocation_id: marked.and_then(|marked| marked.invocation_id),
            position: None,
            from_usn: marked.map_or(0, |marked| marked.highest_usn.saturating_add(1)),
            read_everything: false,
            missing: Indices::new(goal.places()),
            top_usn: 0,
            answered_at: None,
            interval,
            next_poll: now,
            is_done: false,
            overwritten: Vec::new(),
            diverged: Vec::new(),
            controller,
        }
    }
}

/// A set of indices.
pub(super) struct Indices {
    flags: Vec<bool>,
    pub(super) count: usize,
}

impl Indices {
    pub(super) fn new(flags: Vec<bool>) -> Self {
        let count = flags.iter().filter(|flag| **flag).count();
        Self { flags, count }
    }

    /// Removes an index; returns true if it was in the set.
    pub(super) fn remove(&mut self, place: usize) -> bool {
        let was_in = self.flags.get_mut(place).is_some_and(std::mem::take);
        self.count -= usize::from(was_in);
        was_in
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        self.flags.iter().enumerate().filter(|(_, flag)| **flag).map(|(place, _)| place)
    }
}
