//! A client for Microsoft Graph and Azure Resource Manager, for any program.
//!
//! A [`GraphClient`] signs in, sends requests with retries and throttling, reads typed collections and their changes,
//! and writes in batches. The crate knows nothing of Onramp's job: of Onramp it depends on `onramp-core` for the
//! vocabulary, the error and the clock, and on `onramp-files` for the files of recordings. The tenant ports over it are
//! the crate `onramp-entra`.
//!
//! # Example
//!
//! List the users of a tenant, then disable the accounts of all guests:
//!
//! ```
//! use futures_util::{StreamExt, TryStreamExt, stream};
//! use onramp_graph::{ClientSecret, GraphChange, GraphClient};
//! use serde_json::json;
//!
//! #[derive(serde::Deserialize)]
//! #[serde(rename_all = "camelCase")]
//! struct User {
//!     id: String,
//!     user_principal_name: String,
//!     user_type: Option<String>,
//! }
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let lab = onramp_lab::tenant::LabTenant::builder().users(30).build()?;
//! # let ca = onramp_lab::tls::LabCa::new()?;
//! # let server = lab.serve(&ca, ([127, 0, 0, 1], 0).into()).await?;
//! # let credentials = lab.credentials();
//! # let (tenant, client_id) = (credentials.tenant_id.to_string(), credentials.client_id.to_string());
//! # let secret = credentials.client_secret.clone();
//! let client = GraphClient::builder(ClientSecret::new(tenant, client_id, secret))
//! #   .endpoints(onramp_graph::Endpoints::at(server.base_url())?)
//! #   .trust_root_pem(ca.certificate_pem())
//!     .build()?;
//!
//! let mut users = client
//!     .query::<User>("users")
//!     .select(["id", "userPrincipalName", "userType"])
//!     .restart_by(|user| user.id.clone())
//!     .stream();
//! let mut changes = Vec::new();
//! while let Some(user) = users.try_next().await? {
//!     println!("{}", user.user_principal_name);
//!     if user.user_type.as_deref() == Some("Guest") {
//!         let disable = GraphChange::update("users").segment(&user.id).json(&json!({ "accountEnabled": false }))?;
//!         changes.push((user.user_principal_name, disable));
//!     }
//! }
//!
//! let mut outcomes = client.bulk().run(stream::iter(changes));
//! while let Some(outcome) = outcomes.next().await {
//!     if let Err(error) = outcome.result {
//!         println!("{}: {error}", outcome.key);
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # Guarantees
//!
//! * **Credentials**: a [`ClientSecret`], a [`ClientCertificate`], or any [`TokenSource`]; a user in a browser or with a
//!   device code (feature `interactive`); every credential of `azure_identity` (feature `azure`, `AzureTokenSource`).
//!   Tokens are cached per scope and renewed before they expire. A refused token is replaced once, and a claims challenge
//!   (continuous access evaluation) is passed to the credential.
//! * **Retries** ([`RetryPolicy`]): after throttling, lost responses and server errors, where a repetition is safe
//!   ([`Effect`](http::Effect)). A creation is looked up before it is repeated. Attempts and delays are bounded.
//! * **Throttling**: `Retry-After` is obeyed exactly, by all requests of a client and its clones to that service. Bulk
//!   writes stay below the documented limits ([`ServiceLimits`]).
//! * **Reading at scale** ([`Query`]): any collection of Graph, typed by the caller, with one page prefetched; changes
//!   since a cursor that can be stored ([`Query::changes`]).
//! * **Writing at scale** ([`BulkWriter`]): batches of twenty changes, each refused change retried by its own
//!   `Retry-After`, one outcome per change.
//! * **Origins** ([`Endpoints`]): a token or a body is sent to the configured services only. Redirects are not followed,
//!   and a link to a next page on another server is an error.
//! * **Eventual consistency**: for two minutes after the creation of an object, a refusal that may be due to replication
//!   is retried.
//! * **TLS**: rustls with ring, and the trust roots of the operating system or those given.
//! * **Secrets**: never in errors, debug output or recordings ([`HarRecorder`], an HTTP Archive of every exchange).
//!
//! # Any request
//!
//! [`http`] has requests as values, for everything that [`Query`] and [`GraphChange`] do not cover:
//! [`GraphClient::send`], [`GraphClient::json`], [`GraphClient::list`] and [`GraphClient::create`].
//!
//! # Features
//!
//! | feature | default | |
//! |---|---|---|
//! | `gzip` | on | compressed responses; 8 crates |
//! | `http2` | off | HTTP/2 with services that support it; 5 crates. Without it every request in flight has its own connection |
//! | `azure` | off | `AzureTokenSource`; 27 crates, no HTTP client and no TLS stack among them |
//! | `interactive` | off | `BrowserSignIn` and `DeviceCodeSignIn`, with the `oauth2` crate |

mod auth;
mod batch;
mod builder;
mod client;
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
pub use http::endpoints::{Capability, Cloud, Endpoints, ServiceAddresses};
pub use http::exchange::HttpTimeouts;
pub use http::har::HarRecorder;
pub use http::retry::RetryPolicy;
pub use http::throttle::ServiceLimits;
pub use query::{Delta, DeltaCursor, DeltaStart, Query};
pub use token::{AccessToken, TokenSource};
pub use {reqwest, url};

#[doc = include_str!("../docs/cookbook.md")]
pub mod cookbook {}

/// The doctest of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
