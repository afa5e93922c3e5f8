//! The canary: a few users who are changed and verified before the others.

use std::fmt;

use onramp_core::ObjectGuid;
use serde::{Deserialize, Serialize};

/// A canary: a few of the users of a plan, who are changed and verified before the others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Canary {
    /// The users, in the order of their IDs.
    pub users: Vec<ObjectGuid>,
    /// The number of users that the plan for all would have changed.
    pub of: u64,
}

impl Canary {
    /// Creates a canary of some of so many users.
    pub fn new(users: impl IntoIterator<Item = ObjectGuid>, of: u64) -> Self {
        let mut users: Vec<ObjectGuid> = users.into_iter().collect();
        users.sort_unstable();
        users.dedup();
        Self { users, of }
    }

    /// Returns the number of users that are left for later.
    ///
    /// ```
    /// use onramp::{Canary, ObjectGuid};
    /// let canary = Canary::new([ObjectGuid::parse("6f9619ff-8b86-d011-b42d-00c04fc964ff")?], 40);
    /// assert_eq!((canary.rest(), canary.to_string().as_str()), (39, "canary of 1 of 40 users"));
    /// # Ok::<(), onramp_core::ParseError>(())
    /// ```
    pub fn rest(&self) -> u64 {
        self.of.saturating_sub(self.users.len() as u64)
    }
}

impl fmt::Display for Canary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "canary of {} of {} users", self.users.len(), self.of)
    }
}
