//! The section of synchronization.

use onramp_core::tenant::SyncStatus;
use onramp_readiness::forecast::{MatchesBlocked, PossibleMatch};
use serde::{Deserialize, Serialize};

/// The synchronization of a tenant, and the cloud users that match AD users.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SyncSurvey {
    /// The tenant and its synchronization switch.
    pub status: SyncStatus,
    /// The AD users for which there is a cloud user with the same name: of every user of the forest if the spec wants
    /// synchronization, else of those that the spec selects.
    pub possible_matches: Vec<PossibleMatch>,
    /// The kinds of match that the tenant blocks.
    pub matches_blocked: MatchesBlocked,
    /// True if the directory roles of the cloud users are known.
    pub roles_known: bool,
}

impl SyncSurvey {
    /// Creates the survey of a tenant in which no user was read.
    pub fn new(status: SyncStatus) -> Self {
        let matches_blocked = MatchesBlocked::default();
        Self { status, possible_matches: Vec::new(), matches_blocked, roles_known: true }
    }
}
