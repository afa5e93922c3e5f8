//! Credentials: an application with a secret or a certificate, a user who signs in, and adapters.

#[cfg(feature = "azure")]
mod azure;
mod client_certificate;
mod client_credentials;
mod credential;
#[cfg(feature = "interactive")]
mod interactive;

#[cfg(feature = "azure")]
pub use azure::AzureTokenSource;
pub use client_certificate::ClientCertificate;
pub(crate) use client_credentials::{ClientCredentialsSource, Proof};
pub(crate) use credential::CredentialKind;
pub use credential::{ClientSecret, Credential};
#[cfg(feature = "interactive")]
pub use interactive::{BrowserSignIn, DeviceCodeSignIn, DevicePrompt};
#[cfg(feature = "interactive")]
pub(crate) use interactive::{InteractiveMethod, UserTokenSource};
