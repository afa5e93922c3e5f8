//! Everything a tenant holds, behind one lock.

use std::collections::{BTreeMap, BTreeSet};

use onramp_core::tenant::PasswordProtectionSettings;
use time::OffsetDateTime;

use super::applications::{AppRoleAssignment, Application, ServicePrincipal};
use super::directory::Directory;
use super::domains::{Dns, Domain, UsedElsewhere};
use super::ids::SeededRng;
use super::organization::{ConditionalAccess, Synchronization};
use super::roles::RoleAssignment;
use super::subscriptions::{AzureAssignment, AzureLock, Subscription};
use crate::tenant::limits::consistency::Consistency;
use crate::tenant::sign_in::interactive::InteractiveSignIns;
use crate::tenant::sign_in::tokens::Tokens;

/// The model. Its rules stand in the modules of its parts; what asks (the HTTP server, the ports) only translates.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) draw: SeededRng,
    pub(crate) consistency: Consistency,
    pub(crate) tenant_id: String,
    pub(crate) display_name: String,
    pub(crate) initial_domain: String,
    pub(crate) created: OffsetDateTime,
    /// Synchronization features answer to applications too, which the service itself does not do.
    pub(crate) app_only_sync_features: bool,
    pub(crate) domains: BTreeMap<String, Domain>,
    /// Domains that other tenants have verified, and how the service says so.
    pub(crate) foreign_domains: BTreeMap<String, UsedElsewhere>,
    pub(crate) dns: Dns,
    pub(crate) users: Directory,
    /// Tokens of delta queries from before this are void.
    pub(crate) delta_generation: u64,
    pub(crate) role_assignments: Vec<RoleAssignment>,
    pub(crate) eligible_roles: Vec<RoleAssignment>,
    pub(crate) applications: Vec<Application>,
    pub(crate) service_principals: Vec<ServicePrincipal>,
    pub(crate) app_role_assignments: Vec<AppRoleAssignment>,
    pub(crate) synchronization: Synchronization,
    pub(crate) security_defaults: bool,
    /// The tenant's own password rules; `None` until they were set for the first time.
    pub(crate) password_rules: Option<PasswordProtectionSettings>,
    /// Unified role management is not offered, only the older directory roles are.
    pub(crate) legacy_roles_only: bool,
    /// Roles (by template) that were activated in the older model.
    pub(crate) activated_roles: BTreeSet<String>,
    pub(crate) conditional_access: Vec<ConditionalAccess>,
    pub(crate) subscriptions: Vec<Subscription>,
    pub(crate) azure_assignments: Vec<AzureAssignment>,
    pub(crate) azure_locks: Vec<(String, AzureLock)>,
    /// Scopes at and below which nobody may change role assignments.
    pub(crate) azure_denied: Vec<String>,
    pub(crate) tokens: Tokens,
    pub(crate) interactive_sign_ins: InteractiveSignIns,
}
