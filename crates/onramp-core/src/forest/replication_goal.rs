//! What many changes were and where replication stood before them: what is to be proven of every domain controller.

use serde::{Deserialize, Serialize};

use super::{AttributeValue, InvocationId};
use crate::{AttributeName, DistinguishedName, LdapFilter, ObjectGuid, Upn};

/// Where replication of a naming context stood before many changes.
///
/// Taken by [`begin`](super::ReplicationExt::begin). It may be stored and used by a later run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ReplicationMark {
    /// The naming context.
    pub context: DistinguishedName,
    /// Host name of the domain controller that changes were made on then.
    pub writer: String,
    /// Those that could be asked.
    pub controllers: Vec<MarkedController>,
}

/// Where one domain controller stood.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(clippy::exhaustive_structs)] // a position with a name
pub struct MarkedController {
    /// DNS host name.
    pub host: String,
    /// The identity of its database, if it shows it.
    pub invocation_id: Option<InvocationId>,
    /// The highest USN that it had given out.
    pub highest_usn: u64,
}

impl ReplicationMark {
    /// A mark without positions: it knows the naming context only.
    pub fn new(context: DistinguishedName, writer: impl Into<String>) -> Self {
        Self { context, writer: writer.into(), controllers: Vec::new() }
    }

    /// What is to be proven after the changes: the UPN that each user has now. The last one counts where a user comes
    /// twice.
    pub fn finish(self, upns: impl IntoIterator<Item = (ObjectGuid, Upn)>) -> ReplicationGoal {
        let values = upns.into_iter().map(|(guid, upn)| (guid, Some(AttributeValue::text(upn.as_str()))));
        let goal = self.finish_values(AttributeName::known("userPrincipalName"), values);
        // Whoever lost the UPN is not found by it, and looked at one by one.
        ReplicationGoal { filter: LdapFilter::parse("(userPrincipalName=*)").ok(), ..goal }
    }

    /// What is to be proven after changes of another single-valued attribute: the value that each object has now, or
    /// that it has none.
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

/// How values are looked at besides the high-water mark.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ValueProof {
    /// Every value on every domain controller, read as ranges of what changed there: a million in minutes.
    #[default]
    Every,
    /// So many values on every domain controller, spread evenly. For slow links: the high-water mark proves that all
    /// changes arrived, but not that nobody wrote over one of those left out.
    Sample(usize),
}

/// What is to be proven of every domain controller that holds a naming context: an attribute's values.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ReplicationGoal {
    pub(super) mark: ReplicationMark,
    pub(super) attribute: AttributeName,
    pub(super) filter: Option<LdapFilter>,
    /// By GUID, each once.
    pub(super) expected: Vec<(ObjectGuid, Option<AttributeValue>)>,
    pub(super) proof: ValueProof,
}

impl ReplicationGoal {
    /// With another way of looking at values.
    #[must_use]
    pub fn with_proof(mut self, proof: ValueProof) -> Self {
        self.proof = proof;
        self
    }

    /// Narrows what is read of a domain controller; every object that was changed must match.
    #[must_use]
    pub fn with_filter(mut self, filter: LdapFilter) -> Self {
        self.filter = Some(filter);
        self
    }

    /// How many objects it is about.
    pub fn len(&self) -> usize {
        self.expected.len()
    }

    /// Whether it is about none.
    pub fn is_empty(&self) -> bool {
        self.expected.is_empty()
    }

    /// The naming context.
    pub fn context(&self) -> &DistinguishedName {
        &self.mark.context
    }

    /// The place of an object among the expected.
    pub(super) fn place_of(&self, guid: &ObjectGuid) -> Option<usize> {
        self.expected.binary_search_by_key(guid, |(guid, _)| *guid).ok()
    }

    /// The places whose values are looked at.
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
