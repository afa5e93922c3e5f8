//! The ports of an on-premises Active Directory forest: one small trait per capability.
//!
//! All are object-safe and used as `Arc<dyn …>`. Dropping a future or a stream cancels what it does; a write that
//! was already sent may still happen.

mod accounts;
mod change_state;
mod object_changes;
mod objects;
mod password_policies;
mod replication;
mod suffixes;
mod up_to_dateness;
mod upn_order;
mod users;

use std::sync::Arc;

pub use accounts::AccountKind;
pub use change_state::ChangeState;
pub use object_changes::{AttributeChange, ObjectChange, ObjectChanged, ObjectOutcome, ObjectWriter};
pub use objects::{AttributeValue, ForestObject, ForestObjects, ObjectQuery, ObjectRef, SearchScope};
pub use password_policies::{
    DomainPasswordPolicy, EffectivePasswordPolicy, FineGrainedPolicy, Lockout, PasswordPolicies,
    PasswordSettings,
};
pub use replication::{ChangedObject, ChangesQuery, DomainController, ReplicatedValue, Replication};
pub use suffixes::{ForestSuffix, SuffixOrigin, SuffixUsage, Suffixes, SuffixesExt, UnitSuffix};
pub use up_to_dateness::{
    InvocationId, OriginatingWrite, ReplicationCursor, ReplicationPosition, ValueStamp,
};
pub use upn_order::in_upn_order;
pub use users::{ForestUser, ForestUsers, UpnChange, UpnChanged, UpnHolder, UpnOutcome, UserQuery};

#[cfg(feature = "mock")]
pub(crate) mod mocks {
    pub use super::object_changes::MockObjectWriter;
    pub use super::objects::MockForestObjects;
    pub use super::password_policies::MockPasswordPolicies;
    pub use super::replication::MockReplication;
    pub use super::suffixes::MockSuffixes;
    pub use super::users::MockForestUsers;
}

/// A forest: one implementation of each of its ports.
#[derive(Debug, Clone)]
#[allow(clippy::exhaustive_structs)] // replacing one field of it is the point
pub struct Forest {
    /// UPN suffixes.
    pub suffixes: Arc<dyn Suffixes>,
    /// Users.
    pub users: Arc<dyn ForestUsers>,
    /// Changes of objects of any class.
    pub object_writer: Arc<dyn ObjectWriter>,
    /// Replication between domain controllers.
    pub replication: Arc<dyn Replication>,
    /// Password policies.
    pub password_policies: Arc<dyn PasswordPolicies>,
    /// Objects of any class, for reading.
    pub objects: Arc<dyn ForestObjects>,
}
