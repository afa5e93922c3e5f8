//! What stands in the way.

use std::fmt;

use onramp_core::{DomainName, Upn, UpnViolation, visible};
use serde::{Deserialize, Serialize};

use crate::steps::users::UserRef;

/// Something that stands in the way of one user's change, or of the whole plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Blocker {
    /// The user who is left as it is; `None` if the whole plan is blocked.
    pub user: Option<UserRef>,
    /// The user's present UPN.
    pub present_upn: Option<String>,
    /// What is wrong.
    #[serde(flatten)]
    pub problem: Problem,
}

impl Blocker {
    /// Whether no part of the plan can be approved because of it.
    pub fn is_fatal(&self) -> bool {
        self.user.is_none()
    }
}

impl fmt::Display for Blocker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.user {
            Some(user) => write!(f, "{user}: {}", self.problem),
            None => write!(f, "{}", self.problem),
        }
    }
}

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "problem")]
#[non_exhaustive]
pub enum Problem {
    /// Another principal of the forest has the UPN.
    Taken {
        /// The UPN.
        upn: Upn,
        /// Who has it.
        holder: UserRef,
        /// Whether it is not written down: AD accepts `sAMAccountName@domain` for every account.
        implied: bool,
    },
    /// Another selected user would get the same UPN.
    WantedTwice {
        /// The UPN.
        upn: Upn,
        /// Who.
        other: UserRef,
    },
    /// The user has the wanted UPN, and so has another principal: neither can sign in with it.
    Shared {
        /// The UPN.
        upn: Upn,
        /// The other principal.
        holder: UserRef,
    },
    /// Another object of the forest has the UPN as mail address: Entra takes one of both.
    AddressTaken {
        /// The UPN.
        upn: Upn,
        /// The address.
        address: String,
        /// The object that has it.
        holder: UserRef,
    },
    /// Two names in `map` fit the user, with different UPNs.
    MappedTwice {
        /// One of the UPNs.
        one: Upn,
        /// The other.
        other: Upn,
    },
    /// Entra would not take the UPN.
    BreaksEntraRules {
        /// The UPN.
        upn: Upn,
        /// Every rule it breaks.
        violations: Vec<UpnViolation>,
    },
    /// The present value cannot be made into a UPN.
    NotAUpn {
        /// The value.
        value: String,
        /// Why.
        why: String,
    },
    /// The UPN is to come from `mail`, and there is none.
    NoMail,
    /// The UPN is to come from `mail`, which is on another domain.
    MailElsewhere {
        /// The address.
        mail: String,
    },
    /// The custom domain can never be verified.
    NotRoutable {
        /// The domain.
        domain: DomainName,
    },
    /// The service account's UPN is on a domain that the tenant neither has verified nor will have.
    ServiceAccountDomain {
        /// The UPN.
        upn: Upn,
    },
    /// The domain is federated: its users sign in elsewhere, so a password account on it is of no use.
    FederatedDomain {
        /// The service account.
        upn: Upn,
    },
    /// An object of the forest has, gets or implies the service account's UPN, or has it as primary mail address:
    /// synchronization would meet the account in it ("Existing Admin Role Conflict").
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
        /// What is wrong with it.
        why: String,
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
    /// A name in the spec fits more than one user.
    AmbiguousUser {
        /// The list: `only` or `map`.
        list: String,
        /// The name.
        name: String,
        /// Two of the users that it fits.
        fits: Vec<UserRef>,
    },
    /// Nobody has a suffix in `from_suffixes`, and the forest does not offer it.
    NoSuchSuffix {
        /// The suffix.
        suffix: String,
        /// A known one that is written alike.
        similar: Option<String>,
    },
    /// The selection selects nobody, and synchronization would be switched on.
    NobodySelected {
        /// The number of users that were read.
        read: u64,
    },
    /// The domain is the initial domain of some tenant, and not of this one.
    InitialDomain {
        /// The domain.
        domain: DomainName,
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
        /// One that exists and is written alike.
        similar: Option<String>,
    },
    /// The target of an entry of `map` is on a domain that Entra or the forest does not take.
    MapTarget {
        /// The name.
        name: String,
        /// The target.
        upn: Upn,
        /// What is wrong with its domain.
        why: String,
    },
    /// Several subscriptions have the name.
    AmbiguousSubscription {
        /// As the spec names it.
        subscription: String,
        /// The IDs, each with its state.
        ids: Vec<String>,
    },
    /// The subscription takes no changes.
    SubscriptionDisabled {
        /// The name and ID.
        subscription: String,
        /// The state.
        state: String,
    },
    /// The forest lists no domain controller.
    NoDomainController,
    /// The caller sees no such subscription.
    NoSuchSubscription {
        /// As the spec names it.
        subscription: String,
        /// A visible one with a similar name.
        similar: Option<String>,
    },
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let similar = |f: &mut fmt::Formatter<'_>, similar: &Option<String>| match similar {
            Some(similar) => write!(f, "; did you mean “{}”?", visible(similar)),
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
                write!(f, "it has {upn}, and so has {holder}; give one of them another UPN")
            }
            Self::AddressTaken { upn, address, holder } => {
                write!(f, "{upn} cannot become its UPN, because {holder} has the mail address {address}")
            }
            Self::MappedTwice { one, other } => {
                write!(f, "two names in `map` fit it, with the UPNs {one} and {other}; remove one of them")
            }
            Self::BreaksEntraRules { upn, violations } => {
                let all: Vec<String> = violations.iter().map(ToString::to_string).collect();
                write!(f, "Entra does not take {upn}: {}", all.join("; "))
            }
            Self::NotAUpn { value, why } => write!(f, "“{}” cannot become a UPN: {why}", visible(value)),
            Self::NoMail => f.write_str("it has no mail address to take the UPN from"),
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
            Self::ServiceAccountProperty { property, value, why } => {
                write!(f, "the service account's {property} “{}” is not valid: {why}", visible(value))
            }
            Self::NoSuchUser { list, name, similar: known } => {
                write!(f, "“{}” in `{list}` fits no user of the forest", visible(name))?;
                similar(f, known)
            }
            Self::AmbiguousUser { list, name, fits } => write!(
                f,
                "“{}” in `{list}` fits {}; name the user as DOMAIN\\name, by UPN or by objectGUID",
                visible(name),
                fits.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and ")
            ),
            Self::OutsideSelection { name, fits } => write!(
                f,
                "“{}” in `only` fits {fits}, whom `ous`, `filter`, `exclude` or `exclude_ous` leaves out; remove one of both",
                visible(name)
            ),
            Self::NoSuchSuffix { suffix, similar: known } => {
                write!(f, "no user has the suffix “{}” in `from_suffixes`", visible(suffix))?;
                similar(f, known)
            }
            Self::NobodySelected { read } => write!(
                f,
                "the users section selects nobody, and synchronization would be switched on: {read} users were read and \
                 each is left out (the plan counts the reasons); correct the selection, or remove the section"
            ),
            Self::InitialDomain { domain } => {
                write!(f, "{domain} is an initial domain of Microsoft Entra, and none of this tenant")
            }
            Self::NoSuchOu { ou, similar: known } => {
                write!(f, "the OU {ou} in `exclude_ous` does not exist")?;
                similar(f, known)
            }
            Self::MapTarget { name, upn, why } => {
                write!(f, "“{}” in `map` leads to {upn}, but {why}", visible(name))
            }
            Self::AmbiguousSubscription { subscription, ids } => write!(
                f,
                "several subscriptions have the name “{}”: {}; name one by its ID",
                visible(subscription),
                ids.join(", ")
            ),
            Self::SubscriptionDisabled { subscription, state } => {
                write!(f, "the subscription {} is {state} and takes no changes", visible(subscription))
            }
            Self::NoDomainController => f.write_str("the forest lists no domain controller"),
            Self::NoSuchSubscription { subscription, similar } => {
                write!(
                    f,
                    "no subscription “{}” is visible to the signed-in identity",
                    visible(subscription)
                )?;
                match similar {
                    Some(similar) => write!(f, "; there is “{}”", visible(similar)),
                    None => Ok(()),
                }
            }
        }
    }
}
