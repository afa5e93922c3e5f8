//! The goal of a wait for many changes, and the replication state before them.

use onramp_core::forest::{AttributeValue, InvocationId};
use onramp_core::{AttributeName, DistinguishedName, LdapFilter, ObjectGuid, Upn};
use serde::{Deserialize, Serialize};

/// The replication state of a naming context before many changes.
///
/// Taken by [`mark_replication`](super::ReplicationExt::mark_replication). It may be stored and used by a later run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ReplicationMark {
    /// The naming context.
    pub context: DistinguishedName,
    /// The host name of the domain controller that took writes then.
    pub writer: String,
    /// The domain controllers that could be reached.
    pub controllers: Vec<MarkedController>,
}

/// The replication state of one domain controller.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MarkedController {
    /// The DNS host name.
    pub host: String,
    /// The identity of its database, if it shows it.
    pub invocation_id: Option<InvocationId>,
    /// The highest USN that was assigned.
    pub highest_usn: u64,
}

impl ReplicationMark {
    /// Creates a mark without positions.
    pub fn new(context: DistinguishedName, writer: impl Into<String>) -> Self {
        Self { context, writer: writer.into(), controllers: Vec::new() }
    }

    /// Returns the goal after changes of UPNs: the UPN that each user has now. The last one counts where a user comes
    /// twice.
    pub fn finish(self, upns: impl IntoIterator<Item = (ObjectGuid, Upn)>) -> ReplicationGoal {
        let values = upns.into_iter().map(|(guid, upn)| (guid, Some(AttributeValue::text(upn.as_str()))));
        let goal = self.finish_values(AttributeName::from_static("userPrincipalName"), values);
        // Whoever lost the UPN is not found by it, and looked at one by one.
        ReplicationGoal { filter: LdapFilter::parse("(userPrincipalName=*)").ok(), ..goal }
    }

    /// Returns the goal after changes of another single-valued attribute: the value that each object has now, or
    /// none.
    pub fn finish_values(
        self,
        attribute: AttributeName,
        values: impl IntoIterator<Item = (ObjectGuid, Option<AttributeValue>)>,
    ) -> ReplicationGoal {
        let mut expected: Vec<_> = values.into_iter().collect();
        // Stable, so that of several values of an object the last one stands last.
        expected.sort_by_key(|(guid, _)| *guid);
        expected.reverse();
        expected.dedup_by_key(|(guid, _)| *guid);
        expected.reverse();
        ReplicationGoal { mark: self, attribute, filter: None, expected, proof: ValueProof::default() }
    }

    pub(super) fn of(&self, host: &str) -> Option<&MarkedController> {
        self.controllers.iter().find(|marked| marked.host.eq_ignore_ascii_case(host))
    }
}

/// The proof of values besides the high-water mark.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ValueProof {
    /// A check of every value on every domain controller, read as ranges of what changed there: a million in minutes.
    #[default]
    Every,
    /// A check of this number of values on every domain controller, spread evenly. For slow links: the high-water mark proves
    /// that all changes arrived, but not that no later write replaced one of those left out.
    Sample(usize),
}

/// The attribute values that every domain controller of a naming context has to have.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ReplicationGoal {
    pub(super) mark: ReplicationMark,
    pub(super) attribute: AttributeName,
    pub(super) filter: Option<LdapFilter>,
    /// The values by GUID, each object once.
    pub(super) expected: Vec<(ObjectGuid, Option<AttributeValue>)>,
    pub(super) proof: ValueProof,
}

impl ReplicationGoal {
    /// Sets the proof of values.
    #[must_use]
    pub fn with_proof(mut self, proof: ValueProof) -> Self {
        self.proof = proof;
        self
    }

    /// Sets the filter of what is read of a domain controller; every changed object must match.
    #[must_use]
    pub fn with_filter(mut self, filter: LdapFilter) -> Self {
        self.filter = Some(filter);
        self
    }

    /// Returns the number of objects.
    pub fn len(&self) -> usize {
        self.expected.len()
    }

    /// Returns true if there are no objects.
    pub fn is_empty(&self) -> bool {
        self.expected.is_empty()
    }

    /// Returns the naming context.
    pub fn context(&self) -> &DistinguishedName {
        &self.mark.context
    }

    /// Returns the index of an object among the expected ones.
    pub(super) fn place_of(&self, guid: &ObjectGuid) -> Option<usize> {
        self.expected.binary_search_by_key(guid, |(guid, _)| *guid).ok()
    }

    /// Returns a flag per index: true if the value is checked.
    pub(super) fn places(&self) -> Vec<bool> {
        let total = self.expected.len();
        match self.proof {
            ValueProof::Every => vec![true; total],
            ValueProof::Sample(wanted) => {
                let step = total.div_ceil(wanted.clamp(1, total.max(1))).max(1);
                (0..total).map(|place| place.is_multiple_of(step)).collect()
            }
        }
    }
}
