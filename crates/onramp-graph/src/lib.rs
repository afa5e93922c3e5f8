//! A client for Microsoft Graph and Azure Resource Manager.

mod auth;
mod batch;
mod builder;
mod client;
mod endpoints;
pub mod http;
mod query;
mod token;
mod uuid;

#[cfg(feature = "azure")]
pub use auth::AzureTokenSource;
#[cfg(feature = "interactive")]
pub use auth::{BrowserSignIn, DeviceCodeSignIn, DevicePrompt};
pub use auth::{ClientCertificate, ClientSecret, Credential};
pub use batch::{Applied, BulkMonitor, BulkOutcome, BulkRun, BulkStats, BulkWriter, Evidence, GraphChange};
pub use builder::GraphClientBuilder;
pub use client::GraphClient;
pub use endpoints::{Capability, Cloud, Endpoints, ServiceAddresses};
pub use http::exchange::HttpTimeouts;
pub use http::har::HarRecorder;
pub use http::retry::RetryPolicy;
pub use http::throttle::ServiceLimits;
pub use query::{Delta, DeltaCursor, DeltaStart, Query};
pub use token::{AccessToken, TokenSource};
pub use {reqwest, url};
