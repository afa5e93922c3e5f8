//! What stands in the way.

use std::fmt;

use onramp_core::{DomainName, Upn, UpnViolation};
use serde::{Deserialize, Serialize};

use crate::candidate::UserRef;

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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
        match self {
            Self::Taken { upn, holder, implied: false } => write!(f, "{upn} is the UPN of {holder}"),
            Self::Taken { upn, holder, implied: true } => {
                write!(f, "{upn} is what AD accepts for the sAMAccountName of {holder}")
            }
            Self::WantedTwice { upn, other } => write!(f, "{upn} would also be the UPN of {other}"),
            Self::BreaksEntraRules { upn, violations } => {
                let all: Vec<String> = violations.iter().map(ToString::to_string).collect();
                write!(f, "Entra does not take {upn}: {}", all.join("; "))
            }
            Self::NotAUpn { value, why } => write!(f, "“{value}” cannot become a UPN: {why}"),
            Self::NoMail => f.write_str("it has no mail address to take the UPN from"),
            Self::MailElsewhere { mail } => write!(f, "its mail address {mail} is on another domain"),
            Self::NotRoutable { domain } => {
                write!(f, "{domain} is not a public domain name, so no tenant can verify it")
            }
            Self::ServiceAccountDomain { upn } => {
                write!(f, "the service account {upn} is on a domain that the tenant has not verified")
            }
            Self::NoSuchSubscription { subscription, similar } => {
                write!(f, "no subscription “{subscription}” is visible to the signed-in identity")?;
                match similar {
                    Some(similar) => write!(f, "; there is “{similar}”"),
                    None => Ok(()),
                }
            }
        }
    }
}
