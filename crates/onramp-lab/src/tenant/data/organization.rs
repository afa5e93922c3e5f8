//! The organization: directory synchronization switch and features, policies that decide about second factors.

use onramp_core::tenant::{DeletionPrevention, RoleTemplateId};
use time::OffsetDateTime;

use super::refusal::{Outcome, Refusal};
use super::users::User;

/// The application that enabling synchronization brings into the tenant.
pub(crate) const SYNC_SERVICE: &str = "6bf85cfa-ac8a-4be5-b5de-425a0d0dc016";

/// The synchronization switch and its features.
#[derive(Clone, Debug)]
pub(crate) struct Synchronization {
    /// `None`: never synchronized.
    pub(crate) enabled: Option<bool>,
    pub(crate) last_sync: Option<OffsetDateTime>,
    pub(crate) switched_off: Option<OffsetDateTime>,
    /// The flags by Graph's name.
    pub(crate) features: Vec<(&'static str, bool)>,
    pub(crate) deletion_prevention: String,
    pub(crate) deletion_threshold: i64,
}

/// Every feature flag of `onPremisesDirectorySynchronizationFeature`, with the value a new tenant has.
const FEATURES: [(&str, bool); 20] = [
    ("allowOnPremUpdateOfOnPremisesObjectIdentifierEnabled", false),
    ("blockCloudObjectTakeoverThroughHardMatchEnabled", false),
    ("blockSoftMatchEnabled", false),
    ("bypassDirSyncOverridesEnabled", false),
    ("cloudPasswordPolicyForPasswordSyncedUsersEnabled", false),
    ("concurrentCredentialUpdateEnabled", false),
    ("concurrentOrgIdProvisioningEnabled", false),
    ("deviceWritebackEnabled", false),
    ("directoryExtensionsEnabled", false),
    ("fopeConflictResolutionEnabled", false),
    ("groupWriteBackEnabled", false),
    ("passwordSyncEnabled", false),
    ("passwordWritebackEnabled", false),
    ("quarantineUponProxyAddressesConflictEnabled", true),
    ("quarantineUponUpnConflictEnabled", true),
    ("softMatchOnUpnEnabled", true),
    ("synchronizeUpnForManagedUsersEnabled", true),
    ("unifiedGroupWritebackEnabled", false),
    ("userForcePasswordChangeOnLogonEnabled", false),
    ("userWritebackEnabled", false),
];

impl Synchronization {
    pub(crate) fn new(enabled: Option<bool>) -> Self {
        Self {
            enabled,
            last_sync: None,
            switched_off: None,
            features: FEATURES.to_vec(),
            deletion_prevention: "enabledForCount".to_owned(),
            deletion_threshold: 500,
        }
    }

    pub(crate) fn prevent_deletions(&mut self, prevention: DeletionPrevention) {
        let (kind, threshold) = match prevention {
            DeletionPrevention::Objects(count) => ("enabledForCount", count),
            DeletionPrevention::Percent(share) => ("enabledForPercentage", share),
            _ => ("disabled", 0),
        };
        (self.deletion_prevention, self.deletion_threshold) = (kind.to_owned(), threshold.into());
    }

    pub(crate) fn set_feature(&mut self, name: &str, value: bool) -> Outcome<()> {
        let flag = self.features.iter_mut().find(|(known, _)| *known == name);
        let flag =
            flag.ok_or_else(|| Refusal::invalid_property(name, format!("Invalid property '{name}'.")))?;
        flag.1 = value;
        Ok(())
    }
}

/// A conditional access policy: whom it covers and what it asks for.
///
/// ```
/// use onramp_lab::tenant::ConditionalAccess;
/// let policy = ConditionalAccess::require_mfa("MFA for everyone").excluding("break-glass@contoso.onmicrosoft.com");
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ConditionalAccess {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) state: &'static str,
    pub(crate) control: &'static str,
    /// AADSTS code of a sign-in that it stops; `None` for one that asks for a second factor.
    pub(crate) code: Option<u32>,
    /// Covers only users who are at risk.
    pub(crate) at_risk: bool,
    /// UPNs when given by a builder, object ids once the tenant stands; empty means everyone.
    pub(crate) included: Vec<String>,
    pub(crate) excluded: Vec<String>,
    /// Template ids of roles whose holders are covered, too.
    pub(crate) included_roles: Vec<String>,
}

impl ConditionalAccess {
    /// Creates an enabled policy that asks everyone for a second factor.
    pub fn require_mfa(name: impl Into<String>) -> Self {
        Self::new(name.into(), "mfa", None)
    }

    /// Creates an enabled policy that lets nobody sign in.
    pub fn block(name: impl Into<String>) -> Self {
        Self::new(name.into(), "block", Some(53_003))
    }

    /// Creates an enabled policy that lets people in from compliant devices only (AADSTS53000).
    pub fn require_compliant_device(name: impl Into<String>) -> Self {
        Self::new(name.into(), "compliantDevice", Some(53_000))
    }

    /// Creates an enabled policy that lets people in from devices only that the organization manages (AADSTS530003).
    pub fn require_managed_device(name: impl Into<String>) -> Self {
        Self::new(name.into(), "compliantDevice", Some(530_003))
    }

    /// Creates an enabled policy that lets people in from devices only that are joined to the domain (AADSTS53001).
    pub fn require_joined_device(name: impl Into<String>) -> Self {
        Self::new(name.into(), "domainJoinedDevice", Some(53_001))
    }

    /// Creates an enabled policy that lets people in with approved applications only (AADSTS53002).
    pub fn require_approved_application(name: impl Into<String>) -> Self {
        Self::new(name.into(), "approvedApplication", Some(53_002))
    }

    /// Creates an enabled policy that lets people in with protected applications only (AADSTS53005).
    pub fn require_protected_application(name: impl Into<String>) -> Self {
        Self::new(name.into(), "compliantApplication", Some(53_005))
    }

    /// Creates an enabled policy that lets nobody in who is at risk ([`SeedUser::at_risk`](super::super::SeedUser::at_risk)).
    pub fn block_at_risk(name: impl Into<String>) -> Self {
        Self { at_risk: true, ..Self::block(name) }
    }

    /// Refuses sign-ins with another AADSTS code than its kind usually has.
    #[must_use]
    pub fn answering(mut self, code: u32) -> Self {
        self.code = Some(code);
        self
    }

    /// Covers only the users named so far by this method, by UPN.
    #[must_use]
    pub fn including(mut self, upn: impl Into<String>) -> Self {
        self.included.push(upn.into());
        self
    }

    /// Covers only the holders of the roles named so far by this method, and users named by
    /// [`including`](Self::including).
    #[must_use]
    pub fn including_role(mut self, role: RoleTemplateId) -> Self {
        self.included_roles.push(role.id().to_string());
        self
    }

    /// Leaves one user out, by UPN.
    #[must_use]
    pub fn excluding(mut self, upn: impl Into<String>) -> Self {
        self.excluded.push(upn.into());
        self
    }

    /// Only reports what it would do.
    #[must_use]
    pub fn report_only(mut self) -> Self {
        self.state = "enabledForReportingButNotEnforced";
        self
    }

    fn new(name: String, control: &'static str, code: Option<u32>) -> Self {
        Self {
            id: String::new(),
            name,
            state: "enabled",
            control,
            code,
            at_risk: false,
            included: Vec::new(),
            excluded: Vec::new(),
            included_roles: Vec::new(),
        }
    }

    /// Returns the included users, as Graph writes them.
    pub(crate) fn users(&self) -> Vec<String> {
        match (self.included.is_empty(), self.included_roles.is_empty()) {
            (true, true) => vec!["All".to_owned()],
            (true, false) => vec!["None".to_owned()],
            _ => self.included.clone(),
        }
    }

    pub(crate) fn covers(&self, user: &User, holds: impl Fn(&str) -> bool) -> bool {
        let named = self.users().iter().any(|name| name == "All" || *name == user.id);
        self.state == "enabled"
            && (named || self.included_roles.iter().any(|role| holds(role)))
            && !self.excluded.contains(&user.id)
            && (!self.at_risk || user.sign_in.at_risk)
    }
}
