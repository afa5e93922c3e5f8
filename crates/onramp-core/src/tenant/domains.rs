//! Custom domains of a tenant.

use std::fmt::Debug;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{BoxStream, DomainName, ObjectId, Result};

/// A domain of the tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TenantDomain {
    /// The name.
    pub name: DomainName,
    /// True if the domain is verified.
    pub is_verified: bool,
    /// True if it is the default domain for new users.
    pub is_default: bool,
    /// True if it is the initial domain, `….onmicrosoft.com`.
    pub is_initial: bool,
    /// True if it is a verified domain that is not below another one of the tenant. Entra says "no" for every
    /// unverified domain.
    pub is_root: bool,
    /// The authentication type of the domain.
    pub authentication: DomainAuthentication,
}

impl TenantDomain {
    /// A managed domain, neither default nor initial.
    pub fn new(name: DomainName, is_verified: bool) -> Self {
        let authentication = DomainAuthentication::Managed;
        Self { name, is_verified, is_default: false, is_initial: false, is_root: is_verified, authentication }
    }
}

/// An object whose names are on a domain: what keeps the domain from being removed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DomainReference {
    /// Object ID.
    pub id: ObjectId,
    /// The kind of the object.
    pub kind: ReferenceKind,
    /// UPN of a user, address of a group, name of anything else.
    pub name: Option<String>,
}

impl DomainReference {
    /// A reference.
    pub fn new(id: ObjectId, kind: ReferenceKind, name: Option<String>) -> Self {
        Self { id, kind, name }
    }
}

/// The kind of an object that refers to a domain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ReferenceKind {
    /// A user.
    User,
    /// A group.
    Group,
    /// An application or its service principal.
    Application,
    /// Anything else, by the type that Graph calls it.
    Other(String),
}

/// The authentication type of a domain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum DomainAuthentication {
    /// Entra itself.
    Managed,
    /// A federated identity provider.
    Federated,
}

/// A DNS record that proves ownership of a domain. Publishing one of those offered is enough.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", tag = "type")]
#[non_exhaustive]
pub enum VerificationRecord {
    /// A TXT record.
    Txt {
        /// Name of the record.
        label: String,
        /// Returns the text.
        text: String,
        /// Time to live in seconds.
        ttl: u32,
    },
    /// An MX record that receives no mail.
    Mx {
        /// Name of the record.
        label: String,
        /// Mail exchanger.
        mail_exchange: String,
        /// Preference.
        preference: u16,
        /// Time to live in seconds.
        ttl: u32,
    },
}

impl std::fmt::Display for VerificationRecord {
    /// One line in the form of a zone file.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Txt { label, text, ttl } => write!(f, "{label}. {ttl} IN TXT \"{text}\""),
            Self::Mx { label, mail_exchange, preference, ttl } => {
                write!(f, "{label}. {ttl} IN MX {preference} {mail_exchange}.")
            }
        }
    }
}

/// The result of a verification.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum DomainVerification {
    /// The domain is verified, now or since before.
    Verified,
    /// The record is not visible yet in DNS. Try again later; up to 72 hours are documented.
    RecordNotFound {
        /// The server's own words.
        message: String,
    },
}

/// The port of the custom domains of a tenant.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait Domains: Debug + Send + Sync {
    /// All domains of the tenant; at most 5,000 by Entra's limits.
    async fn list(&self) -> Result<Vec<TenantDomain>>;

    /// One domain.
    ///
    /// # Errors
    /// `NotFound` if the tenant does not have it.
    async fn get(&self, name: &DomainName) -> Result<TenantDomain>;

    /// Adds a domain, unverified unless it is below a verified one.
    ///
    /// # Errors
    /// `AlreadyExists` if this or another tenant has it.
    async fn add(&self, name: &DomainName) -> Result<TenantDomain>;

    /// The DNS records that prove ownership; publishing one of them is enough.
    ///
    /// # Errors
    /// `NotFound` if the tenant does not have the domain.
    async fn verification_records(&self, name: &DomainName) -> Result<Vec<VerificationRecord>>;

    /// Asks the tenant to look for the record now. Verifying a verified domain answers
    /// [`DomainVerification::Verified`]. Only a record that is missing is worth waiting for, and only that is
    /// [`DomainVerification::RecordNotFound`]; a refusal for any other cause, known or not, is an error.
    ///
    /// # Errors
    /// `NotFound` if the tenant does not have the domain; `AlreadyExists` if another tenant has it, which waiting does
    /// not change; `Invalid` for a cause that is not known.
    async fn verify(&self, name: &DomainName) -> Result<DomainVerification>;

    /// The objects whose names are on the domain, page by page as the consumer takes them. An object that
    /// cannot be understood is one error of kind `Unreadable`, and the stream goes on; every other error ends the stream.
    fn references(&self, name: &DomainName) -> BoxStream<'static, Result<DomainReference>>;

    /// The root domain that a subdomain belongs to; a root domain's is itself. Ownership is proven for the root.
    ///
    /// # Errors
    /// `NotFound` if the tenant does not have the domain, or it has no root because it is unverified.
    async fn root_domain(&self, name: &DomainName) -> Result<TenantDomain>;

    /// Removes a domain that nothing refers to.
    ///
    /// # Errors
    /// `NotFound`; `Invalid` while users or groups refer to it.
    async fn remove(&self, name: &DomainName) -> Result<()>;
}
