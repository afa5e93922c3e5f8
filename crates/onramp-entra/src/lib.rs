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

mod applications;
mod builder;
mod bulk;
mod certificates;
mod change;
mod client;
mod delta;
mod directory_roles;
mod domains;
mod endpoints;
mod error;
mod filter;
mod fresh;
mod gate;
mod guid;
mod har;
mod hints;
mod link;
mod origin;
mod page;
mod paging;
mod password_rules;
mod query;
mod replies;
mod request;
mod retry;
mod roles;
mod second_factor;
mod sign_in;
mod subscriptions;
mod sync;
mod token;
mod transport;
mod users;
mod wiped;
mod wire;

pub use applications::EntraApplications;
pub use builder::EntraClientBuilder;
pub use bulk::{Applied, BulkMonitor, BulkRun, BulkStats, BulkWriter, Evidence, Outcome, ServiceLimits};
pub use change::GraphChange;
pub use client::EntraClient;
pub use delta::{Delta, DeltaCursor, DeltaStart};
pub use domains::EntraDomains;
pub use endpoints::{Capability, Cloud, Endpoints};
pub use har::WireRecorder;
pub use password_rules::EntraPasswordRules;
pub use query::Query;
pub use retry::RetryPolicy;
pub use roles::EntraRoles;
pub use sign_in::EntraSignIn;
pub use subscriptions::EntraSubscriptions;
pub use sync::EntraSync;
#[cfg(feature = "azure")]
pub use token::AzureTokenSource;
pub use token::{AccessToken, ClientCertificate, ClientSecret, Credential, TokenSource};
#[cfg(feature = "interactive")]
pub use token::{BrowserSignIn, DeviceCodeSignIn, DevicePrompt};
pub use users::EntraUsers;
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
