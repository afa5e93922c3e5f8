//! The parts of the job that a preflight is about.

use onramp_core::tenant::RoleTemplateId;
use onramp_core::{AttributeName, DistinguishedName, DomainName, LdapFilter, ObjectGuid};

use crate::spec::Spec;

/// The parts of the job that a preflight is about.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct PreflightScope {
    /// The custom domain.
    pub domain: DomainName,
    /// The objects whose rights are tested; `None` if no object is changed.
    pub sample: Option<RightsSample>,
    /// True if directory synchronization is turned on.
    pub sync: bool,
    /// The directory role of the service account; `None` if there is none.
    pub service_account: Option<RoleTemplateId>,
    /// True if the service account gets a new password.
    pub new_password: bool,
}

/// The objects on which the rights of the bind account are tested.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum RightsSample {
    /// Some users below OUs, or of the whole forest if there are none.
    Users {
        /// The OUs.
        ous: Vec<DistinguishedName>,
        /// The filter of the users.
        filter: Option<LdapFilter>,
    },
    /// Certain objects, each with the attributes that are written.
    Objects(Vec<(ObjectGuid, Vec<AttributeName>)>),
}

impl PreflightScope {
    /// Creates the scope of a job that adds a domain and its suffix.
    pub fn new(domain: DomainName) -> Self {
        Self { domain, sample: None, sync: false, service_account: None, new_password: false }
    }
}

impl From<&Spec> for PreflightScope {
    fn from(spec: &Spec) -> Self {
        let sample = |users: &crate::spec::UsersSpec| RightsSample::Users {
            ous: users.ous.clone(),
            filter: users.filter.clone(),
        };
        let account = spec.service_account.as_ref();
        Self {
            domain: spec.domain.clone(),
            sample: spec.users.as_ref().map(sample),
            sync: spec.sync.enable,
            service_account: account.map(|account| account.role),
            new_password: account.is_some_and(|account| account.new_password),
        }
    }
}
