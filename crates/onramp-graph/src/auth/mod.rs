//! Where access tokens come from.

#[cfg(feature = "azure")]
mod azure;
mod cache;
mod client_certificate;
mod client_credentials;
#[cfg(feature = "interactive")]
mod interactive;
mod source;

#[cfg(feature = "azure")]
pub use azure::AzureTokenSource;
pub(crate) use cache::TokenCache;
pub use client_certificate::ClientCertificate;
pub(crate) use client_credentials::{ClientCredentialsSource, Proof};
#[cfg(feature = "interactive")]
pub use interactive::{BrowserSignIn, DeviceCodeSignIn, DevicePrompt};
#[cfg(feature = "interactive")]
pub(crate) use interactive::{PersonSource, Way};
pub(crate) use source::CredentialKind;
pub use source::{AccessToken, ClientSecret, Credential, TokenSource};
