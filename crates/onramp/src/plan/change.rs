//! The kinds of change.

use std::fmt;

use onramp_core::forest::{AttributeChange, AttributeValue, ObjectChange, ReplicatedValue, UpnChange};
use onramp_core::tenant::{AppRole, AzureRoleId, MfaState, RoleTemplateId};
use onramp_core::{AttributeName, DistinguishedName, DomainName, ObjectGuid, ObjectId, Upn, visible};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::ObjectEdit;
use crate::spec::FirstPassword;

/// The attribute of the UPN.
const UPN: AttributeName = AttributeName::from_static("userPrincipalName");

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
        let UserValues { guid, dn, after, .. } = self.change.upn_values()?;
        // A restored value may be none, or not a UPN.
        Some(ReplicatedValue::UserUpn { guid, dn: dn.clone(), upn: Upn::parse(after?).ok()? })
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
    /// The UPN of a user and its mail addresses are changed, all of them in one operation, if they still have the values before.
    /// If the user has the new UPN already, the addresses alone.
    ChangeUser {
        /// The user, with the values that go and those that come.
        #[serde(flatten)]
        object: ObjectEdit,
    },
    /// Attributes of an object are changed, all of them in one operation, if they still have the values before.
    ChangeAttributes {
        /// The object, with the values that go and those that come.
        #[serde(flatten)]
        object: ObjectEdit,
    },
    /// Directory synchronization is turned on.
    EnableSync,
    /// The service account is created, with a strong password that does not expire, or with one that has to be changed.
    CreateServiceAccount {
        /// The UPN.
        upn: Upn,
        /// The display name.
        display_name: String,
        /// The alternate e-mail addresses.
        other_mails: Vec<String>,
        /// The password that it gets.
        #[serde(default, skip_serializing_if = "FirstPassword::is_final")]
        first_password: FirstPassword,
    },
    /// A test that the sign-in of the service account with its temporary password is refused because it has to be changed
    /// (AADSTS50055). Changes nothing.
    ProveTemporaryPassword {
        /// The account.
        upn: Upn,
        /// The object ID in the survey; `None` if this plan creates the account.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<ObjectId>,
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
    /// The service account gets a strong password that does not expire, in place of the one that it has.
    SetServiceAccountPassword {
        /// The account.
        upn: Upn,
        /// The object ID in the survey; `None` if this plan creates the account.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<ObjectId>,
        /// True if the password is replaced even if the store has the current one.
        #[serde(default)]
        replace: bool,
        /// The time of the last change of the password in the survey, which tells a repetition from the first run.
        #[serde(default, skip_serializing_if = "Option::is_none", with = "time::serde::rfc3339::option")]
        last_changed: Option<OffsetDateTime>,
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
    /// A user that still has the UPN of an earlier run gets back the one that it had before.
    RestoreUpn {
        /// The user, with the values exactly as the directory has and had them.
        #[serde(flatten)]
        upn: FormerUpn,
    },
    /// The domain is removed from the UPN suffixes of the forest, if nobody uses it.
    RemoveSuffix {
        /// The suffix.
        suffix: DomainName,
    },
    /// The domain is removed from the tenant, if nothing refers to it.
    RemoveDomain {
        /// The domain.
        domain: DomainName,
        /// True if the tenant had verified it; a plan of an older version does not say so.
        #[serde(default = "yes", skip_serializing_if = "is_yes")]
        was_verified: bool,
    },
    /// Directory synchronization is turned off.
    DisableSync,
    /// The service account loses its directory role.
    RemoveRole {
        /// The account.
        upn: Upn,
        /// The object ID.
        id: ObjectId,
        /// The template ID of the role.
        role: RoleTemplateId,
        /// The name.
        role_name: String,
    },
    /// The service account loses a role on a subscription.
    RemoveSubscriptionRole {
        /// The account.
        upn: Upn,
        /// The object ID.
        id: ObjectId,
        /// The subscription.
        subscription: ObjectId,
        /// The name.
        subscription_name: String,
        /// The ID of the role definition.
        role: AzureRoleId,
        /// The name.
        role_name: String,
    },
    /// The service account is disabled.
    DisableServiceAccount {
        /// The account.
        upn: Upn,
        /// The object ID.
        id: ObjectId,
    },
    /// The service account is deleted. It can be restored for 30 days.
    DeleteServiceAccount {
        /// The account.
        upn: Upn,
        /// The object ID.
        id: ObjectId,
    },
    /// The deleted service account is restored.
    RestoreServiceAccount {
        /// The account.
        upn: Upn,
        /// The object ID.
        id: ObjectId,
    },
    /// An application is registered for synchronization, without a service principal.
    CreateApplication {
        /// The unique name.
        unique_name: String,
        /// The display name.
        display_name: String,
    },
    /// The application gets its service principal in the tenant.
    CreateServicePrincipal {
        /// The unique name of the application.
        unique_name: String,
        /// The object ID of the registration in the survey; `None` if this plan creates it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<ObjectId>,
    },
    /// The application gets a certificate: one whose key the run makes, or one from a file. The others stay.
    AddApplicationCertificate {
        /// The unique name of the application.
        unique_name: String,
        /// The object ID of the registration in the survey; `None` if this plan creates it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<ObjectId>,
        /// The IDs of the certificates that it had in the survey.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        before: Vec<ObjectId>,
        /// The days for which a certificate that the run makes is valid.
        valid_days: u32,
        /// The file of a certificate that is brought.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        file: Option<String>,
        /// The SHA-256 hash of the certificate that is brought.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        thumbprint: Option<String>,
    },
    /// The application gets a permission, with the tenant's consent.
    GrantAppRole {
        /// The unique name of the application.
        unique_name: String,
        /// The object ID of the registration in the survey; `None` if this plan creates it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<ObjectId>,
        /// The application ID of the API.
        resource: ObjectId,
        /// The name of the permission.
        role: String,
    },
    /// A test of the sign-in of the application with its certificate, and of the permissions in its token. Changes nothing.
    ProveApplicationSignIn {
        /// The unique name of the application.
        unique_name: String,
        /// The object ID of the registration in the survey; `None` if this plan creates it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<ObjectId>,
        /// The permissions that the token must have.
        roles: Vec<AppRole>,
    },
    /// The application loses a certificate. The others stay.
    RemoveApplicationCertificate {
        /// The unique name of the application.
        unique_name: String,
        /// The object ID of the registration.
        id: ObjectId,
        /// The ID of the certificate.
        key_id: ObjectId,
        /// The SHA-256 hash of the certificate, if it is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        thumbprint: Option<String>,
        /// True if another certificate must be proven first.
        #[serde(default)]
        needs_proof: bool,
    },
    /// The application loses a permission.
    RevokeAppRole {
        /// The unique name of the application.
        unique_name: String,
        /// The object ID of the registration.
        id: ObjectId,
        /// The application ID of the API.
        resource: ObjectId,
        /// The name of the permission.
        role: String,
    },
    /// The service principal of the application is deleted.
    DeleteServicePrincipal {
        /// The unique name of the application.
        unique_name: String,
        /// The object ID of the registration.
        id: ObjectId,
    },
    /// The registration of the application is deleted, with its service principal. It can be restored for 30 days.
    DeleteApplication {
        /// The unique name of the application.
        unique_name: String,
        /// The object ID of the registration.
        id: ObjectId,
    },
}

/// A restored UPN: the value that a run wrote and the one that it replaced.
///
/// Other than in [`UpnChange`], the value to write may be anything that a directory accepts, or nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct FormerUpn {
    /// The `objectGUID` of the user.
    pub guid: ObjectGuid,
    /// The place of the object when the change was planned.
    pub dn: DistinguishedName,
    /// The value that must be there; `None` is "no value".
    pub before: Option<String>,
    /// The value to write; `None` is "no value".
    pub after: Option<String>,
}

/// The values of a change of one user: the current UPN and the next one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct UserValues<'a> {
    pub(crate) guid: ObjectGuid,
    pub(crate) dn: &'a DistinguishedName,
    pub(crate) before: Option<&'a str>,
    pub(crate) after: Option<&'a str>,
}

impl Change {
    /// Returns the values of a change of the UPN of a user.
    pub(crate) fn of_user(&self) -> Option<UserValues<'_>> {
        match self {
            Self::ChangeUpn { upn: UpnChange { guid, dn, before, after } } => {
                Some(UserValues { guid: *guid, dn, before: before.as_deref(), after: Some(after.as_str()) })
            }
            Self::RestoreUpn { upn: FormerUpn { guid, dn, before, after } } => {
                Some(UserValues { guid: *guid, dn, before: before.as_deref(), after: after.as_deref() })
            }
            Self::ChangeUser { .. } => self.upn_values(),
            _ => None,
        }
    }

    /// Returns the values of every change of a UPN, also of one among other attributes.
    pub(crate) fn upn_values(&self) -> Option<UserValues<'_>> {
        let Some(object) = self.of_attributes() else { return self.of_user() };
        let edit = object.attributes.iter().find(|edit| edit.is_of_upn())?;
        let before = edit.remove.first().and_then(AttributeValue::as_text);
        let after = edit.add.first().and_then(AttributeValue::as_text);
        Some(UserValues { guid: object.guid, dn: &object.dn, before, after })
    }

    /// Returns the GUID and the place of the object of the forest that it changes.
    pub(crate) fn object(&self) -> Option<(ObjectGuid, &DistinguishedName)> {
        match self.of_attributes() {
            Some(object) => Some((object.guid, &object.dn)),
            None => self.of_user().map(|values| (values.guid, values.dn)),
        }
    }

    /// Returns the change of the object of the forest.
    pub(crate) fn object_change(&self) -> Option<ObjectChange> {
        if let Some(object) = self.of_attributes() {
            return Some(object.into());
        }
        let UserValues { guid, dn, before, after } = self.of_user()?;
        let (before, after) = (before.map(AttributeValue::text), after.map(AttributeValue::text));
        Some(ObjectChange::new(guid, dn.clone()).with(AttributeChange::replace(UPN, before, after)))
    }

    /// Returns the attributes of an object that it changes.
    pub(crate) fn of_attributes(&self) -> Option<&ObjectEdit> {
        match self {
            Self::ChangeUser { object } | Self::ChangeAttributes { object } => Some(object),
            _ => None,
        }
    }

    /// Returns true if it changes the UPN or the addresses of a user of the spec.
    pub(crate) fn is_of_user(&self) -> bool {
        matches!(self, Self::ChangeUpn { .. } | Self::RestoreUpn { .. } | Self::ChangeUser { .. })
    }

    /// Returns the object ID of the account that it changes, if known.
    pub(crate) fn account_id(&self) -> Option<ObjectId> {
        match self {
            Self::SetAlternateEmail { id, .. }
            | Self::EnableServiceAccount { id, .. }
            | Self::SetServiceAccountPassword { id, .. }
            | Self::SetMfaState { id, .. }
            | Self::AssignRole { id, .. }
            | Self::AssignSubscriptionRole { id, .. }
            | Self::ProveTemporaryPassword { id, .. }
            | Self::ProveSignIn { id, .. } => *id,
            Self::RemoveRole { id, .. }
            | Self::RemoveSubscriptionRole { id, .. }
            | Self::DisableServiceAccount { id, .. }
            | Self::DeleteServiceAccount { id, .. }
            | Self::RestoreServiceAccount { id, .. } => Some(*id),
            _ => None,
        }
    }

    /// Returns the UPN of the account that it changes, if it is one of a property or a role.
    pub(crate) fn account_upn(&self) -> Option<&Upn> {
        match self {
            Self::SetAlternateEmail { upn, .. }
            | Self::EnableServiceAccount { upn, .. }
            | Self::DisableServiceAccount { upn, .. }
            | Self::SetMfaState { upn, .. } => Some(upn),
            _ => None,
        }
    }

    /// Returns the UPN of the service account, if it concerns that.
    pub(crate) fn upn_of_account(&self) -> Option<&Upn> {
        match self {
            Self::CreateServiceAccount { upn, .. }
            | Self::SetAlternateEmail { upn, .. }
            | Self::EnableServiceAccount { upn, .. }
            | Self::SetServiceAccountPassword { upn, .. }
            | Self::SetMfaState { upn, .. }
            | Self::AssignRole { upn, .. }
            | Self::AssignSubscriptionRole { upn, .. }
            | Self::ProveTemporaryPassword { upn, .. }
            | Self::ProveSignIn { upn, .. }
            | Self::RemoveRole { upn, .. }
            | Self::RemoveSubscriptionRole { upn, .. }
            | Self::DisableServiceAccount { upn, .. }
            | Self::DeleteServiceAccount { upn, .. }
            | Self::RestoreServiceAccount { upn, .. } => Some(upn),
            _ => None,
        }
    }

    /// Returns the object ID of the registration of the application that it changes, if known.
    pub(crate) fn application_id(&self) -> Option<ObjectId> {
        match self {
            Self::CreateServicePrincipal { id, .. }
            | Self::AddApplicationCertificate { id, .. }
            | Self::GrantAppRole { id, .. }
            | Self::ProveApplicationSignIn { id, .. } => *id,
            Self::RemoveApplicationCertificate { id, .. }
            | Self::RevokeAppRole { id, .. }
            | Self::DeleteServicePrincipal { id, .. }
            | Self::DeleteApplication { id, .. } => Some(*id),
            _ => None,
        }
    }

    /// Returns the unique name of the application, if it concerns that.
    pub(crate) fn unique_name(&self) -> Option<&str> {
        match self {
            Self::CreateApplication { unique_name, .. }
            | Self::CreateServicePrincipal { unique_name, .. }
            | Self::AddApplicationCertificate { unique_name, .. }
            | Self::GrantAppRole { unique_name, .. }
            | Self::ProveApplicationSignIn { unique_name, .. }
            | Self::RemoveApplicationCertificate { unique_name, .. }
            | Self::RevokeAppRole { unique_name, .. }
            | Self::DeleteServicePrincipal { unique_name, .. }
            | Self::DeleteApplication { unique_name, .. } => Some(unique_name),
            _ => None,
        }
    }

    /// Returns true if it writes: a wait and a test do not.
    pub(crate) fn writes(&self) -> bool {
        !matches!(self, Self::AwaitReplication { .. } | Self::ProveApplicationSignIn { .. })
            && !self.is_sign_in()
    }

    /// Returns true if it concerns the application.
    pub(crate) fn is_of_application(&self) -> bool {
        self.unique_name().is_some()
    }

    /// Returns true if it is a test of a sign-in of the service account.
    pub(crate) fn is_sign_in(&self) -> bool {
        matches!(self, Self::ProveTemporaryPassword { .. } | Self::ProveSignIn { .. })
    }

    /// Returns true if it concerns the service account.
    pub(crate) fn is_of_account(&self) -> bool {
        self.upn_of_account().is_some()
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
            Self::ChangeUser { object } | Self::ChangeAttributes { object } => write!(f, "change {object}"),
            Self::EnableSync => f.write_str("turn on directory synchronization"),
            Self::CreateServiceAccount { upn, first_password: FirstPassword::Final, .. } => {
                write!(f, "create the service account {upn} with a strong password")
            }
            Self::CreateServiceAccount { upn, first_password: FirstPassword::Temporary, .. } => {
                write!(f, "create the service account {upn} with a temporary password")
            }
            Self::ProveTemporaryPassword { upn, .. } => {
                write!(f, "test that {upn} has to change its temporary password")
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
            Self::RestoreUpn { upn } => {
                let word =
                    |value: &Option<String>| visible(value.as_deref().unwrap_or("(none)")).into_owned();
                write!(f, "restore the UPN {} of {}", word(&upn.after), word(&upn.before))
            }
            Self::RemoveSuffix { suffix } => write!(f, "remove the UPN suffix {suffix} from the forest"),
            Self::RemoveDomain { domain, .. } => write!(f, "remove the domain {domain} from the tenant"),
            Self::DisableSync => f.write_str("turn off directory synchronization"),
            Self::RemoveRole { upn, role_name, .. } => write!(f, "remove the role {role_name} from {upn}"),
            Self::RemoveSubscriptionRole { upn, subscription_name, role_name, .. } => write!(
                f,
                "remove the role {role_name} on the subscription {} from {upn}",
                visible(subscription_name)
            ),
            Self::DisableServiceAccount { upn, .. } => write!(f, "disable the account {upn}"),
            Self::DeleteServiceAccount { upn, .. } => write!(f, "delete the account {upn}"),
            Self::RestoreServiceAccount { upn, .. } => write!(f, "restore the deleted account {upn}"),
            Self::CreateApplication { unique_name, .. } => {
                write!(f, "register the application {}", visible(unique_name))
            }
            Self::CreateServicePrincipal { unique_name, .. } => {
                write!(f, "create the service principal of {}", visible(unique_name))
            }
            Self::AddApplicationCertificate { unique_name, valid_days, file: None, .. } => {
                write!(f, "add a new certificate to {}, valid for {valid_days} days", visible(unique_name))
            }
            Self::AddApplicationCertificate { unique_name, file: Some(file), .. } => {
                write!(f, "add the certificate in {} to {}", visible(file), visible(unique_name))
            }
            Self::GrantAppRole { unique_name, role, .. } => {
                write!(f, "grant {} the permission {}", visible(unique_name), visible(role))
            }
            Self::ProveApplicationSignIn { unique_name, .. } => {
                write!(f, "test the sign-in of {}", visible(unique_name))
            }
            Self::RemoveApplicationCertificate { unique_name, key_id, .. } => {
                write!(f, "remove the certificate {key_id} from {}", visible(unique_name))
            }
            Self::RevokeAppRole { unique_name, role, .. } => {
                write!(f, "revoke the permission {} of {}", visible(role), visible(unique_name))
            }
            Self::DeleteServicePrincipal { unique_name, .. } => {
                write!(f, "delete the service principal of {}", visible(unique_name))
            }
            Self::DeleteApplication { unique_name, .. } => {
                write!(f, "delete the application {}", visible(unique_name))
            }
        }
    }
}

fn yes() -> bool {
    true
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_yes(value: &bool) -> bool {
    *value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_of_the_account_are_told_from_others_and_those_that_write_from_waits_and_tests() {
        let (upn, role_name) = (Upn::parse("sync@contoso.com").unwrap(), String::new());
        let domain = || DomainName::parse("contoso.com").unwrap();
        let await_replication = Change::AwaitReplication { values: Vec::new(), without: Vec::new() };
        for (change, is_of_account, writes) in [
            (Change::AddDomain { domain: domain() }, false, true),
            (Change::VerifyDomain { domain: domain() }, false, true),
            (Change::AddSuffix { suffix: domain() }, false, true),
            (await_replication, false, false),
            (Change::EnableSync, false, true),
        ] {
            assert_eq!((change.is_of_account(), change.writes()), (is_of_account, writes), "{change}");
        }
        let create = Change::CreateServiceAccount {
            upn: upn.clone(),
            display_name: String::new(),
            other_mails: Vec::new(),
            first_password: FirstPassword::Final,
        };
        assert!(create.is_of_account() && create.writes());
        // The ID of an account that the plan creates is not known.
        for id in [None, Some(ObjectId::from_u128(1))] {
            let (upn, role_name) = (upn.clone(), role_name.clone());
            let role = Change::AssignRole {
                upn: upn.clone(),
                id,
                role: RoleTemplateId::HYBRID_IDENTITY_ADMINISTRATOR,
                role_name: role_name.clone(),
            };
            let subscription_role = Change::AssignSubscriptionRole {
                upn: upn.clone(),
                id,
                subscription: ObjectId::from_u128(2),
                subscription_name: String::new(),
                role: AzureRoleId::READER,
                role_name,
            };
            let temporary = Change::ProveTemporaryPassword { upn: upn.clone(), id };
            let prove = Change::ProveSignIn { upn, id };
            for (change, writes) in
                [(role, true), (subscription_role, true), (temporary, false), (prove, false)]
            {
                assert_eq!((change.is_of_account(), change.account_id()), (true, id), "{change}");
                assert_eq!(change.writes(), writes, "{change}");
            }
        }
        let id = Some(ObjectId::from_u128(1));
        for change in [
            Change::EnableServiceAccount { upn: upn.clone(), id },
            Change::SetServiceAccountPassword { upn: upn.clone(), id, replace: false, last_changed: None },
            Change::SetMfaState {
                upn: upn.clone(),
                id,
                before: MfaState::Enabled,
                after: MfaState::Disabled,
            },
            Change::SetAlternateEmail { upn, id, before: Vec::new(), after: Vec::new() },
        ] {
            assert_eq!(
                (change.is_of_account(), change.account_id(), change.writes()),
                (true, id, true),
                "{change}"
            );
        }
    }
}
