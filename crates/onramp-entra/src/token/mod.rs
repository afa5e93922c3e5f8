//! Where access tokens come from.

#[cfg(feature = "azure")]
mod azure;
mod cache;
mod client_certificate;
mod client_credentials;
mod source;

#[cfg(feature = "azure")]
pub use azure::AzureTokenSource;
pub(crate) use cache::TokenCache;
pub use client_certificate::ClientCertificate;
pub(crate) use client_credentials::{ClientCredentialsSource, Proof};
pub(crate) use source::CredentialKind;
pub use source::{AccessToken, ClientSecret, Credential, TokenSource};
