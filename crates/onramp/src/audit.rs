//! The audit trail of a run: each change by name and ID, for a security information and event management system (SIEM).

use std::collections::BTreeMap;

use serde::Serialize;
use time::OffsetDateTime;

use crate::journal::{JournalEntry, JournalRecord};
use crate::outcome::Outcome;
use crate::plan::{Change, Plan, PlannedChange};

/// The version of the format of audit records.
pub const AUDIT_FORMAT_VERSION: u32 = 1;

/// A record of the audit trail: one line of JSON Lines. Contains no secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct AuditRecord {
    /// The version of the format.
    pub format_version: u32,
    /// The time.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// The digest of the plan.
    pub plan: String,
    /// The number of the opening of the journal, which tells runs of one plan apart.
    pub epoch: u64,
    /// The person or program that ran the plan, if known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operator: Option<String>,
    /// The object ID of the tenant.
    pub tenant: String,
    /// The forest: the distinguished name of its root domain.
    pub forest: String,
    /// The action.
    #[serde(flatten)]
    pub action: AuditAction,
}

/// The action of an audit record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "action")]
#[non_exhaustive]
pub enum AuditAction {
    /// The start of a run.
    RunStarted {
        /// The IDs of the accepted consequences.
        accepted: Vec<String>,
        /// The author of the plan, if it was approved in a plan store.
        #[serde(skip_serializing_if = "Option::is_none")]
        author: Option<String>,
        /// The approvers of the plan.
        approvers: Vec<String>,
        /// The digest of the plan whose run it undoes, if it undoes one.
        #[serde(skip_serializing_if = "Option::is_none")]
        undoes: Option<String>,
        /// The number of users of the canary that the plan is, if it is one.
        #[serde(skip_serializing_if = "Option::is_none")]
        canary_users: Option<u64>,
    },
    /// A change that was tried.
    Change {
        /// The number in the plan, from 1.
        number: u64,
        /// The kind of change, as in the plan: `change-upn`, `add-domain`.
        kind: String,
        /// The object by name: a distinguished name, a domain, the UPN of an account, or the unique name of an application.
        #[serde(skip_serializing_if = "Option::is_none")]
        name: Option<String>,
        /// The object by ID.
        #[serde(skip_serializing_if = "Option::is_none")]
        object: Option<String>,
        /// The value before, if one was replaced.
        #[serde(skip_serializing_if = "Option::is_none")]
        before: Option<String>,
        /// The new value, if there is one.
        #[serde(skip_serializing_if = "Option::is_none")]
        after: Option<String>,
        /// The outcome; `unknown` if the run ended without a record of it.
        outcome: Outcome,
        /// Details in words, empty if there are none.
        #[serde(skip_serializing_if = "String::is_empty")]
        detail: String,
    },
    /// The end of a run.
    RunEnded {
        /// The status in words.
        status: String,
    },
    /// The verification of a run.
    RunVerified {
        /// True if every check was true.
        is_green: bool,
    },
}

/// The audit trail of the runs of a plan, made from the records of their journal.
///
/// ```
/// # async fn example(plan: onramp::Plan, journal: &dyn onramp::Journal) -> onramp::Result<()> {
/// use onramp::{AuditTrail, TryStreamExt};
///
/// let (mut trail, mut records) = (AuditTrail::new(&plan), journal.read_all());
/// while let Some(record) = records.try_next().await? {
///     for audited in trail.add(&record) {
///         println!("{}", serde_json::to_string(&audited).unwrap_or_default());
///     }
/// }
/// for audited in trail.end() {
///     println!("{}", serde_json::to_string(&audited).unwrap_or_default());
/// }
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct AuditTrail<'a> {
    plan: &'a Plan,
    digest: String,
    /// True while records of this plan are added: a journal may have runs of several plans.
    is_current: bool,
    epoch: u64,
    operator: Option<String>,
    /// The changes without an end, each with its start.
    open: BTreeMap<u64, JournalRecord>,
}

impl<'a> AuditTrail<'a> {
    /// Creates the trail of a plan.
    pub fn new(plan: &'a Plan) -> Self {
        let (digest, open) = (plan.digest(), BTreeMap::new());
        Self { plan, digest, is_current: false, epoch: 0, operator: None, open }
    }

    /// Adds a record of the journal, and returns what is known then. Records of runs of other plans are ignored.
    pub fn add(&mut self, record: &JournalRecord) -> Vec<AuditRecord> {
        let action = match &record.entry {
            JournalEntry::RunStarted {
                plan,
                epoch,
                operator,
                accepted,
                author,
                approvers,
                undoes,
                canary,
                ..
            } => {
                let mut found = self.interrupted();
                self.is_current = *plan == self.digest;
                if self.is_current {
                    (self.epoch, self.operator) = (*epoch, operator.clone());
                    let action = AuditAction::RunStarted {
                        accepted: accepted.clone(),
                        author: author.clone(),
                        approvers: approvers.clone(),
                        undoes: undoes.clone(),
                        canary_users: canary.as_ref().map(|canary| canary.users.len() as u64),
                    };
                    found.push(self.record(record.at, action));
                }
                return found;
            }
            _ if !self.is_current => return Vec::new(),
            JournalEntry::ChangeStarted { number, .. } => {
                self.open.insert(*number, record.clone());
                return Vec::new();
            }
            JournalEntry::ChangeEnded { number, outcome, object, before, after, detail } => {
                let started = self.open.remove(number);
                if *outcome == Outcome::Cancelled && self.is_of_user(*number) {
                    // It was not sent, and so is no change that was tried.
                    return Vec::new();
                }
                self.change(*number, started.as_ref(), [object, before, after], *outcome, detail)
            }
            JournalEntry::RunEnded { status } => AuditAction::RunEnded { status: status.to_string() },
            JournalEntry::RunVerified { is_green } => AuditAction::RunVerified { is_green: *is_green },
        };
        vec![self.record(record.at, action)]
    }

    /// Returns the changes that were begun and have no end, after the last record.
    pub fn end(mut self) -> Vec<AuditRecord> {
        self.interrupted()
    }

    fn interrupted(&mut self) -> Vec<AuditRecord> {
        let open = std::mem::take(&mut self.open);
        let records = open.into_iter().map(|(number, started)| {
            let detail = "the run ended without a record of the outcome";
            let action = self.change(number, Some(&started), [&None; 3], Outcome::Unknown, detail);
            self.record(started.at, action)
        });
        records.collect()
    }

    fn record(&self, at: OffsetDateTime, action: AuditAction) -> AuditRecord {
        let header = self.plan.header();
        AuditRecord {
            format_version: AUDIT_FORMAT_VERSION,
            at,
            plan: self.digest.clone(),
            epoch: self.epoch,
            operator: self.operator.clone(),
            tenant: header.tenant.to_string(),
            forest: header.forest.clone(),
            action,
        }
    }

    fn change(
        &self,
        number: u64,
        started: Option<&JournalRecord>,
        ended: [&Option<String>; 3],
        outcome: Outcome,
        detail: &str,
    ) -> AuditAction {
        let begun = match started.map(|record| &record.entry) {
            Some(JournalEntry::ChangeStarted { object, before, after, .. }) => [object, before, after],
            _ => [&None; 3],
        };
        let [object, before, after] = std::array::from_fn(|place| {
            let either = |values: [&Option<String>; 3]| values.get(place).and_then(|value| (*value).clone());
            either(ended).or_else(|| either(begun))
        });
        let (kind, name) = self.planned(number).map(described).unwrap_or_default();
        AuditAction::Change { number, kind, name, object, before, after, outcome, detail: detail.to_owned() }
    }

    fn planned(&self, number: u64) -> Option<&PlannedChange> {
        self.plan.changes().get(usize::try_from(number).ok()?.checked_sub(1)?)
    }

    fn is_of_user(&self, number: u64) -> bool {
        self.planned(number).is_some_and(|planned| planned.change.object().is_some())
    }
}

/// Returns the kind of a change, and the name of its object.
fn described(planned: &PlannedChange) -> (String, Option<String>) {
    let change = &planned.change;
    let kind = match serde_json::to_value(change) {
        Ok(value) => value.get("change").and_then(|kind| kind.as_str()).unwrap_or_default().to_owned(),
        Err(_) => String::new(),
    };
    let name = match change {
        Change::AddDomain { domain }
        | Change::VerifyDomain { domain }
        | Change::RemoveDomain { domain, .. } => Some(domain.to_string()),
        Change::AddSuffix { suffix } | Change::RemoveSuffix { suffix } => Some(suffix.to_string()),
        change => match change.object() {
            Some((_, dn)) => Some(dn.to_string()),
            None => (change.upn_of_account().map(ToString::to_string))
                .or_else(|| change.unique_name().map(str::to_owned)),
        },
    };
    (kind, name)
}
