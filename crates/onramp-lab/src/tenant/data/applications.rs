//! Application registrations, service principals and what the latter were granted.

use onramp_core::Password;
use serde_json::Value;
use time::OffsetDateTime;

use crate::tenant::limits::consistency::Visibility;

/// The application id of Microsoft Graph in every tenant.
pub(crate) const GRAPH: &str = "00000003-0000-0000-c000-000000000000";
/// The application id of the Microsoft password reset service in every tenant.
pub(crate) const PASSWORD_RESET: &str = "93625bc8-bfe2-437a-97e0-3d0060024faa";
/// The application id of Azure Resource Manager in every tenant.
pub(crate) const ARM: &str = "797f4846-ba00-4fd7-ba43-dac1f8f63013";

/// An application registration.
#[derive(Clone, Debug)]
pub(crate) struct Application {
    pub(crate) id: String,
    pub(crate) app_id: String,
    pub(crate) display_name: String,
    pub(crate) created: OffsetDateTime,
    /// Secrets that the token endpoint takes.
    pub(crate) secrets: Vec<Password>,
    /// The end of the validity of the secrets, if the lab was given one; else they are good for two years and taken for ever.
    pub(crate) secrets_expire: Option<OffsetDateTime>,
    /// Users may sign in through it without a secret.
    pub(crate) is_public: bool,
    /// Certificates that the token endpoint knows of.
    pub(crate) certificates: Vec<Certificate>,
    /// Properties kept as they came (`notes`, `tags`, `keyCredentials`, …).
    pub(crate) rest: Vec<(&'static str, Value)>,
    pub(crate) seen: Visibility,
}

impl Application {
    /// Returns the name that it was created under and that no other one has.
    pub(crate) fn unique_name(&self) -> Option<&str> {
        self.rest.iter().find(|(name, _)| *name == "uniqueName").and_then(|(_, value)| value.as_str())
    }
}

/// A certificate of an application, in the words of Graph's `keyCredential`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Certificate {
    pub(crate) key_id: String,
    pub(crate) display_name: Option<String>,
    /// `customKeyIdentifier`: what the caller tells certificates apart by.
    pub(crate) identifier: Option<String>,
    pub(crate) not_before: OffsetDateTime,
    pub(crate) not_after: OffsetDateTime,
    pub(crate) der: Vec<u8>,
}

/// A certificate of a list to be set: one that is there and stays, or a new one.
#[derive(Clone, Debug, Default)]
pub(crate) struct WantedCertificate {
    pub(crate) key_id: Option<String>,
    pub(crate) display_name: Option<String>,
    pub(crate) identifier: Option<String>,
    pub(crate) not_before: Option<OffsetDateTime>,
    pub(crate) not_after: Option<OffsetDateTime>,
    pub(crate) der: Option<Vec<u8>>,
}

/// The time for which a secret is good unless somebody chose another one.
const SECRET_LIFE: time::Duration = time::Duration::days(730);

impl Application {
    /// Returns the end of the validity of the secrets.
    pub(crate) fn secrets_end(&self) -> OffsetDateTime {
        self.secrets_expire.unwrap_or_else(|| self.created + SECRET_LIFE)
    }
}

/// Properties of an application that are kept as they come.
pub(crate) const APPLICATION_PROPERTIES: [&str; 7] =
    ["requiredResourceAccess", "notes", "tags", "web", "identifierUris", "signInAudience", "uniqueName"];

/// An application's identity in this tenant.
#[derive(Clone, Debug)]
pub(crate) struct ServicePrincipal {
    pub(crate) id: String,
    pub(crate) app_id: String,
    pub(crate) display_name: String,
    pub(crate) account_enabled: bool,
    pub(crate) tags: Vec<String>,
    /// Permissions it offers: id and value.
    pub(crate) app_roles: Vec<(String, String)>,
    pub(crate) seen: Visibility,
}

/// A permission of one service principal (`resource`) given to another (`principal`).
#[derive(Clone, Debug)]
pub(crate) struct AppRoleAssignment {
    pub(crate) id: String,
    pub(crate) principal_id: String,
    pub(crate) resource_id: String,
    pub(crate) app_role_id: String,
    pub(crate) created: OffsetDateTime,
}
