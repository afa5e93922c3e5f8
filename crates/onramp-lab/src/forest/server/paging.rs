//! The paged searches that a connection has open.

use crate::forest::reading::entry::Selection;
use crate::forest::reading::search::Search;
use crate::forest::security::refusal::Refusal;
use std::collections::VecDeque;

/// The maximum number of open paged searches of a connection; the oldest is dropped.
const OPEN_SEARCHES: usize = 16;

/// The paged searches that a connection has open.
#[derive(Debug, Default)]
pub(super) struct Paging {
    open: VecDeque<Open>,
    next: u64,
}

#[derive(Debug)]
struct Open {
    cookie: u64,
    plan: Plan,
}

/// A search that was understood.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) search: Search,
    pub(super) selection: Selection,
    pub(super) references: Vec<String>,
    /// The number of entries that the client still accepts; `None` without a limit.
    pub(super) left: Option<usize>,
}

impl Paging {
    pub(super) fn keep(&mut self, plan: Plan) -> Vec<u8> {
        if self.open.len() >= OPEN_SEARCHES {
            self.open.pop_front();
        }
        self.next += 1;
        self.open.push_back(Open { cookie: self.next, plan });
        self.next.to_be_bytes().to_vec()
    }

    pub(super) fn take(&mut self, cookie: &[u8]) -> Result<Plan, Refusal> {
        let at = self.open.iter().position(|open| open.cookie.to_be_bytes() == *cookie);
        let open = at.and_then(|at| self.open.remove(at));
        open.map(|open| open.plan).ok_or_else(|| {
            Refusal::unwilling(
                "the cookie of the paged search is not, or no longer, known on this connection",
            )
        })
    }
}
