//! Microsoft Graph and Azure Resource Manager behind the tenant ports of `onramp-core`.
//!
//! [`EntraClient`] turns into a whole [`onramp_core::Tenant`]. What it sends is at the same time what a careful
//! human would: least properties, one request at a time, nothing repeated that must not be.
//!
//! * **Credentials**: any [`TokenSource`], a [`ClientSecret`] or a [`ClientCertificate`]; a person in a browser or with
//!   a device code (feature `interactive`); everything that `azure_identity` offers (feature `azure`,
//!   `AzureTokenSource`). Both features are off by default because only some programs need them, and bring neither a
//!   second HTTP client nor a second TLS stack. Tokens are kept per scope and renewed early.
//! * **Retries** ([`RetryPolicy`]): throttling, lost replies and server errors, where repeating is harmless; a
//!   creation is looked up before it is repeated. `Retry-After` is obeyed, by everything that the client and its clones
//!   have to ask of that service.
//! * **Reading at scale** ([`Query`]): any collection of Graph, typed by the caller, one page read ahead; changes since
//!   a cursor that can be kept ([`Query::changes`]).
//! * **Writing at scale** ([`BulkWriter`]): changes in batches of twenty under the documented limits, each refused item
//!   repeated when the service says so, one outcome per change.
//! * **Origins** ([`Endpoints`]): a token or a body goes only to the configured service. Redirects are not
//!   followed, and a link to a next page elsewhere is an error.
//! * **New objects**: within two minutes of creating an object, an answer that may be due to replication is waited
//!   out.
//! * **TLS**: rustls with ring; the operating system's trust roots, or those given.
//! * **Recording** ([`WireRecorder`]): every exchange as an HTTP Archive without secrets.
//!
//! [`cookbook`] has short programs, [`permissions`] what each call needs, [`registration`] how to register the
//! application that a program signs in as.
//!
//! # Features
//!
//! `ports` (on by default) is [`EntraClient::tenant`] and what lies behind it; a program that only reads and writes Graph
//! does without, and is built in three quarters of the time. `gzip` (on by default) has replies compressed. `http2`
//! speaks HTTP/2 with services that do; without it every request under way has a connection of its own.

// Much of what sends and reads is there for the ports.
#![cfg_attr(not(feature = "ports"), allow(dead_code))]

mod builder;
mod bulk;
mod change;
mod client;
mod creation;
mod endpoints;
mod error;
mod filter;
mod fresh;
mod gate;
mod guid;
mod har;
mod hints;
mod origin;
mod pacer;
#[cfg(feature = "ports")]
mod ports;
mod reading;
mod request;
mod retry;
mod token;
mod transport;
mod trust;
mod wiped;
mod wire;

pub use builder::EntraClientBuilder;
pub use bulk::{Applied, BulkMonitor, BulkRun, BulkStats, BulkWriter, Evidence, Outcome};
pub use change::GraphChange;
pub use client::EntraClient;
pub use endpoints::{Capability, Cloud, Endpoints};
pub use har::WireRecorder;
pub use pacer::ServiceLimits;
#[cfg(feature = "ports")]
pub use ports::{
    EntraApplications, EntraDomains, EntraPasswordRules, EntraRoles, EntraSignIn, EntraSubscriptions,
    EntraSync, EntraUsers,
};
pub use reading::{Delta, DeltaCursor, DeltaStart, Query};
pub use retry::RetryPolicy;
#[cfg(feature = "azure")]
pub use token::AzureTokenSource;
pub use token::{AccessToken, ClientCertificate, ClientSecret, Credential, TokenSource};
#[cfg(feature = "interactive")]
pub use token::{BrowserSignIn, DeviceCodeSignIn, DevicePrompt};
pub use wire::Timeouts;

#[doc = include_str!("../docs/cookbook.md")]
pub mod cookbook {}

#[doc = include_str!("../docs/permissions.md")]
pub mod permissions {}

#[doc = include_str!("../docs/registration.md")]
pub mod registration {}

/// Compiles the example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
