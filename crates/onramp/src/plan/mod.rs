//! A plan: the changes in their order, with blockers and consequences.

mod approval;
mod blocker;
mod change;
mod consequence;
mod coverage;
mod draft;
mod lines;
mod object_edit;
mod skipped;

use std::collections::BTreeMap;

use onramp_core::{DomainName, ObjectId};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

pub use approval::{ApprovedPlan, NotAccepted, NotApproved, PlanReview};
pub use blocker::{Blocker, BlockerKind};
pub(crate) use change::UserValues;
pub use change::{Change, FormerUpn, PlannedChange};
pub(crate) use consequence::short_digest;
pub use consequence::{Consequence, ExcludedObject};
pub(crate) use draft::{Draft, attribute_summary, by_place, sorted};
pub use lines::{PLAN_FORMAT_VERSION, PlanError};
pub use object_edit::{AttributeEdit, ObjectEdit};
pub use skipped::{SkipReason, Skipped};

use crate::canary::Canary;
use crate::preflight::CheckItem;
use crate::spec::Waits;

/// The changes in their order, with blockers and consequences.
///
/// A plan is data without secrets: it can be written ([`Plan::write`]), mailed, compared and read back ([`Plan::read`]).
/// [`Plan::digest`] identifies it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Plan {
    pub(crate) header: PlanHeader,
    pub(crate) changes: Vec<PlannedChange>,
    pub(crate) consequences: Vec<Consequence>,
    pub(crate) blockers: Vec<Blocker>,
    pub(crate) warnings: Vec<String>,
    pub(crate) skipped: Vec<Skipped>,
    pub(crate) preflight: Vec<CheckItem>,
}

/// The header of a plan: its tenant, its time, and the numbers of users.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PlanHeader {
    /// The version of the format of the file; version 2 has `"format":"onramp-plan/2"` in its place.
    #[serde(alias = "format", deserialize_with = "lines::version")]
    pub format_version: u32,
    /// The time at which the survey began.
    #[serde(with = "time::serde::rfc3339")]
    pub surveyed_at: OffsetDateTime,
    /// The tenant.
    pub tenant: ObjectId,
    /// The display name of the tenant.
    pub tenant_name: String,
    /// The forest: the distinguished name of its root domain, in lower case.
    #[serde(default)]
    pub forest: String,
    /// The custom domain.
    pub domain: DomainName,
    /// The parts of the job that the spec asked for.
    #[serde(default)]
    pub scope: Scope,
    /// The number of users of the forest that were read.
    pub users_read: u64,
    /// The numbers of users that are not changed, by reason in words.
    pub users_skipped: BTreeMap<String, u64>,
    /// The timeouts of waits.
    pub waits: Waits,
    /// The digest of the plan whose run this plan undoes, if it undoes one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undoes: Option<String>,
    /// The digest of the domain and the users section of the spec: plans with the same one give the same users the same new
    /// UPNs, all of them or a canary. For fixes, the digest of the domain and of their origin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub users_digest: Option<String>,
    /// The canary that the plan is, if it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub canary: Option<Canary>,
}

/// The parts of the job that a spec asked for, besides domain and suffix.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Scope {
    /// True if users get new UPNs.
    pub users: bool,
    /// True if directory synchronization is turned on.
    pub sync: bool,
    /// True if a service account is prepared.
    pub service_account: bool,
    /// True if an application is prepared.
    #[serde(default, skip_serializing_if = "is_false")]
    pub application: bool,
    /// True if the plan changes attributes of objects, and nothing else.
    #[serde(default, skip_serializing_if = "is_false")]
    pub attributes: bool,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_false(value: &bool) -> bool {
    !value
}

impl Plan {
    /// Returns the header: tenant, time, and numbers of users.
    pub fn header(&self) -> &PlanHeader {
        &self.header
    }

    /// Returns the changes in their order.
    pub fn changes(&self) -> &[PlannedChange] {
        &self.changes
    }

    /// Returns the consequences; each must be named to approve the plan.
    pub fn consequences(&self) -> &[Consequence] {
        &self.consequences
    }

    /// Returns the blockers: of the whole plan, or of single users, which are not changed.
    pub fn blockers(&self) -> &[Blocker] {
        &self.blockers
    }

    /// Returns the warnings, in words: data that could not be read, and parts of the spec without effect.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Returns true if the whole plan is blocked and cannot be approved.
    pub fn is_blocked(&self) -> bool {
        self.blockers.iter().any(Blocker::is_fatal)
    }

    /// Returns the users that are left out on purpose.
    pub fn skipped(&self) -> &[Skipped] {
        &self.skipped
    }

    /// Returns the items of the preflight at the time of the survey; none if there was no preflight.
    ///
    /// They are what was seen at a time, like the time of the survey: the [digest](Plan::digest) does not cover them, and a
    /// policy that names some of them has them judged anew before the first change.
    pub fn preflight(&self) -> &[CheckItem] {
        &self.preflight
    }

    /// Returns true if there is nothing to change.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// Returns the number of objects whose attributes are changed, without the users of the spec.
    pub fn objects_changed(&self) -> u64 {
        let is_object = |planned: &&PlannedChange| matches!(planned.change, Change::ChangeAttributes { .. });
        self.changes.iter().filter(is_object).count() as u64
    }

    /// Returns the number of users that get another UPN or other addresses as users of the spec, or get them back.
    pub fn users_changed(&self) -> u64 {
        self.changes.iter().filter(|planned| planned.change.is_of_user()).count() as u64
    }
}
