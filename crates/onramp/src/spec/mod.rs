//! What should be true when the job is done: the wish, as data.

mod parse;
mod users;

use std::time::Duration;

use onramp_core::tenant::{AzureRoleId, RoleTemplateId};
use onramp_core::{DomainName, Upn};
use serde::{Deserialize, Serialize};

pub use parse::SpecError;
pub(crate) use parse::{distance, nearest};
pub use users::{NewUpn, UsersSpec};

use crate::steps::users::in_ascii;

/// What should be true when the job is done.
///
/// Read from TOML by [`Spec::from_toml`]. Unknown keys are refused, with the nearest known name.
///
/// ```
/// let spec = onramp::Spec::from_toml(r#"
///     domain = "contoso.com"
///
///     [users]
///     ous = ["OU=Staff,DC=corp,DC=local"]
///     exclude = ["svc-backup"]
///
///     [sync]
///     enable = true
///
///     [service_account]
///     upn = "onramp-sync@contoso.com"
///     alternate_email = "it-ops@contoso.com"
/// "#)?;
/// assert_eq!(spec.domain.as_str(), "contoso.com");
/// # Ok::<(), onramp::SpecError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Spec {
    /// The custom domain that the tenant shall own, the forest shall offer as UPN suffix, and users shall get.
    pub domain: DomainName,
    /// Whose UPN changes, and to what. Without it no user is touched.
    #[serde(default)]
    pub users: Option<UsersSpec>,
    /// The synchronisation switch.
    #[serde(default)]
    pub sync: SyncSpec,
    /// The account that synchronisation signs in with. Without it none is made.
    #[serde(default)]
    pub service_account: Option<ServiceAccountSpec>,
    /// How long to wait for what others must do.
    #[serde(default)]
    pub waits: Waits,
}

impl Spec {
    /// A spec that wants the domain and its suffix, and nothing else yet.
    pub fn new(domain: DomainName) -> Self {
        Self {
            domain,
            users: None,
            sync: SyncSpec::default(),
            service_account: None,
            waits: Waits::default(),
        }
    }
}

/// The synchronisation switch.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct SyncSpec {
    /// Whether it shall be on. `false` leaves it as it is; Onramp never switches it off.
    pub enable: bool,
}

/// The account that synchronisation signs in with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ServiceAccountSpec {
    /// The UPN; usually on the custom domain, or on the initial one. An internationalized domain is read as `xn--…`,
    /// as a tenant holds it.
    #[serde(deserialize_with = "upn_in_ascii")]
    pub upn: Upn,
    /// Its display name.
    #[serde(default = "default_display_name")]
    pub display_name: String,
    /// Where mail about the account goes.
    #[serde(default)]
    pub alternate_email: Option<String>,
    /// Its directory role, by English name or template ID.
    #[serde(default = "default_role", with = "role_text")]
    pub role: RoleTemplateId,
    /// Subscriptions it shall have access to.
    #[serde(default)]
    pub subscriptions: Vec<SubscriptionSpec>,
    /// True if it gets a new password in place of the one it has, in this run: for an account whose password is lost,
    /// or known to somebody.
    #[serde(default)]
    pub new_password: bool,
}

impl ServiceAccountSpec {
    /// An account of that UPN with the defaults: Hybrid Identity Administrator, no subscription.
    pub fn new(upn: Upn) -> Self {
        Self {
            upn: in_ascii(&upn),
            display_name: default_display_name(),
            alternate_email: None,
            role: default_role(),
            subscriptions: Vec::new(),
            new_password: false,
        }
    }
}

/// A subscription and the role on it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct SubscriptionSpec {
    /// Its ID or its display name.
    pub subscription: String,
    /// The Azure role: Owner, Contributor, Reader, User Access Administrator, or the ID of another definition.
    #[serde(with = "azure_role_text")]
    pub role: AzureRoleId,
}

impl SubscriptionSpec {
    /// A role on a subscription.
    pub fn new(subscription: impl Into<String>, role: AzureRoleId) -> Self {
        Self { subscription: subscription.into(), role }
    }
}

/// How long to wait for what others must do, in minutes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Waits {
    /// For the DNS record that proves the domain to be published and seen. 60 unless set.
    pub domain_verification_minutes: u32,
    /// For every domain controller to have a value. 15 unless set.
    pub replication_minutes: u32,
}

impl Default for Waits {
    fn default() -> Self {
        Self { domain_verification_minutes: 60, replication_minutes: 15 }
    }
}

impl Waits {
    /// For the DNS record.
    pub fn domain_verification(&self) -> Duration {
        Duration::from_secs(u64::from(self.domain_verification_minutes) * 60)
    }

    /// For replication.
    pub fn replication(&self) -> Duration {
        Duration::from_secs(u64::from(self.replication_minutes) * 60)
    }
}

fn upn_in_ascii<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Upn, D::Error> {
    Upn::deserialize(from).map(|upn| in_ascii(&upn))
}

fn default_display_name() -> String {
    "On-premises directory synchronization".into()
}

fn default_role() -> RoleTemplateId {
    RoleTemplateId::HYBRID_IDENTITY_ADMINISTRATOR
}

/// Roles are written by name where they have one.
macro_rules! role_as_text {
    ($module:ident, $role:ty, $what:literal) => {
        mod $module {
            use super::*;
            pub(super) fn serialize<S: serde::Serializer>(role: &$role, to: S) -> Result<S::Ok, S::Error> {
                to.collect_str(role)
            }
            pub(super) fn deserialize<'de, D: serde::Deserializer<'de>>(from: D) -> Result<$role, D::Error> {
                let text = String::deserialize(from)?;
                <$role>::by_name(&text).or_else(|| text.parse().ok().map(<$role>::new)).ok_or_else(|| {
                    serde::de::Error::custom(format!(
                        concat!("“{}” is neither the name nor the ID of ", $what),
                        text
                    ))
                })
            }
        }
    };
}
role_as_text!(role_text, RoleTemplateId, "a known directory role");
role_as_text!(azure_role_text, AzureRoleId, "a known Azure role");
