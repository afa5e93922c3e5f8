//! Domain controllers, and what each of them holds.

use std::fmt::{self, Debug};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{DistinguishedName, ObjectGuid, Result, Upn, UpnSuffix};

/// A domain controller, as the Configuration partition describes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DomainController {
    /// DNS host name (`dNSHostName` of the server object).
    pub host: String,
    /// Distinguished name of its `nTDSDSA` object.
    pub settings: DistinguishedName,
    /// The AD site it stands in.
    pub site: String,
    /// Whether it is a global catalog.
    pub is_global_catalog: bool,
    /// Whether it is read-only (RODC).
    pub is_read_only: bool,
    /// Whether inbound replication is switched off on it: it will never converge.
    pub inbound_disabled: bool,
    /// Naming contexts of which it holds a full replica, writable or not.
    pub naming_contexts: Vec<DistinguishedName>,
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
        }
    }
}

/// A value to look for on each domain controller that must have it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
        /// Whose.
        guid: ObjectGuid,
        /// Where the object is; decides which domain controllers hold it.
        dn: DistinguishedName,
        /// The UPN, compared exactly: a change of case must arrive too.
        upn: Upn,
    },
}

impl ReplicatedValue {
    /// Whether that domain controller must have the value. Suffixes stand in the Configuration partition, which
    /// every one holds; a user only in its own domain.
    pub fn concerns(&self, controller: &DomainController) -> bool {
        match self {
            Self::Suffix { .. } => true,
            Self::UserUpn { dn, .. } => {
                controller.naming_contexts.iter().any(|context| dn.is_within(context))
            }
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

/// Port: replication between the domain controllers of a forest.
///
/// Callers wait with [`ReplicationExt::wait`](super::ReplicationExt::wait).
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait Replication: Debug + Send + Sync {
    /// Every domain controller of the forest, those that cannot be reached included.
    async fn controllers(&self) -> Result<Vec<DomainController>>;

    /// Whether that domain controller itself holds the value now.
    ///
    /// # Errors
    /// `Unavailable` if it cannot be reached, after a bounded time.
    async fn holds(&self, controller: &DomainController, value: &ReplicatedValue) -> Result<bool>;
}
