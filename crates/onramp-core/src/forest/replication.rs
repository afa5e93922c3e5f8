//! Domain controllers, and what each of them holds.

use std::fmt::{self, Debug};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::{AttributeValue, ForestUser, InvocationId, ReplicationPosition, ValueStamp};
use crate::{AttributeName, BoxStream, DistinguishedName, LdapFilter, ObjectGuid, Result, Upn, UpnSuffix};

/// A domain controller, as the Configuration partition describes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DomainController {
    /// DNS host name (`dNSHostName` of the server object). Where that has none, its own name, which has no dot: see
    /// [`has_host_name`](Self::has_host_name).
    pub host: String,
    /// Distinguished name of its `nTDSDSA` object.
    pub settings: DistinguishedName,
    /// The AD site it stands in.
    pub site: String,
    /// True if it is a global catalog.
    pub is_global_catalog: bool,
    /// True if it is read-only (RODC).
    pub is_read_only: bool,
    /// True if its inbound replication is disabled: it will never converge.
    pub inbound_disabled: bool,
    /// Naming contexts of which it holds a full replica, writable or not.
    pub naming_contexts: Vec<DistinguishedName>,
    /// The identity of its database, as the Configuration partition has it; a read-only one's is not there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invocation_id: Option<InvocationId>,
}

impl DomainController {
    /// A writable domain controller that holds those naming contexts.
    pub fn new(
        host: impl Into<String>,
        settings: DistinguishedName,
        site: impl Into<String>,
        naming_contexts: Vec<DistinguishedName>,
    ) -> Self {
        Self {
            host: host.into(),
            settings,
            site: site.into(),
            is_global_catalog: false,
            is_read_only: false,
            inbound_disabled: false,
            naming_contexts,
            invocation_id: None,
        }
    }

    /// Tells whether there is a DNS host name to reach it by. A domain controller that was removed without its metadata, or is
    /// only half promoted, has none: it is named by its server object, is never asked, and answers nothing.
    pub fn has_host_name(&self) -> bool {
        self.host.contains('.')
    }

    /// Returns true if it holds a full replica of the naming context.
    pub fn holds(&self, context: &DistinguishedName) -> bool {
        self.naming_contexts.contains(context)
    }
}

/// A value to look for on each domain controller that must have it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", tag = "value")]
#[non_exhaustive]
pub enum ReplicatedValue {
    /// The forest offers a suffix, in any spelling.
    Suffix {
        /// The suffix.
        suffix: UpnSuffix,
    },
    /// A user has a UPN.
    UserUpn {
        /// The `objectGUID` of the user.
        guid: ObjectGuid,
        /// The place of the object; decides which domain controllers hold it.
        dn: DistinguishedName,
        /// The UPN, compared exactly: a change of case must arrive too.
        upn: Upn,
    },
}

impl ReplicatedValue {
    /// Creates the value that a user has a UPN.
    pub fn user_upn(user: &ForestUser, upn: Upn) -> Self {
        Self::UserUpn { guid: user.guid, dn: user.dn.clone(), upn }
    }

    /// Returns true if the domain controller must have the value. Suffixes are in the Configuration partition, which
    /// every one holds; a user only in its own domain.
    pub fn concerns(&self, controller: &DomainController) -> bool {
        match self {
            Self::Suffix { .. } => true,
            // The domain's own naming context: one that holds the parent domain holds nothing of its children.
            Self::UserUpn { dn, .. } => dn.domain_context().is_some_and(|domain| controller.holds(&domain)),
        }
    }
}

impl fmt::Display for ReplicatedValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Suffix { suffix } => write!(f, "UPN suffix {suffix}"),
            Self::UserUpn { dn, upn, .. } => write!(f, "UPN {upn} of {dn}"),
        }
    }
}

/// The query for changes of a naming context.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ChangesQuery {
    /// The naming context.
    pub context: DistinguishedName,
    /// Objects that changed at this USN of the domain controller asked or later, for whatever reason; 0 is all.
    pub from_usn: u64,
    /// The single-valued attribute whose value to read.
    pub attribute: AttributeName,
    /// The filter of the objects; `None` is any.
    pub filter: Option<LdapFilter>,
}

impl ChangesQuery {
    /// The objects of a naming context, with one attribute.
    pub fn new(context: DistinguishedName, attribute: AttributeName, from_usn: u64) -> Self {
        Self { context, from_usn, attribute, filter: None }
    }

    /// Narrowed by a filter.
    #[must_use]
    pub fn with_filter(mut self, filter: LdapFilter) -> Self {
        self.filter = Some(filter);
        self
    }
}

/// An object that changed on a domain controller, as it is there now.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ChangedObject {
    /// `objectGUID`.
    pub guid: ObjectGuid,
    /// Distinguished name.
    pub dn: DistinguishedName,
    /// `uSNChanged`: the USN of its last change there.
    pub usn: u64,
    /// The value of the attribute that was asked for.
    pub value: Option<AttributeValue>,
}

impl ChangedObject {
    /// An object.
    pub fn new(guid: ObjectGuid, dn: DistinguishedName, usn: u64, value: Option<AttributeValue>) -> Self {
        Self { guid, dn, usn, value }
    }
}

/// The port of replication between the domain controllers of a forest: enough to wait for one value.
///
/// A method that names a domain controller asks that one itself, and answers `Unavailable` after a bounded time if it cannot
/// be reached.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait Replication: Debug + Send + Sync {
    /// Every domain controller of the forest, those that cannot be reached included, and those that have no host name to
    /// be reached by.
    async fn controllers(&self) -> Result<Vec<DomainController>>;

    /// Returns true if that domain controller itself holds the value now.
    ///
    /// # Errors
    /// `Unavailable` if it cannot be reached, after a bounded time, or has no host name; `Unauthenticated` if it is
    /// there and refuses the account, as a read-only one does that may not keep its password and cannot ask another.
    async fn holds(&self, controller: &DomainController, value: &ReplicatedValue) -> Result<bool>;
}

/// The port of the metadata of replication, which proves the replication of many changes without reading each value.
///
/// It is optional: where a [`Forest`](crate::Forest) has none, the crate `onramp` reads a sample of the values and says so.
///
/// A method that names a domain controller asks that one itself, and answers `Unavailable` after a bounded time if it cannot
/// be reached.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait ReplicationMetadata: Debug + Send + Sync {
    /// The domain controller that changes of that naming context are made on now.
    ///
    /// # Errors
    /// `Unavailable` if there is none that answers.
    async fn writer(&self, context: &DistinguishedName) -> Result<DomainController>;

    /// Returns the replication position of that domain controller in a naming context that it holds.
    async fn position(
        &self,
        controller: &DomainController,
        context: &DistinguishedName,
    ) -> Result<ReplicationPosition>;

    /// The objects that changed on that domain controller, each once, in no order, page by page as the consumer takes
    /// them.
    ///
    /// # Errors
    /// An object that could not be understood is an `Unreadable` item that names it, after which the stream goes on; it
    /// ends after its first other error.
    fn changes(
        &self,
        controller: &DomainController,
        query: ChangesQuery,
    ) -> BoxStream<'static, Result<ChangedObject>>;

    /// The value of a single-valued attribute on that domain controller, and who wrote it.
    ///
    /// # Errors
    /// `NotFound` if it does not hold the object.
    async fn stamp(
        &self,
        controller: &DomainController,
        object: &ObjectGuid,
        attribute: &AttributeName,
    ) -> Result<ValueStamp>;
}
