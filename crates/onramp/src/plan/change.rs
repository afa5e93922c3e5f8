//! The kinds of change.

use std::fmt;

use onramp_core::forest::{ReplicatedValue, UpnChange};
use onramp_core::tenant::{AzureRoleId, MfaState, RoleTemplateId};
use onramp_core::{DomainName, ObjectId, Upn, visible};
use serde::{Deserialize, Serialize};

/// A change with its number and its reason.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PlannedChange {
    /// The number in the plan, from 1.
    pub number: u64,
    /// The reason in words.
    pub reason: String,
    /// The change.
    #[serde(flatten)]
    pub change: Change,
}

impl PlannedChange {
    /// Returns the new value of a user, if the change sets one.
    pub(crate) fn value(&self) -> Option<ReplicatedValue> {
        match &self.change {
            Change::ChangeUpn { upn } => {
                Some(ReplicatedValue::UserUpn { guid: upn.guid, dn: upn.dn.clone(), upn: upn.after.clone() })
            }
            _ => None,
        }
    }
}

/// A change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "change")]
#[non_exhaustive]
pub enum Change {
    /// The custom domain is added to the tenant.
    AddDomain {
        /// The domain.
        domain: DomainName,
    },
    /// The tenant verifies the custom domain, once its DNS record is published.
    VerifyDomain {
        /// The domain.
        domain: DomainName,
    },
    /// The domain is added to the UPN suffixes of the forest.
    AddSuffix {
        /// The suffix.
        suffix: DomainName,
    },
    /// A wait for the replication of values to every domain controller. Changes nothing.
    AwaitReplication {
        /// The values: for users a sample. Every change of the plan is awaited if the directory has up-to-dateness vectors.
        values: Vec<ReplicatedValue>,
        /// The host names of the domain controllers that do not answer and are left out.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        without: Vec<String>,
    },
    /// A user that still has the old UPN gets the new one.
    ChangeUpn {
        /// The user, its old UPN and the new one.
        #[serde(flatten)]
        upn: UpnChange,
    },
    /// Directory synchronization is turned on.
    EnableSync,
    /// The service account is created, with a strong password that does not expire.
    CreateServiceAccount {
        /// The UPN.
        upn: Upn,
        /// The display name.
        display_name: String,
        /// The alternate e-mail addresses.
        other_mails: Vec<String>,
    },
    /// The alternate e-mail address of the service account is set.
    SetAlternateEmail {
        /// The account.
        upn: Upn,
        /// The object ID in the survey; `None` if this plan creates the account.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<ObjectId>,
        /// The current addresses.
        before: Vec<String>,
        /// The new addresses.
        after: Vec<String>,
    },
    /// The service account is enabled.
    EnableServiceAccount {
        /// The account.
        upn: Upn,
        /// The object ID in the survey; `None` if this plan creates the account.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<ObjectId>,
    },
    /// An existing service account gets a strong password that does not expire.
    SetServiceAccountPassword {
        /// The account.
        upn: Upn,
        /// The object ID in the survey; `None` if this plan creates the account.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<ObjectId>,
        /// True if the password is replaced even if the store has the current one.
        #[serde(default)]
        replace: bool,
    },
    /// The per-user MFA state of the service account is set.
    SetMfaState {
        /// The account.
        upn: Upn,
        /// The object ID in the survey; `None` if this plan creates the account.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<ObjectId>,
        /// The current state.
        before: MfaState,
        /// The new state.
        after: MfaState,
    },
    /// The service account gets its directory role.
    AssignRole {
        /// The account.
        upn: Upn,
        /// The object ID in the survey; `None` if this plan creates the account.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<ObjectId>,
        /// The template ID of the role.
        role: RoleTemplateId,
        /// The name.
        role_name: String,
    },
    /// The service account gets a role on a subscription.
    AssignSubscriptionRole {
        /// The account.
        upn: Upn,
        /// The object ID in the survey; `None` if this plan creates the account.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<ObjectId>,
        /// The subscription.
        subscription: ObjectId,
        /// The name.
        subscription_name: String,
        /// The ID of the role definition.
        role: AzureRoleId,
        /// The name.
        role_name: String,
    },
    /// A test of the sign-in of the service account with its password alone. Changes nothing.
    ProveSignIn {
        /// The account.
        upn: Upn,
        /// The object ID in the survey; `None` if this plan creates the account.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<ObjectId>,
    },
}

impl Change {
    /// Returns the object ID of the account that it changes, if known.
    pub(crate) fn account_id(&self) -> Option<ObjectId> {
        match self {
            Self::SetAlternateEmail { id, .. }
            | Self::EnableServiceAccount { id, .. }
            | Self::SetServiceAccountPassword { id, .. }
            | Self::SetMfaState { id, .. }
            | Self::AssignRole { id, .. }
            | Self::AssignSubscriptionRole { id, .. }
            | Self::ProveSignIn { id, .. } => *id,
            _ => None,
        }
    }

    /// Returns true if it writes: a wait and a test do not.
    pub(crate) fn writes(&self) -> bool {
        !matches!(self, Self::AwaitReplication { .. } | Self::ProveSignIn { .. })
    }

    /// Returns true if it concerns the service account.
    pub(crate) fn is_of_account(&self) -> bool {
        matches!(self, Self::CreateServiceAccount { .. })
            || self.account_id().is_some()
            || matches!(
                self,
                Self::AssignRole { .. } | Self::AssignSubscriptionRole { .. } | Self::ProveSignIn { .. }
            )
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AddDomain { domain } => write!(f, "add the domain {domain} to the tenant"),
            Self::VerifyDomain { domain } => write!(f, "verify the domain {domain}"),
            Self::AddSuffix { suffix } => write!(f, "add the UPN suffix {suffix} to the forest"),
            Self::AwaitReplication { values, .. } => match values.as_slice() {
                [value] => write!(f, "wait for the {value} to replicate to all domain controllers"),
                [ReplicatedValue::UserUpn { .. }, ..] => {
                    f.write_str("wait for the new UPNs to replicate to all domain controllers")
                }
                _ => write!(f, "wait for {} values to replicate to all domain controllers", values.len()),
            },
            Self::ChangeUpn { upn } => {
                let before = visible(upn.before.as_deref().unwrap_or("(none)"));
                write!(f, "change the UPN {before} to {}", upn.after)
            }
            Self::EnableSync => f.write_str("turn on directory synchronization"),
            Self::CreateServiceAccount { upn, .. } => {
                write!(f, "create the service account {upn} with a strong password")
            }
            Self::SetAlternateEmail { upn, after, .. } => {
                write!(f, "set the alternate e-mail address of {upn} to {}", after.join(", "))
            }
            Self::EnableServiceAccount { upn, .. } => write!(f, "enable the account {upn}"),
            Self::SetServiceAccountPassword { upn, .. } => {
                write!(f, "set a strong password that does not expire for {upn}")
            }
            Self::SetMfaState { upn, after, .. } => write!(f, "set per-user MFA of {upn} to {after}"),
            Self::AssignRole { upn, role_name, .. } => write!(f, "give {upn} the role {role_name}"),
            Self::AssignSubscriptionRole { upn, subscription_name, role_name, .. } => {
                write!(
                    f,
                    "give {upn} the role {role_name} on the subscription {}",
                    visible(subscription_name)
                )
            }
            Self::ProveSignIn { upn, .. } => write!(f, "test the sign-in of {upn}"),
        }
    }
}
