//! Eventual consistency: an object that was just created is not seen everywhere at once.

use std::time::Duration;

use time::OffsetDateTime;

use crate::tenant::data::ids::SeededRng;

/// The delay before a new object is visible to requests that name it (until then Graph answers 404, Azure Resource
/// Manager `PrincipalNotFound`) and in lists.
///
/// The service itself knows it from the start: creating it twice is a conflict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Consistency {
    /// Seen at once.
    #[default]
    Immediate,
    /// Seen after this many requests in vain; Graph and Azure Resource Manager count by themselves.
    AfterRequests(u32),
    /// Seen after a number of requests drawn from the seed, at most this many.
    WithinRequests(u32),
    /// Seen when this much time has gone by on the tenant's clock.
    After(Duration),
    /// Seen after a time drawn from the seed, at most this long.
    Within(Duration),
}

impl Consistency {
    pub(crate) fn begin(self, now: OffsetDateTime, draw: &mut SeededRng) -> Visibility {
        let requests = |n: u32| Visibility { graph: n, arm: n, from: None };
        let after = |wait: Duration| Visibility { graph: 0, arm: 0, from: Some(now + wait) };
        match self {
            Self::Immediate => Visibility::default(),
            Self::AfterRequests(n) => requests(n),
            Self::WithinRequests(n) => requests(u32::try_from(draw.below(u64::from(n) + 1)).unwrap_or(n)),
            Self::After(wait) => after(wait),
            Self::Within(wait) => {
                let millis = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX - 1);
                after(Duration::from_millis(draw.below(millis + 1)))
            }
        }
    }
}

/// The remaining delay before one object is visible.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Visibility {
    graph: u32,
    arm: u32,
    from: Option<OffsetDateTime>,
}

impl Visibility {
    /// Returns true if a Graph request made now sees the object, and counts the request.
    pub(crate) fn graph(&mut self, now: OffsetDateTime) -> bool {
        Self::look(&mut self.graph, self.from, now)
    }

    /// Returns true if an Azure Resource Manager request made now sees the object, and counts the request.
    pub(crate) fn arm(&mut self, now: OffsetDateTime) -> bool {
        Self::look(&mut self.arm, self.from, now)
    }

    fn look(left: &mut u32, from: Option<OffsetDateTime>, now: OffsetDateTime) -> bool {
        if from.is_some_and(|from| now < from) {
            return false;
        }
        let seen = *left == 0;
        *left = left.saturating_sub(1);
        seen
    }
}
