//! The identity that a program signs in to the tenant with: its rights and its credentials.

use std::fmt::Debug;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::RoleTemplateId;
use crate::Result;

/// The rights of the identity that a program signs in with, as its access token has them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "caller")]
#[non_exhaustive]
pub enum CallerRights {
    /// An application by itself.
    Application {
        /// The permissions of Microsoft Graph that it was granted (claim `roles`).
        permissions: Vec<String>,
    },
    /// A signed-in user.
    User {
        /// The permissions of Microsoft Graph that the user's program was granted (claim `scp`).
        permissions: Vec<String>,
        /// The directory roles of the user that are active (claim `wids`); `None` if the token does not have them.
        roles: Option<Vec<RoleTemplateId>>,
    },
}

impl CallerRights {
    /// Returns the permissions of Microsoft Graph.
    pub fn permissions(&self) -> &[String] {
        match self {
            Self::Application { permissions } | Self::User { permissions, .. } => permissions,
        }
    }
}

/// A secret or a certificate that an application signs in with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CallerCredential {
    /// The display name, or the ID if it has none.
    pub name: String,
    /// The kind.
    pub kind: CallerCredentialKind,
    /// The end of its validity.
    #[serde(with = "time::serde::rfc3339::option")]
    pub not_after: Option<OffsetDateTime>,
}

impl CallerCredential {
    /// Creates a credential.
    pub fn new(
        name: impl Into<String>,
        kind: CallerCredentialKind,
        not_after: Option<OffsetDateTime>,
    ) -> Self {
        Self { name: name.into(), kind, not_after }
    }
}

/// The kind of a credential of an application.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum CallerCredentialKind {
    /// A client secret.
    Secret,
    /// A certificate.
    Certificate,
}

/// The port of the identity that a program signs in to the tenant with.
///
/// It is optional: where a [`Tenant`](crate::Tenant) has none, missing rights show when a write is refused.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait Caller: Debug + Send + Sync {
    /// Returns the rights that the access token has.
    ///
    /// # Errors
    /// `Unsupported` if the token does not show them.
    async fn rights(&self) -> Result<CallerRights>;

    /// Returns the credentials of the application that the program signs in as, not only the one that it signs in with: the
    /// tenant does not tell which that is. A user who signed in has none.
    ///
    /// # Errors
    /// `Forbidden`; `NotFound` if the application is registered in another tenant; `Unsupported` if the token does not name
    /// its application.
    async fn credentials(&self) -> Result<Vec<CallerCredential>>;
}
