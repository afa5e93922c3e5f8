//! What is known of one domain controller while it is waited for.

use std::time::Duration;

use time::OffsetDateTime;

use crate::forest::{
    ControllerProgress, DomainController, InvocationId, ReplicationGoal, ReplicationPosition, ValueStamp,
};

/// A domain controller that is waited for.
pub(super) struct Watched {
    pub(super) controller: DomainController,
    pub(super) is_writer: bool,
    /// It had every value once, since its database is the one that they were written in.
    pub(super) had_all: bool,
    pub(super) invocation_id: Option<InvocationId>,
    pub(super) position: Option<ReplicationPosition>,
    /// Where the next reading of changes begins; 0 is with everything.
    pub(super) from_usn: u64,
    pub(super) read_everything: bool,
    /// Places that were not seen with the expected value yet.
    pub(super) missing: Places,
    /// The highest USN here of the objects that have the expected value.
    pub(super) top_usn: u64,
    pub(super) progress: ControllerProgress,
    pub(super) answered_at: Option<OffsetDateTime>,
    pub(super) interval: Duration,
    pub(super) next_look: Duration,
    pub(super) is_done: bool,
    /// What turned out at this look to be somebody else's value, and where it is.
    pub(super) overwritten: Vec<(usize, ValueStamp, String)>,
    pub(super) diverged: Vec<(usize, ValueStamp)>,
}

impl Watched {
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
            progress: ControllerProgress::new(&controller),
            is_writer,
            had_all: is_writer && mark.writer.eq_ignore_ascii_case(writer),
            invocation_id: marked.and_then(|marked| marked.invocation_id),
            position: None,
            from_usn: marked.map_or(0, |marked| marked.highest_usn.saturating_add(1)),
            read_everything: false,
            missing: Places::new(goal.places()),
            top_usn: 0,
            answered_at: None,
            interval,
            next_look: now,
            is_done: false,
            overwritten: Vec::new(),
            diverged: Vec::new(),
            controller,
        }
    }
}

/// A set of places.
pub(super) struct Places {
    flags: Vec<bool>,
    pub(super) count: usize,
}

impl Places {
    pub(super) fn new(flags: Vec<bool>) -> Self {
        let count = flags.iter().filter(|flag| **flag).count();
        Self { flags, count }
    }

    /// Takes a place out; whether it was in.
    pub(super) fn remove(&mut self, place: usize) -> bool {
        let was_in = self.flags.get_mut(place).is_some_and(std::mem::take);
        self.count -= usize::from(was_in);
        was_in
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        self.flags.iter().enumerate().filter(|(_, flag)| **flag).map(|(place, _)| place)
    }
}
