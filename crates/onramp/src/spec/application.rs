//! The application that synchronization signs in as.

use std::fmt;
use std::path::PathBuf;

use onramp_core::tenant::AppRole;
use serde::{Deserialize, Serialize};

/// The use that an application identity is for, which decides about its permissions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ApplicationPurpose {
    /// Microsoft Entra Connect Sync with application-based authentication, in which the administrator brings the application.
    EntraConnect,
    /// A program that configures Microsoft Entra Cloud Sync over Microsoft Graph. The provisioning agent needs none: its wizard
    /// registers it with an administrator's sign-in ("Cloud sync deep dive").
    CloudSync,
}

impl ApplicationPurpose {
    /// Returns the permissions that it needs.
    ///
    /// Permissions have names here, not IDs: a run looks the ID up in the API's service principal of the tenant.
    ///
    /// ```
    /// use onramp::ApplicationPurpose;
    /// let roles = ApplicationPurpose::EntraConnect.app_roles(false);
    /// assert_eq!(roles[0].value, "ADSynchronization.ReadWrite.All");
    /// ```
    // Sources: "Authenticate to Microsoft Entra ID by using application identity" (learn.microsoft.com, entra/identity/hybrid/connect/
    // authenticate-application-id), section "Bring Your Own Application"; "Create synchronizationJob" (graph/api/
    // synchronization-synchronization-post-jobs) for a service principal that the application does not own.
    pub fn app_roles(self, password_writeback: bool) -> Vec<AppRole> {
        match self {
            Self::EntraConnect => {
                let mut roles =
                    vec![AppRole::new(AppRole::SYNCHRONIZATION_SERVICE, "ADSynchronization.ReadWrite.All")];
                if password_writeback {
                    let of_reset = |value| AppRole::new(AppRole::PASSWORD_RESET_SERVICE, value);
                    roles.extend(
                        [
                            "PasswordWriteback.OffboardClient.All",
                            "PasswordWriteback.RegisterClientVersion.All",
                            "PasswordWriteback.RefreshClient.All",
                        ]
                        .map(of_reset),
                    );
                }
                roles
            }
            Self::CloudSync => vec![AppRole::new(AppRole::GRAPH, "Synchronization.ReadWrite.All")],
        }
    }
}

impl fmt::Display for ApplicationPurpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::EntraConnect => "entra-connect",
            Self::CloudSync => "cloud-sync",
        })
    }
}

/// The application that synchronization signs in as, with a certificate.
///
/// It stands beside [`ServiceAccountSpec`](crate::ServiceAccountSpec): a spec has one of them, both, or none. Entra Connect signs in
/// with one of the two; both are useful while it is switched from the account to the application.
///
/// ```
/// let spec = onramp::Spec::from_toml(r#"
///     domain = "contoso.com"
///
///     [application]
///     purpose = "entra-connect"
///     valid_days = 180
/// "#)?;
/// let application = spec.application.as_ref().ok_or("no application")?;
/// assert_eq!(application.name(), "onramp-entra-connect");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ApplicationSpec {
    /// The use of the application.
    pub purpose: ApplicationPurpose,
    /// The unique name under which it is created and found again; `onramp-` and the purpose without it. A second server with an
    /// application of its own needs another one.
    #[serde(default)]
    pub unique_name: Option<String>,
    /// The display name; one that names the purpose without it.
    #[serde(default)]
    pub display_name: Option<String>,
    /// True if Entra Connect writes passwords back: three more permissions.
    #[serde(default)]
    pub password_writeback: bool,
    /// A certificate to bring, as a PEM file with or without its private key; without it, key and certificate are made by the run.
    #[serde(default)]
    pub certificate: Option<PathBuf>,
    /// The days for which a certificate that a run makes is valid, 365 by default.
    #[serde(default = "valid_days")]
    pub valid_days: u32,
    /// The rotation window in days, 30 by default: a certificate that expires within it is replaced by the next plan.
    #[serde(default = "rotation_days")]
    pub rotation_days: u32,
    /// True to add a new certificate in this run, although the current one is valid.
    #[serde(default)]
    pub new_certificate: bool,
    /// True to remove the certificates of earlier runs besides the current one.
    #[serde(default)]
    pub remove_old_certificates: bool,
}

impl ApplicationSpec {
    /// Creates an application with a certificate that the run makes.
    pub fn new(purpose: ApplicationPurpose) -> Self {
        Self {
            purpose,
            unique_name: None,
            display_name: None,
            password_writeback: false,
            certificate: None,
            valid_days: valid_days(),
            rotation_days: rotation_days(),
            new_certificate: false,
            remove_old_certificates: false,
        }
    }

    /// Sets the unique name.
    #[must_use]
    pub fn with_unique_name(mut self, name: impl Into<String>) -> Self {
        self.unique_name = Some(name.into());
        self
    }

    /// Sets the display name.
    #[must_use]
    pub fn with_display_name(mut self, name: impl Into<String>) -> Self {
        self.display_name = Some(name.into());
        self
    }

    /// Adds the permissions for writing passwords back.
    #[must_use]
    pub fn with_password_writeback(mut self) -> Self {
        self.password_writeback = true;
        self
    }

    /// Brings a certificate: a PEM file with or without its private key.
    #[must_use]
    pub fn with_certificate(mut self, file: impl Into<PathBuf>) -> Self {
        self.certificate = Some(file.into());
        self
    }

    /// Sets the days for which a certificate that a run makes is valid.
    #[must_use]
    pub fn with_valid_days(mut self, days: u32) -> Self {
        self.valid_days = days;
        self
    }

    /// Sets the rotation window.
    #[must_use]
    pub fn with_rotation_days(mut self, days: u32) -> Self {
        self.rotation_days = days;
        self
    }

    /// Requests a new certificate in this run.
    #[must_use]
    pub fn with_new_certificate(mut self) -> Self {
        self.new_certificate = true;
        self
    }

    /// Requests the removal of the certificates of earlier runs.
    #[must_use]
    pub fn with_old_certificates_removed(mut self) -> Self {
        self.remove_old_certificates = true;
        self
    }

    /// Returns the unique name, which is also the name of the private key in the secret store.
    pub fn name(&self) -> &str {
        self.unique_name.as_deref().unwrap_or(match self.purpose {
            ApplicationPurpose::EntraConnect => "onramp-entra-connect",
            ApplicationPurpose::CloudSync => "onramp-cloud-sync",
        })
    }

    /// Returns the display name.
    pub fn shown_name(&self) -> &str {
        self.display_name.as_deref().unwrap_or(match self.purpose {
            ApplicationPurpose::EntraConnect => "Microsoft Entra Connect Sync (Onramp)",
            ApplicationPurpose::CloudSync => "Cloud Sync configuration (Onramp)",
        })
    }

    /// Returns the permissions that it needs.
    pub fn app_roles(&self) -> Vec<AppRole> {
        self.purpose.app_roles(self.password_writeback)
    }
}

fn valid_days() -> u32 {
    365
}

fn rotation_days() -> u32 {
    30
}
