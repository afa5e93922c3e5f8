//! The ports of an on-premises Active Directory forest: one small trait per capability.
//!
//! All are object-safe and used as `Arc<dyn …>`. Dropping a future or a stream cancels what it does; a write that
//! was already sent may still happen.

mod account_kind;
mod accounts;
mod change_state;
mod controller_probe;
mod object_changes;
mod objects;
mod password_policies;
mod replication;
mod suffixes;
mod up_to_dateness;
mod users;

use std::sync::Arc;

use crate::{Result, Upn};

pub use account_kind::AccountKind;
pub use change_state::ChangeState;
pub use controller_probe::{ControllerProbe, ProbedController};
pub use object_changes::{AttributeChange, ObjectChange, ObjectChanged, ObjectOutcome, ObjectWriter};
pub use objects::{AttributeValue, ForestObject, ForestObjects, ObjectQuery, ObjectRef, SearchScope};
pub use password_policies::{
    DomainPasswordPolicy, EffectivePasswordPolicy, FineGrainedPolicy, Lockout, PasswordPolicies,
    PasswordSettings,
};
pub use replication::{
    ChangedObject, ChangesQuery, DomainController, ReplicatedValue, Replication, ReplicationMetadata,
};
pub use suffixes::{ForestSuffix, SuffixOrigin, SuffixUsage, Suffixes, SuffixesExt, UnitSuffix};
pub use up_to_dateness::{
    InvocationId, OriginatingWrite, ReplicationCursor, ReplicationPosition, ValueStamp,
};
pub use users::{ForestUser, ForestUsers, UpnChange, UpnOwner, UserQuery};

#[cfg(feature = "mock")]
pub(crate) mod mocks {
    pub use super::controller_probe::MockControllerProbe;
    pub use super::object_changes::MockObjectWriter;
    pub use super::objects::MockForestObjects;
    pub use super::password_policies::MockPasswordPolicies;
    pub use super::replication::{MockReplication, MockReplicationMetadata};
    pub use super::suffixes::MockSuffixes;
    pub use super::users::MockForestUsers;
}

/// The ports of a forest, one implementation of each.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Forest {
    /// The port of the UPN suffixes.
    pub suffixes: Arc<dyn Suffixes>,
    /// The port of the users, for reading.
    pub users: Arc<dyn ForestUsers>,
    /// The port of changes of objects of any class.
    pub object_writer: Arc<dyn ObjectWriter>,
    /// The port of replication between domain controllers.
    pub replication: Arc<dyn Replication>,
    /// The optional port of the metadata of replication.
    pub replication_metadata: Option<Arc<dyn ReplicationMetadata>>,
    /// The port of the password policies.
    pub password_policies: Arc<dyn PasswordPolicies>,
    /// The port of objects of any class, for reading.
    pub objects: Arc<dyn ForestObjects>,
    /// The optional port of the state of single domain controllers.
    pub controller_probe: Option<Arc<dyn ControllerProbe>>,
}

impl Forest {
    /// Creates a bundle of the ports that every forest has; the optional ones are added with
    /// [`with_replication_metadata`](Self::with_replication_metadata) and
    /// [`with_controller_probe`](Self::with_controller_probe).
    #[must_use]
    pub fn new(
        suffixes: Arc<dyn Suffixes>,
        users: Arc<dyn ForestUsers>,
        object_writer: Arc<dyn ObjectWriter>,
        replication: Arc<dyn Replication>,
        password_policies: Arc<dyn PasswordPolicies>,
        objects: Arc<dyn ForestObjects>,
    ) -> Self {
        Self {
            suffixes,
            users,
            object_writer,
            replication,
            replication_metadata: None,
            password_policies,
            objects,
            controller_probe: None,
        }
    }

    /// Creates a bundle from one value that implements all ports, the optional ones included.
    #[must_use]
    pub fn from_ports<P>(ports: Arc<P>) -> Self
    where
        P: Suffixes
            + ForestUsers
            + ObjectWriter
            + Replication
            + ReplicationMetadata
            + PasswordPolicies
            + ForestObjects
            + ControllerProbe
            + 'static,
    {
        Self {
            suffixes: Arc::<P>::clone(&ports),
            users: Arc::<P>::clone(&ports),
            object_writer: Arc::<P>::clone(&ports),
            replication: Arc::<P>::clone(&ports),
            replication_metadata: Some(Arc::<P>::clone(&ports) as Arc<dyn ReplicationMetadata>),
            password_policies: Arc::<P>::clone(&ports),
            objects: Arc::<P>::clone(&ports),
            controller_probe: Some(ports),
        }
    }

    /// Replaces the port of the UPN suffixes.
    #[must_use]
    pub fn with_suffixes(mut self, port: Arc<dyn Suffixes>) -> Self {
        self.suffixes = port;
        self
    }

    /// Replaces the port of the users, for reading.
    #[must_use]
    pub fn with_users(mut self, port: Arc<dyn ForestUsers>) -> Self {
        self.users = port;
        self
    }

    /// Replaces the port of changes of objects of any class.
    #[must_use]
    pub fn with_object_writer(mut self, port: Arc<dyn ObjectWriter>) -> Self {
        self.object_writer = port;
        self
    }

    /// Replaces the port of replication between domain controllers.
    #[must_use]
    pub fn with_replication(mut self, port: Arc<dyn Replication>) -> Self {
        self.replication = port;
        self
    }

    /// Sets the optional port of the metadata of replication.
    #[must_use]
    pub fn with_replication_metadata(mut self, port: Arc<dyn ReplicationMetadata>) -> Self {
        self.replication_metadata = Some(port);
        self
    }

    /// Removes the optional port of the metadata of replication.
    #[must_use]
    pub fn without_replication_metadata(mut self) -> Self {
        self.replication_metadata = None;
        self
    }

    /// Replaces the port of the password policies.
    #[must_use]
    pub fn with_password_policies(mut self, port: Arc<dyn PasswordPolicies>) -> Self {
        self.password_policies = port;
        self
    }

    /// Replaces the port of objects of any class, for reading.
    #[must_use]
    pub fn with_objects(mut self, port: Arc<dyn ForestObjects>) -> Self {
        self.objects = port;
        self
    }

    /// Sets the optional port of the state of single domain controllers.
    #[must_use]
    pub fn with_controller_probe(mut self, port: Arc<dyn ControllerProbe>) -> Self {
        self.controller_probe = Some(port);
        self
    }

    /// Removes the optional port of the state of single domain controllers.
    #[must_use]
    pub fn without_controller_probe(mut self) -> Self {
        self.controller_probe = None;
        self
    }
}

impl Forest {
    /// Returns the user with a UPN, if there is one.
    ///
    /// # Errors
    /// Those of [`ForestObjects::get`], `NotFound` apart.
    pub async fn find(&self, upn: &Upn) -> Result<Option<ForestUser>> {
        let found = match self.objects.get(&ObjectRef::Upn(upn.clone()), &[]).await {
            Ok(object) => self.users.get(&object.guid).await,
            Err(error) => Err(error),
        };
        match found {
            Ok(user) => Ok(Some(user)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Changes the UPN of a user by compare-and-swap: the user must still have the UPN that was read.
    ///
    /// ```no_run
    /// # use onramp_core::{Forest, Result};
    /// # async fn example(forest: Forest) -> Result<()> {
    /// if let Some(user) = forest.find(&"anna@corp.local".parse()?).await? {
    ///     forest.rename(&user, "anna@contoso.com".parse()?).await?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of [`ObjectWriter::change`].
    pub async fn rename(&self, user: &ForestUser, upn: Upn) -> Result<ObjectChanged> {
        let change = UpnChange { guid: user.guid, dn: user.dn.clone(), before: user.upn.clone(), after: upn };
        self.object_writer.change(&change.into()).await
    }
}
