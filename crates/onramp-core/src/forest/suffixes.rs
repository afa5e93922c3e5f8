//! UPN suffixes of a forest.

use std::fmt::Debug;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{DomainName, Result, UpnSuffix};

/// A suffix that the forest offers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ForestSuffix {
    /// The suffix.
    pub suffix: UpnSuffix,
    /// Why it is offered.
    pub origin: SuffixOrigin,
}

impl ForestSuffix {
    /// A suffix.
    pub fn new(suffix: UpnSuffix, origin: SuffixOrigin) -> Self {
        Self { suffix, origin }
    }
}

/// Why a suffix is offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum SuffixOrigin {
    /// It stands in `uPNSuffixes` of `CN=Partitions,CN=Configuration,…`.
    Explicit,
    /// It is the DNS name of a domain of the forest, and always valid.
    Domain,
}

/// Port: the UPN suffixes of a forest.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait Suffixes: Debug + Send + Sync {
    /// All suffixes: the DNS names of the forest's domains and those that were added.
    async fn list(&self) -> Result<Vec<ForestSuffix>>;

    /// Adds a suffix. AD does not check it, which is why it must be a domain name here.
    ///
    /// # Errors
    /// `AlreadyExists` if the forest offers it in any spelling, from either origin; `Forbidden`.
    async fn add(&self, suffix: &DomainName) -> Result<()>;

    /// Removes an explicit suffix, whatever its spelling. AD does not check whether it is in use.
    ///
    /// # Errors
    /// `NotFound` if it is not among the explicit ones; `Forbidden`.
    async fn remove(&self, suffix: &UpnSuffix) -> Result<()>;
}
