//! The blockers: reasons why a user, or the whole plan, cannot be changed.

use std::fmt;

use onramp_core::tenant::AppRole;
use onramp_core::{AttributeName, DomainName, ObjectGuid, ObjectId, Upn, UpnViolation, visible};
use serde::{Deserialize, Serialize};

use crate::user_ref::UserRef;

/// A reason why a user, or the whole plan, cannot be changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Blocker {
    /// The user or other object that is not changed; `None` if the whole plan is blocked, or if no such object exists.
    pub user: Option<UserRef>,
    /// The current UPN of the user.
    pub present_upn: Option<String>,
    /// The problem.
    #[serde(flatten)]
    pub problem: BlockerKind,
    /// A UPN for the user that Entra accepts and nobody has or gets, if there is a safe one. Plans never use it: name it in
    /// `map` to give it to the user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suggestion: Option<Upn>,
}

impl Blocker {
    /// Returns true if the whole plan is blocked.
    pub fn is_fatal(&self) -> bool {
        // An object that is not found has no GUID to refer to it by.
        self.user.is_none() && !matches!(self.problem, BlockerKind::NoSuchObject { .. })
    }

    /// Returns the problem in words, with the suggested UPN.
    pub fn reason(&self) -> String {
        match &self.suggestion {
            Some(upn) => format!("{}; suggested: {upn}", self.problem),
            None => self.problem.to_string(),
        }
    }
}

impl fmt::Display for Blocker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.user {
            Some(user) => write!(f, "{user}: {}", self.reason()),
            None => f.write_str(&self.reason()),
        }
    }
}

/// The problem that blocks a user or the whole plan.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "problem")]
#[non_exhaustive]
pub enum BlockerKind {
    /// Another principal of the forest has the UPN.
    Taken {
        /// The UPN.
        upn: Upn,
        /// The principal that has it.
        holder: UserRef,
        /// True if the UPN is implied: AD accepts `sAMAccountName@domain` for every account.
        implied: bool,
    },
    /// Another selected user would get the same UPN.
    WantedTwice {
        /// The UPN.
        upn: Upn,
        /// The other user.
        other: UserRef,
    },
    /// The user has the new UPN already, and so does another principal: neither can sign in with it.
    Shared {
        /// The UPN.
        upn: Upn,
        /// The other principal.
        holder: UserRef,
    },
    /// Another object of the forest has the UPN as a mail address: Entra accepts only one of them.
    AddressTaken {
        /// The UPN.
        upn: Upn,
        /// The address.
        address: String,
        /// The object that has it.
        holder: UserRef,
    },
    /// Two names in `map` fit the user and have different UPNs.
    MappedTwice {
        /// One of the UPNs.
        one: Upn,
        /// The other.
        other: Upn,
    },
    /// Entra would refuse the UPN.
    BreaksEntraRules {
        /// The UPN.
        upn: Upn,
        /// The rules that it violates.
        violations: Vec<UpnViolation>,
    },
    /// The current value cannot be converted to a UPN.
    NotAUpn {
        /// The value.
        value: String,
        /// The reason.
        #[serde(rename = "why")]
        reason: String,
    },
    /// The UPN is to come from `mail`, and there is none.
    NoMail,
    /// The UPN is to come from `mail`, which is on another domain.
    MailElsewhere {
        /// The address.
        mail: String,
    },
    /// No tenant can verify the custom domain.
    NotRoutable {
        /// The domain.
        domain: DomainName,
    },
    /// The UPN of the service account is on a domain that is not verified.
    ServiceAccountDomain {
        /// The UPN.
        upn: Upn,
    },
    /// The domain of the service account is federated: Entra cannot check a password on it.
    FederatedDomain {
        /// The service account.
        upn: Upn,
    },
    /// An object of the forest has, gets or implies the UPN of the service account, or has it as its primary mail address:
    /// synchronization would match the two ("Existing Admin Role Conflict").
    ServiceAccountInForest {
        /// The service account.
        upn: Upn,
        /// The object.
        holder: UserRef,
    },
    /// Microsoft Graph would refuse a property of the service account.
    ServiceAccountProperty {
        /// The name of the property in the spec.
        property: String,
        /// The value.
        value: String,
        /// The reason.
        #[serde(rename = "why")]
        reason: String,
    },
    /// A property of the application is not valid.
    ApplicationProperty {
        /// The name of the property in the spec.
        property: String,
        /// The value.
        value: String,
        /// The reason.
        #[serde(rename = "why")]
        reason: String,
    },
    /// The tenant does not have the API of a permission, or that does not offer it.
    AppRoleNotOffered {
        /// The application ID of the API.
        resource: ObjectId,
        /// The name of the permission.
        role: String,
    },
    /// A name in the spec fits no user of the forest.
    NoSuchUser {
        /// The list: `only`, `exclude` or `map`.
        list: String,
        /// The name.
        name: String,
        /// A known name that is similar.
        similar: Option<String>,
    },
    /// Users of a canary no longer exist, or are no longer selected: it cannot be finished.
    CanaryUsersLost {
        /// The users.
        users: Vec<ObjectGuid>,
    },
    /// A name in the selection of an undo fits no user that the run changed.
    NotChangedByRun {
        /// The name.
        name: String,
        /// The name of a user that the run changed, if one is similar.
        similar: Option<String>,
    },
    /// A name in the spec fits more than one user.
    AmbiguousUser {
        /// The list: `only` or `map`.
        list: String,
        /// The name.
        name: String,
        /// Two of the users that it fits.
        fits: Vec<UserRef>,
    },
    /// No user has a suffix in `from_suffixes`, and the forest does not offer it.
    NoSuchSuffix {
        /// The suffix.
        suffix: String,
        /// A known suffix that is similar.
        similar: Option<String>,
    },
    /// The selection is empty, and synchronization would be turned on.
    #[serde(rename = "nobody-selected")]
    NoUserSelected {
        /// The number of users that were read.
        read: u64,
    },
    /// The domain is the initial domain of another tenant.
    InitialDomain {
        /// The domain.
        domain: DomainName,
    },
    /// A user selected for an undo is not below the selected OUs.
    OutsideOus {
        /// The name.
        name: String,
        /// The user.
        fits: UserRef,
    },
    /// A user named in `only` is left out by `ous`, `filter`, `exclude` or `exclude_ous`.
    OutsideSelection {
        /// The name.
        name: String,
        /// The user.
        fits: UserRef,
    },
    /// An OU in `exclude_ous` does not exist.
    NoSuchOu {
        /// The OU.
        ou: onramp_core::DistinguishedName,
        /// An existing OU that is similar.
        similar: Option<String>,
    },
    /// The target of an entry in `map` is on a domain that Entra or the forest does not accept.
    MapTarget {
        /// The name.
        name: String,
        /// The target.
        upn: Upn,
        /// The reason.
        #[serde(rename = "why")]
        reason: String,
    },
    /// Several subscriptions have the name.
    AmbiguousSubscription {
        /// The name or ID in the spec.
        subscription: String,
        /// The IDs, each with its state.
        ids: Vec<String>,
    },
    /// The subscription accepts no changes.
    SubscriptionDisabled {
        /// The name and ID.
        subscription: String,
        /// The state.
        state: String,
    },
    /// An object whose attributes are to be changed does not exist, or cannot be read.
    NoSuchObject {
        /// The name, as the fix has it.
        name: String,
    },
    /// An object no longer has the values that a fix replaces.
    ValuesChanged {
        /// The difference, in words.
        detail: String,
    },
    /// A fix that is not made in any case.
    FixRefused {
        /// The reason.
        #[serde(rename = "why")]
        reason: String,
    },
    /// The mail addresses of the user cannot be changed.
    AddressesRefused {
        /// The reason.
        #[serde(rename = "why")]
        reason: String,
    },
    /// Another object of the forest has a value that a fix sets and that only one object may have.
    ValueTaken {
        /// The attribute that the fix sets.
        attribute: AttributeName,
        /// The value.
        value: String,
        /// The other object.
        holder: UserRef,
        /// The attribute in which it has the value; `sAMAccountName` if it is the implied UPN.
        held_in: AttributeName,
    },
    /// Another fix of the plan sets the same value, which only one object may have.
    ValueWantedTwice {
        /// The attribute.
        attribute: AttributeName,
        /// The value.
        value: String,
        /// The other object.
        other: UserRef,
    },
    /// The forest lists no domain controller.
    NoDomainController,
    /// No such subscription is visible.
    NoSuchSubscription {
        /// The name or ID in the spec.
        subscription: String,
        /// A visible one with a similar name.
        similar: Option<String>,
    },
}

impl fmt::Display for BlockerKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let similar = |f: &mut fmt::Formatter<'_>, similar: &Option<String>| match similar {
            Some(similar) => write!(f, "; did you mean \"{}\"?", visible(similar)),
            None => Ok(()),
        };
        match self {
            Self::Taken { upn, holder, implied: false } => write!(f, "{upn} is the UPN of {holder}"),
            Self::Taken { upn, holder, implied: true } => write!(
                f,
                "{holder} can already sign in as {upn} (sAMAccountName@domain always works, even without a UPN)"
            ),
            Self::WantedTwice { upn, other } => {
                write!(f, "{upn} would be given to {other} as well; give one of them another UPN in `map`")
            }
            Self::Shared { upn, holder } => {
                write!(f, "it has the UPN {upn}, and so does {holder}; give one of them another UPN")
            }
            Self::AddressTaken { upn, address, holder } => {
                write!(f, "{upn} cannot become its UPN, because {holder} has the mail address {address}")
            }
            Self::MappedTwice { one, other } => {
                write!(f, "two names in `map` fit it, with the UPNs {one} and {other}; remove one of them")
            }
            Self::BreaksEntraRules { upn, violations } => {
                let all: Vec<String> = violations.iter().map(ToString::to_string).collect();
                write!(f, "Entra does not accept {upn}: {}", all.join("; "))
            }
            Self::NotAUpn { value, reason } => {
                write!(f, "\"{}\" cannot be converted to a UPN: {reason}", visible(value))
            }
            Self::NoMail => f.write_str("it has no mail address for the new UPN"),
            Self::MailElsewhere { mail } => {
                write!(f, "its mail address {} is on another domain", visible(mail))
            }
            Self::NotRoutable { domain } => {
                write!(f, "{domain} is not a public domain name, so no tenant can verify it")
            }
            Self::ServiceAccountDomain { upn } => {
                write!(f, "the service account {upn} is on a domain that the tenant has not verified")
            }
            Self::FederatedDomain { upn } => write!(
                f,
                "the service account {upn} is on a federated domain, where Entra cannot check its password; use a \
                 managed domain, such as the tenant's initial one"
            ),
            Self::ServiceAccountInForest { upn, holder } => write!(
                f,
                "the service account's UPN {upn} is, will be or is implied by that of {holder}; synchronization \
                 would meet the account in it; choose another UPN for the service account"
            ),
            Self::ServiceAccountProperty { property, value, reason } => {
                write!(
                    f,
                    "the {property} of the service account, \"{}\", is not valid: {reason}",
                    visible(value)
                )
            }
            Self::ApplicationProperty { property, value, reason } => {
                write!(f, "the {property} of the application, \"{}\", is not valid: {reason}", visible(value))
            }
            Self::AppRoleNotOffered { resource, role } => {
                write!(
                    f,
                    "the tenant does not offer the permission {} of the API {resource}",
                    visible(role)
                )?;
                match *resource {
                    AppRole::SYNCHRONIZATION_SERVICE => {
                        f.write_str("; turning directory synchronization on brings it into the tenant")
                    }
                    AppRole::PASSWORD_RESET_SERVICE => {
                        f.write_str("; enabling self-service password reset brings it into the tenant")
                    }
                    _ => Ok(()),
                }
            }
            Self::CanaryUsersLost { users } => {
                let named: Vec<String> = users.iter().take(3).map(ToString::to_string).collect();
                let (count, named) = (users.len(), named.join(", "));
                write!(
                    f,
                    "{count} of the users of the canary no longer exist or are no longer selected ({named}): undo the canary"
                )
            }
            Self::NotChangedByRun { name, similar } => {
                write!(f, "{name:?} is no user that the run changed, and no OU of one")?;
                match similar {
                    Some(similar) => write!(f, "; it changed {}", visible(similar)),
                    None => Ok(()),
                }
            }
            Self::NoSuchUser { list, name, similar: known } => {
                write!(f, "\"{}\" in `{list}` matches no user of the forest", visible(name))?;
                similar(f, known)
            }
            Self::AmbiguousUser { list, name, fits } => write!(
                f,
                "\"{}\" in `{list}` matches {}; name the user as DOMAIN\\name, by UPN or by objectGUID",
                visible(name),
                fits.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and ")
            ),
            Self::OutsideOus { name, fits } => write!(
                f,
                "\"{}\" matches {fits}, who is not below the selected OUs; remove one of the two",
                visible(name)
            ),
            Self::OutsideSelection { name, fits } => write!(
                f,
                "\"{}\" in `only` matches {fits}, but `ous`, `filter`, `exclude` or `exclude_ous` leaves this user out; remove one of \
                 the two",
                visible(name)
            ),
            Self::NoSuchSuffix { suffix, similar: known } => {
                write!(f, "no user has the suffix \"{}\" in `from_suffixes`", visible(suffix))?;
                similar(f, known)
            }
            Self::NoUserSelected { read } => write!(
                f,
                "the users section selects no user, and synchronization would be turned on: {read} users were read and each \
                 is left out (the plan lists the reasons); correct the selection, or remove the section"
            ),
            Self::InitialDomain { domain } => {
                write!(f, "{domain} is the initial domain of another tenant")
            }
            Self::NoSuchOu { ou, similar: known } => {
                write!(f, "the OU {ou} in `exclude_ous` does not exist")?;
                similar(f, known)
            }
            Self::MapTarget { name, upn, reason } => {
                write!(f, "\"{}\" in `map` has the target {upn}, but {reason}", visible(name))
            }
            Self::AmbiguousSubscription { subscription, ids } => write!(
                f,
                "several subscriptions have the name \"{}\": {}; use the ID of one",
                visible(subscription),
                ids.join(", ")
            ),
            Self::SubscriptionDisabled { subscription, state } => {
                write!(f, "the subscription {} is {state} and accepts no changes", visible(subscription))
            }
            Self::NoSuchObject { name } => {
                write!(f, "{}: no such object exists in the forest, or it cannot be read", visible(name))
            }
            Self::ValuesChanged { detail } => {
                write!(f, "it is not as the fix expects: {}", visible(detail))
            }
            Self::FixRefused { reason } => f.write_str(&visible(reason)),
            Self::AddressesRefused { reason } => {
                write!(f, "its addresses cannot be changed: {}", visible(reason))
            }
            Self::ValueTaken { attribute, value, holder, held_in } => write!(
                f,
                "{attribute} cannot become \"{}\", because {holder} has it as {held_in}",
                visible(value)
            ),
            Self::ValueWantedTwice { attribute, value, other } => {
                write!(f, "{attribute} would become \"{}\", and so would a value of {other}", visible(value))
            }
            Self::NoDomainController => f.write_str("the forest lists no domain controller"),
            Self::NoSuchSubscription { subscription, similar } => {
                write!(
                    f,
                    "no subscription \"{}\" is visible to the signed-in identity",
                    visible(subscription)
                )?;
                match similar {
                    Some(similar) => write!(f, "; there is \"{}\"", visible(similar)),
                    None => Ok(()),
                }
            }
        }
    }
}
