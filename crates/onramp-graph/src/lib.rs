//! A client for Microsoft Graph and Azure Resource Manager.

mod auth;
mod batch;
mod builder;
mod client;
mod endpoints;
mod guid;
pub mod http;
mod query;

#[cfg(feature = "azure")]
pub use auth::AzureTokenSource;
pub use auth::{AccessToken, ClientCertificate, ClientSecret, Credential, TokenSource};
#[cfg(feature = "interactive")]
pub use auth::{BrowserSignIn, DeviceCodeSignIn, DevicePrompt};
pub use batch::change::GraphChange;
pub use batch::{Applied, BulkMonitor, BulkRun, BulkStats, BulkWriter, Evidence, Outcome};
pub use builder::GraphClientBuilder;
pub use client::GraphClient;
pub use endpoints::{Audience, Capability, Cloud, Endpoints};
pub use http::har::WireRecorder;
pub use http::pacer::ServiceLimits;
pub use http::retry::RetryPolicy;
pub use http::wire::Timeouts;
pub use query::filter::literal;
pub use query::odd::{understand, unreadable};
pub use query::{Delta, DeltaCursor, DeltaStart, Query};
pub use {reqwest, url};
