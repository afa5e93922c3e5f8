//! The desired state of a tenant and a forest, as data.

mod account;
mod application;
mod parse;
mod users;

use std::time::Duration;

use onramp_core::DomainName;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

pub(crate) use account::in_ascii;
pub use account::{AccountCheck, FirstPassword, ServiceAccountSpec, SubscriptionSpec};
pub use application::{ApplicationPurpose, ApplicationSpec};
pub use parse::SpecError;
pub(crate) use parse::{distance, nearest};
pub use users::{AddressAttribute, Addresses, NewUpn, UsersSpec};

/// The desired state of a tenant and a forest.
///
/// Built with `with_…` methods, or read from TOML by [`Spec::from_toml`]. Unknown keys are refused, with a suggestion of a similar one.
///
/// ```
/// let spec = onramp::Spec::from_toml(r#"
///     domain = "contoso.com"
///
///     [users]
///     ous = ["OU=Staff,DC=corp,DC=local"]
///     exclude = ["svc-backup"]
///
///     [sync]
///     enable = true
///
///     [service_account]
///     upn = "onramp-sync@contoso.com"
///     alternate_email = "it-ops@contoso.com"
/// "#)?;
/// assert_eq!(spec.domain.as_str(), "contoso.com");
/// # Ok::<(), onramp::SpecError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Spec {
    /// The custom domain of the tenant, which is also the UPN suffix in the forest and of the users.
    pub domain: DomainName,
    /// The users whose UPN changes. Without it, no user is changed.
    #[serde(default)]
    pub users: Option<UsersSpec>,
    /// Directory synchronization.
    #[serde(default)]
    pub sync: SyncSpec,
    /// The account that synchronization signs in with. Without it, none is created.
    #[serde(default)]
    pub service_account: Option<ServiceAccountSpec>,
    /// The application that synchronization signs in as, besides or in place of the service account. Without it, none is
    /// registered.
    #[serde(default)]
    pub application: Option<ApplicationSpec>,
    /// The timeouts of waits.
    #[serde(default)]
    pub waits: Waits,
}

impl Spec {
    /// Creates a spec with the domain and its suffix, and without the other parts.
    pub fn new(domain: DomainName) -> Self {
        Self {
            domain,
            users: None,
            sync: SyncSpec::default(),
            service_account: None,
            application: None,
            waits: Waits::default(),
        }
    }

    /// Adds the users whose UPN changes.
    #[must_use]
    pub fn with_users(mut self, users: UsersSpec) -> Self {
        self.users = Some(users);
        self
    }

    /// Turns directory synchronization on.
    ///
    /// ```
    /// use onramp::Spec;
    /// let spec = Spec::new("contoso.com".parse()?).with_sync();
    /// assert!(spec.sync.enable && spec.users.is_none());
    /// # Ok::<(), onramp_core::ParseError>(())
    /// ```
    #[must_use]
    pub fn with_sync(mut self) -> Self {
        self.sync.enable = true;
        self
    }

    /// Adds the account that synchronization signs in with.
    #[must_use]
    pub fn with_service_account(mut self, account: ServiceAccountSpec) -> Self {
        self.service_account = Some(account);
        self
    }

    /// Adds the application that synchronization signs in as.
    #[must_use]
    pub fn with_application(mut self, application: ApplicationSpec) -> Self {
        self.application = Some(application);
        self
    }

    /// Sets the timeouts of waits.
    #[must_use]
    pub fn with_waits(mut self, waits: Waits) -> Self {
        self.waits = waits;
        self
    }
}

impl Spec {
    /// Returns the digest of the domain and the users section, without a canary: specs with the same one give the same users
    /// the same new UPNs. `None` if no user is changed.
    pub fn users_digest(&self) -> Option<String> {
        #[derive(Serialize)]
        struct Part<'a> {
            domain: &'a DomainName,
            users: UsersSpec,
        }
        let users = UsersSpec { canary: None, ..self.users.clone()? };
        let part = serde_json::to_vec(&Part { domain: &self.domain, users }).ok()?;
        Some(Sha256::digest(part).iter().map(|byte| format!("{byte:02x}")).collect())
    }
}

/// Directory synchronization.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct SyncSpec {
    /// True to turn it on. `false` leaves it as it is; Onramp never turns it off.
    pub enable: bool,
}

/// The timeouts of waits, in minutes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Waits {
    /// The timeout for the DNS record that proves the ownership of the domain, 60 by default.
    pub domain_verification_minutes: u32,
    /// The timeout for the replication of a value to every domain controller, 15 by default.
    pub replication_minutes: u32,
}

impl Default for Waits {
    fn default() -> Self {
        Self { domain_verification_minutes: 60, replication_minutes: 15 }
    }
}

impl Waits {
    /// Sets the timeout for the DNS record.
    #[must_use]
    pub fn with_domain_verification_minutes(mut self, minutes: u32) -> Self {
        self.domain_verification_minutes = minutes;
        self
    }

    /// Sets the timeout for replication.
    ///
    /// ```
    /// use std::time::Duration;
    /// use onramp::Waits;
    /// let waits = Waits::default().with_replication_minutes(5);
    /// assert_eq!(waits.replication(), Duration::from_secs(300));
    /// ```
    #[must_use]
    pub fn with_replication_minutes(mut self, minutes: u32) -> Self {
        self.replication_minutes = minutes;
        self
    }

    /// Returns the timeout for the DNS record.
    pub fn domain_verification(&self) -> Duration {
        Duration::from_secs(u64::from(self.domain_verification_minutes) * 60)
    }

    /// Returns the timeout for replication.
    pub fn replication(&self) -> Duration {
        Duration::from_secs(u64::from(self.replication_minutes) * 60)
    }
}
