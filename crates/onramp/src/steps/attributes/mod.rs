//! Fixes: objects of the forest get other values of attributes, each object in one operation.

mod attribute_kinds;
mod edited;
mod holders;
mod judgment;
mod map;
mod planning;
mod survey;
mod undo;
mod verify;

use onramp_core::forest::{ForestObject, ReplicatedValue};
use onramp_core::{DomainName, ObjectGuid, ObjectId};
use onramp_readiness::{FixChange, ObjectFix, ObjectKey};
use sha2::{Digest, Sha256};
use time::OffsetDateTime;

pub(crate) use edited::{differences, read_edited};
pub use holders::ValueHolder;
pub(crate) use holders::{ASKED_FOR, find_holders, find_implied, named, unique_key};
pub(crate) use holders::{TakenValue, taken_back};
pub(crate) use map::survey_map;
pub use map::{MapProblem, map_problems};
pub use planning::plan;
pub(crate) use planning::title;
pub(crate) use survey::survey;
pub(crate) use undo::undo;
pub(crate) use verify::verify;

use crate::canary::Canary;
use crate::spec::Waits;
use crate::survey::{SuffixSurvey, Unreadable};
use crate::user_ref::UserRef;

/// The fix of one object that somebody chose: of its findings, or prepared elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ChosenFix {
    /// The distinguished name, as the source of the fix writes it.
    pub dn: String,
    /// The `objectGUID`, where the source has it. Without one, the object is looked up by its distinguished name.
    pub guid: Option<ObjectGuid>,
    /// The changes; each attribute once.
    pub changes: Vec<FixChange>,
    /// The reason, in words.
    pub reason: String,
    /// Sentences about what the fix loses.
    pub loses: Vec<String>,
}

impl ChosenFix {
    /// Creates a fix without a reason, and without the GUID of the object.
    pub fn new(dn: impl Into<String>, changes: Vec<FixChange>) -> Self {
        Self { dn: dn.into(), guid: None, changes, reason: String::new(), loses: Vec::new() }
    }

    /// Sets the GUID of the object.
    #[must_use]
    pub fn with_guid(mut self, guid: ObjectGuid) -> Self {
        self.guid = Some(guid);
        self
    }

    /// Sets the reason.
    #[must_use]
    pub fn with_reason(mut self, reason: impl Into<String>) -> Self {
        self.reason = reason.into();
        self
    }

    /// Adds a sentence about what the fix loses.
    #[must_use]
    pub fn with_loss(mut self, sentence: impl Into<String>) -> Self {
        self.loses.push(sentence.into());
        self
    }
}

impl From<&ObjectFix<'_>> for ChosenFix {
    fn from(fix: &ObjectFix<'_>) -> Self {
        let ObjectKey { dn, guid, .. } = fix.object;
        let mut rules: Vec<&str> = fix.fixed.iter().map(|finding| finding.rule.as_str()).collect();
        rules.dedup();
        let mut loses: Vec<String> = Vec::new();
        for finding in &fix.fixed {
            let sentence = finding.fixes.first().and_then(|fix| fix.loses.clone());
            loses.extend(sentence.filter(|sentence| !loses.contains(sentence)));
        }
        Self { dn: dn.clone(), guid: *guid, changes: fix.changes.clone(), reason: rules.join(", "), loses }
    }
}

/// The state of both sides, as far as fixes need it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct FixSurvey {
    /// The time at which reading began.
    pub taken_at: OffsetDateTime,
    /// The tenant.
    pub tenant: ObjectId,
    /// The display name of the tenant.
    pub tenant_name: String,
    /// The custom domain of the spec.
    pub domain: DomainName,
    /// The timeouts of waits of the spec.
    pub waits: Waits,
    /// The UPN suffixes and domain controllers of the forest.
    pub suffix: SuffixSurvey,
    /// The fixes, each with its object as it is in the forest.
    pub objects: Vec<(ChosenFix, SeenObject)>,
    /// The objects that have a value already that a fix sets and that only one object may have.
    pub holders: Vec<ValueHolder>,
    /// The objects that could not be read while holders were looked for.
    pub unreadable: Unreadable,
    /// The origin of the fixes, such as the rules of a scan or the digest of a file: a canary counts for the same one alone.
    pub source: String,
    /// The canary, if only its objects change now.
    pub canary: Option<Canary>,
    /// The UPNs that are missing on a domain controller that answers, of a sample of those that a fix has set already: replication was
    /// not complete when an earlier run ended.
    pub missing_on: Vec<ReplicatedValue>,
}

impl FixSurvey {
    /// Sets the origin of the fixes.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<String>) -> Self {
        self.source = source.into();
        self
    }

    /// Narrows the fixes to the objects of a canary.
    #[must_use]
    pub fn with_canary(mut self, canary: Canary) -> Self {
        self.canary = Some(canary);
        self
    }

    /// Returns the digest of the domain and the origin of the fixes.
    pub(crate) fn digest(&self) -> String {
        let mut digest = Sha256::new();
        for part in ["fixes", self.domain.ascii(), &self.source] {
            digest.update(part.as_bytes());
            digest.update([0]);
        }
        digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// An object of a fix, as it is in the forest.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SeenObject {
    /// The object, with the attributes that the fix changes and those that the rules of readiness read.
    Found {
        /// The names of the object.
        user: UserRef,
        /// The object with its attributes.
        object: ForestObject,
    },
    /// No such object exists, or it cannot be read.
    Missing,
}

/// The word for objects, with their number.
pub(crate) fn objects(count: u64) -> String {
    if count == 1 { "1 object".into() } else { format!("{count} objects") }
}
