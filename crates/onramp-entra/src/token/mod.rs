//! Where access tokens come from.

#[cfg(feature = "azure")]
mod azure;
mod cache;
mod client_secret;
mod source;

#[cfg(feature = "azure")]
pub use azure::AzureTokenSource;
pub(crate) use cache::TokenCache;
pub(crate) use client_secret::ClientSecretSource;
pub(crate) use source::CredentialKind;
pub use source::{AccessToken, ClientSecret, Credential, TokenSource};
