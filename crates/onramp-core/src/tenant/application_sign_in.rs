//! Proof that an application can sign in with its certificate.

use std::fmt::{self, Debug};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{ObjectId, Password, Result};

/// The result of a sign-in of an application with its certificate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "outcome")]
#[non_exhaustive]
pub enum ApplicationProbe {
    /// A token was issued.
    Accepted {
        /// The permissions in the token; `None` if the token cannot be read, which a service may choose.
        roles: Option<Vec<String>>,
    },
    /// The tenant does not know the certificate, or it expired.
    UnknownCertificate {
        /// AADSTS code.
        code: u32,
    },
    /// There is no such application, or it has no service principal.
    UnknownApplication {
        /// AADSTS code.
        code: u32,
    },
    /// The tenant does not have the API that the token is for.
    UnknownResource {
        /// AADSTS code.
        code: u32,
    },
    /// A policy forbids the sign-in: conditional access for workload identities.
    BlockedByPolicy {
        /// AADSTS code.
        code: u32,
    },
    /// The service principal is disabled.
    Disabled {
        /// AADSTS code.
        code: u32,
    },
    /// Another answer, which proves nothing.
    Inconclusive {
        /// AADSTS code, 0 if there was none.
        code: u32,
        /// The server's own words.
        message: String,
    },
}

impl ApplicationProbe {
    /// Returns what a refusal of the token endpoint says about a sign-in with a certificate, by its AADSTS code.
    ///
    /// ```
    /// use onramp_core::tenant::ApplicationProbe;
    /// let probe = ApplicationProbe::of_refusal(700_027, "AADSTS700027: …");
    /// assert_eq!(probe, ApplicationProbe::UnknownCertificate { code: 700_027 });
    /// ```
    // Source: "Microsoft Entra authentication and authorization error codes".
    pub fn of_refusal(code: u32, message: impl Into<String>) -> Self {
        match code {
            700_027 | 700_030 | 7_000_214 | 7_000_215 | 7_000_222 => Self::UnknownCertificate { code },
            700_016 | 700_011 | 7_000_229 => Self::UnknownApplication { code },
            500_011 | 50_001 | 650_052 => Self::UnknownResource { code },
            53_003 | 530_035 => Self::BlockedByPolicy { code },
            7_000_112 | 500_014 => Self::Disabled { code },
            _ => Self::Inconclusive { code, message: message.into() },
        }
    }
}

impl fmt::Display for ApplicationProbe {
    /// A clause for people, with the code to look up.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Accepted { roles: None } => {
                f.write_str("a token was issued, whose permissions cannot be read")
            }
            Self::Accepted { roles: Some(roles) } if roles.is_empty() => {
                f.write_str("a token was issued, without a permission")
            }
            Self::Accepted { roles: Some(roles) } => {
                write!(f, "a token was issued, with {}", roles.join(", "))
            }
            Self::UnknownCertificate { code } => {
                write!(f, "the tenant does not accept the certificate (AADSTS{code})")
            }
            Self::UnknownApplication { code } => {
                write!(f, "the tenant does not know the application (AADSTS{code})")
            }
            Self::UnknownResource { code } => write!(f, "the tenant does not have the API (AADSTS{code})"),
            Self::BlockedByPolicy { code } => write!(f, "a policy forbids the sign-in (AADSTS{code})"),
            Self::Disabled { code } => write!(f, "the service principal is disabled (AADSTS{code})"),
            Self::Inconclusive { code: 0, message } => f.write_str(message),
            Self::Inconclusive { code, message } => write!(f, "{message} (AADSTS{code})"),
        }
    }
}

/// The port of the sign-in proof of applications.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait ApplicationSignIn: Debug + Send + Sync {
    /// Signs in as an application, for a token of one API. Changes nothing.
    ///
    /// `key` has the certificate and its private key in PEM, one after the other in any order; `resource` is the
    /// application ID of the API.
    ///
    /// # Errors
    /// `Invalid` if `key` has no certificate or no RSA key; errors of the connection. A refusal of the tenant is an answer.
    async fn probe(&self, app_id: &ObjectId, key: &Password, resource: &ObjectId)
    -> Result<ApplicationProbe>;
}
