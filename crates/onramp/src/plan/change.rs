//! The kinds of change.

use std::fmt;

use onramp_core::forest::{ReplicatedValue, UpnChange};
use onramp_core::tenant::{AzureRoleId, MfaState, RoleTemplateId};
use onramp_core::{DomainName, ObjectId, Upn, visible};
use serde::{Deserialize, Serialize};

/// One change, with its number and why it is made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PlannedChange {
    /// Its place in the plan, from 1.
    pub number: u64,
    /// Why it is made.
    pub reason: String,
    /// What is changed.
    #[serde(flatten)]
    pub change: Change,
}

impl PlannedChange {
    /// The value that a user will have, if this gives it one.
    pub(crate) fn value(&self) -> Option<ReplicatedValue> {
        match &self.change {
            Change::ChangeUpn { upn } => {
                Some(ReplicatedValue::UserUpn { guid: upn.guid, dn: upn.dn.clone(), upn: upn.after.clone() })
            }
            _ => None,
        }
    }
}

/// What is changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "change")]
#[non_exhaustive]
pub enum Change {
    /// Add the custom domain to the tenant.
    AddDomain {
        /// The domain.
        domain: DomainName,
    },
    /// Have the tenant verify it, once its DNS record is published.
    VerifyDomain {
        /// The domain.
        domain: DomainName,
    },
    /// Add the domain to the forest's UPN suffixes.
    AddSuffix {
        /// The suffix.
        suffix: DomainName,
    },
    /// Wait until every domain controller that must have these values has them. Changes nothing.
    AwaitReplication {
        /// The values. Of users a sample: every change of the plan is waited for where the directory tells how far
        /// replication is.
        values: Vec<ReplicatedValue>,
        /// Host names of domain controllers that do not answer and are not waited for.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        without: Vec<String>,
    },
    /// Give a user a new UPN, if it still has the old one.
    ChangeUpn {
        /// The user, its old UPN and the new one.
        #[serde(flatten)]
        upn: UpnChange,
    },
    /// Switch directory synchronisation on.
    EnableSync,
    /// Create the service account, with a strong password that does not expire, stored before the tenant learns it.
    CreateServiceAccount {
        /// Its UPN.
        upn: Upn,
        /// Its display name.
        display_name: String,
        /// Its alternate mail addresses.
        other_mails: Vec<String>,
    },
    /// Set the service account's alternate mail address.
    SetAlternateEmail {
        /// The account.
        upn: Upn,
        /// The object ID when it was surveyed; `None` if this plan creates it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<ObjectId>,
        /// The addresses there are.
        before: Vec<String>,
        /// The addresses there will be.
        after: Vec<String>,
    },
    /// Allow the service account to sign in.
    EnableServiceAccount {
        /// The account.
        upn: Upn,
        /// The object ID when it was surveyed; `None` if this plan creates it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<ObjectId>,
    },
    /// Give a service account that was there before a strong password that does not expire, in place of the one it
    /// has; stored before the tenant learns it.
    SetServiceAccountPassword {
        /// The account.
        upn: Upn,
        /// The object ID when it was surveyed; `None` if this plan creates it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<ObjectId>,
        /// True if it is replaced also where the store has the password that the account has.
        #[serde(default)]
        replace: bool,
    },
    /// Set the service account's per-user MFA state.
    SetMfaState {
        /// The account.
        upn: Upn,
        /// The object ID when it was surveyed; `None` if this plan creates it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<ObjectId>,
        /// The state there is.
        before: MfaState,
        /// The state there will be.
        after: MfaState,
    },
    /// Give the service account its directory role.
    AssignRole {
        /// The account.
        upn: Upn,
        /// The object ID when it was surveyed; `None` if this plan creates it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<ObjectId>,
        /// Template ID of the role.
        role: RoleTemplateId,
        /// Its name.
        role_name: String,
    },
    /// Give the service account access to a subscription.
    AssignSubscriptionRole {
        /// The account.
        upn: Upn,
        /// The object ID when it was surveyed; `None` if this plan creates it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<ObjectId>,
        /// The subscription.
        subscription: ObjectId,
        /// Its name.
        subscription_name: String,
        /// ID of the role definition.
        role: AzureRoleId,
        /// Its name.
        role_name: String,
    },
    /// Prove that the service account can sign in with its password alone. Changes nothing.
    ProveSignIn {
        /// The account.
        upn: Upn,
        /// The object ID when it was surveyed; `None` if this plan creates it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<ObjectId>,
    },
}

impl Change {
    /// The object ID of the account that it changes, where that is known.
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

    /// Returns true if it writes: waiting and proving do not.
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
            Self::EnableSync => f.write_str("switch directory synchronization on"),
            Self::CreateServiceAccount { upn, .. } => {
                write!(f, "create the service account {upn} with a strong password")
            }
            Self::SetAlternateEmail { upn, after, .. } => {
                write!(f, "set the alternate e-mail of {upn} to {}", after.join(", "))
            }
            Self::EnableServiceAccount { upn, .. } => write!(f, "allow {upn} to sign in"),
            Self::SetServiceAccountPassword { upn, .. } => {
                write!(f, "give {upn} a strong password that does not expire")
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
            Self::ProveSignIn { upn, .. } => write!(f, "prove that {upn} can sign in"),
        }
    }
}
