//! The section of the domains.

use onramp_core::tenant::TenantDomain;
use serde::{Deserialize, Serialize};

/// The domains of a tenant.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DomainSurvey {
    /// The custom domain, if the tenant has it.
    pub custom: Option<TenantDomain>,
    /// Every verified domain of the tenant.
    pub verified: Vec<TenantDomain>,
}

impl DomainSurvey {
    /// Returns true if the custom domain is verified.
    pub(crate) fn is_verified(&self) -> bool {
        self.custom.as_ref().is_some_and(|domain| domain.is_verified)
    }
}
