//! The kinds of change.

use std::fmt;

use onramp_core::forest::{ReplicatedValue, UpnChange};
use onramp_core::tenant::{AzureRoleId, MfaState, RoleTemplateId};
use onramp_core::{DomainName, ObjectId, Upn};
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
    },
    /// Give a user a new UPN, if it still has the old one.
    ChangeUpn {
        /// Whose, from what, to what.
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
        /// Whose.
        upn: Upn,
        /// The addresses there are.
        before: Vec<String>,
        /// The addresses there will be.
        after: Vec<String>,
    },
    /// Allow the service account to sign in.
    EnableServiceAccount {
        /// Whose.
        upn: Upn,
    },
    /// Give a service account that was there before a strong password that does not expire, in place of the one it
    /// has; stored before the tenant learns it.
    SetServiceAccountPassword {
        /// Whose.
        upn: Upn,
    },
    /// Set the service account's per-user MFA state.
    SetMfaState {
        /// Whose.
        upn: Upn,
        /// The state there is.
        before: MfaState,
        /// The state there will be.
        after: MfaState,
    },
    /// Give the service account its directory role.
    AssignRole {
        /// Whose.
        upn: Upn,
        /// Template ID of the role.
        role: RoleTemplateId,
        /// Its name.
        role_name: String,
    },
    /// Give the service account access to a subscription.
    AssignSubscriptionRole {
        /// Whose.
        upn: Upn,
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
        /// Whose.
        upn: Upn,
    },
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AddDomain { domain } => write!(f, "add the domain {domain} to the tenant"),
            Self::VerifyDomain { domain } => write!(f, "verify the domain {domain}"),
            Self::AddSuffix { suffix } => write!(f, "add the UPN suffix {suffix} to the forest"),
            Self::AwaitReplication { values } => match values.as_slice() {
                [value] => write!(f, "wait until every domain controller has the {value}"),
                [ReplicatedValue::UserUpn { .. }, ..] => {
                    write!(f, "wait until every domain controller has the users' new UPNs")
                }
                _ => write!(f, "wait until every domain controller has {} values", values.len()),
            },
            Self::ChangeUpn { upn } => {
                write!(f, "change the UPN {} to {}", upn.before.as_deref().unwrap_or("(none)"), upn.after)
            }
            Self::EnableSync => f.write_str("switch directory synchronisation on"),
            Self::CreateServiceAccount { upn, .. } => {
                write!(f, "create the service account {upn} with a strong password")
            }
            Self::SetAlternateEmail { upn, after, .. } => {
                write!(f, "set the alternate e-mail of {upn} to {}", after.join(", "))
            }
            Self::EnableServiceAccount { upn } => write!(f, "allow {upn} to sign in"),
            Self::SetServiceAccountPassword { upn } => {
                write!(f, "give {upn} a strong password that does not expire")
            }
            Self::SetMfaState { upn, after, .. } => write!(f, "set per-user MFA of {upn} to {after}"),
            Self::AssignRole { upn, role_name, .. } => write!(f, "give {upn} the role {role_name}"),
            Self::AssignSubscriptionRole { upn, subscription_name, role_name, .. } => {
                write!(f, "give {upn} the role {role_name} on the subscription {subscription_name}")
            }
            Self::ProveSignIn { upn } => write!(f, "prove that {upn} can sign in"),
        }
    }
}
