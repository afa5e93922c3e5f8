//! A plan: what would be changed, in which order, what stands in the way, and what accepting it means.

mod approval;
mod blocker;
mod change;
mod consequence;
mod coverage;
mod draft;
mod lines;

use std::collections::BTreeMap;

use onramp_core::{DomainName, ObjectId};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

pub use approval::{ApprovedPlan, NotApproved};
pub use blocker::{Blocker, Problem};
pub use change::{Change, PlannedChange};
pub use consequence::Consequence;
pub(crate) use consequence::short_digest;
pub use draft::plan;
pub(crate) use draft::{Draft, by_place, sorted};
pub use lines::PlanError;

use crate::spec::Waits;
use crate::steps::users::Skipped;

/// What would be changed, in which order, what stands in the way, and what accepting it means.
///
/// Data only: it can be written ([`Plan::write`]), mailed, compared and read back ([`Plan::read`]), and holds no
/// secret. [`Plan::digest`] tells two plans apart.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    pub(crate) header: PlanHeader,
    pub(crate) changes: Vec<PlannedChange>,
    pub(crate) consequences: Vec<Consequence>,
    pub(crate) blockers: Vec<Blocker>,
    pub(crate) warnings: Vec<String>,
    pub(crate) skipped: Vec<Skipped>,
}

/// The tenant that a plan was made for, the time, and the number of users read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PlanHeader {
    /// Form of the file; this version writes and reads `onramp-plan/2`.
    pub format: String,
    /// When the survey began.
    #[serde(with = "time::serde::rfc3339")]
    pub surveyed_at: OffsetDateTime,
    /// The tenant.
    pub tenant: ObjectId,
    /// Its display name.
    pub tenant_name: String,
    /// The forest: the distinguished name of its root domain, in small letters.
    #[serde(default)]
    pub forest: String,
    /// The custom domain.
    pub domain: DomainName,
    /// The parts of the job that the spec asked for.
    #[serde(default)]
    pub scope: Scope,
    /// How many users of the forest were read.
    pub users_read: u64,
    /// How many of them are left as they are, by reason in words.
    pub users_skipped: BTreeMap<String, u64>,
    /// How long to wait for what others must do.
    pub waits: Waits,
}

/// The parts of the job that a spec asked for, besides domain and suffix.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Scope {
    /// Users get new UPNs.
    pub users: bool,
    /// Directory synchronization is switched on.
    pub sync: bool,
    /// A service account is prepared.
    pub service_account: bool,
}

impl Plan {
    /// The tenant that it was made for, the time, and the number of users read.
    pub fn header(&self) -> &PlanHeader {
        &self.header
    }

    /// The changes, in the order in which they will be made.
    pub fn changes(&self) -> &[PlannedChange] {
        &self.changes
    }

    /// What accepting the plan means; each must be named to approve it.
    pub fn consequences(&self) -> &[Consequence] {
        &self.consequences
    }

    /// What stands in the way: of the whole plan, or of single users who are therefore left as they are.
    pub fn blockers(&self) -> &[Blocker] {
        &self.blockers
    }

    /// What the plan could not look at, in words.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Returns true if something blocks the whole plan, so that nobody can approve it.
    pub fn is_blocked(&self) -> bool {
        self.blockers.iter().any(Blocker::is_fatal)
    }

    /// Users that were read and left out on purpose.
    pub fn skipped(&self) -> &[Skipped] {
        &self.skipped
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// How many users get a new UPN.
    pub fn users_changed(&self) -> u64 {
        self.changes.iter().filter(|planned| matches!(planned.change, Change::ChangeUpn { .. })).count()
            as u64
    }
}
