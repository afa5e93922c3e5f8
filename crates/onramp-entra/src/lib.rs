//! The tenant ports of `onramp-core` over Microsoft Graph and Azure Resource Manager.
//!
//! [`EntraClient::tenant`] returns a [`Tenant`](onramp_core::Tenant) with all its ports. Credentials, retries, throttling
//! and recording are those of [`onramp_graph`], whose types are re-exported here, so that a program needs no other
//! dependency. [`EntraClient::graph`] is the Graph client itself, for queries and bulk writes.
//!
//! # Example
//!
//! Create a user, find it by UPN, and see if the custom domain is verified:
//!
//! ```
//! use onramp_core::tenant::NewUser;
//! use onramp_core::{Password, Upn};
//! use onramp_entra::{ClientSecret, EntraClient};
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let lab = onramp_lab::tenant::LabTenant::builder().users(5).build()?;
//! # let ca = onramp_lab::tls::LabCa::new()?;
//! # let server = lab.serve(&ca, ([127, 0, 0, 1], 0).into()).await?;
//! # let credentials = lab.credentials();
//! # let (tenant_id, client_id) = (credentials.tenant_id.to_string(), credentials.client_id.to_string());
//! # let secret = credentials.client_secret.clone();
//! # let domain = lab.initial_domain();
//! let client = EntraClient::builder(ClientSecret::new(tenant_id, client_id, secret))
//! #   .endpoints(onramp_entra::Endpoints::at(server.base_url())?)
//! #   .trust_root_pem(ca.certificate_pem())
//!     .build()?;
//! let tenant = client.tenant();
//!
//! for domain in tenant.domains.list().await? {
//!     println!("{} {}", domain.name, if domain.is_verified { "verified" } else { "not verified" });
//! }
//!
//! let upn: Upn = format!("anna@{domain}").parse()?;
//! let password = Password::new("T0o-L0ng-To-Guess!".into());
//! let created = tenant.users.create(&NewUser::new(upn.clone(), "Anna", password)).await?;
//! assert_eq!(tenant.users.find(&upn).await?.map(|user| user.id), Some(created.id));
//! # Ok(())
//! # }
//! ```
//!
//! # Guarantees
//!
//! * **Least properties**: every request selects the properties that it needs.
//! * **No duplicate objects**: a user, an assignment or an application whose creation got no response is looked up by its
//!   unique key before it is created again. Without a unique key the creation ends in `OutcomeUnknown`.
//! * **Permissions**: a refusal names the permission to grant; [`permissions`] is the table of all of them.
//! * **National clouds**: a capability that a cloud lacks is refused with `Unsupported` before anything is sent.
//!
//! # More
//!
//! [`cookbook`] has short programs, and [`registration`] describes how to register the application that a program signs
//! in as.

mod applications;
mod certificates;
mod client;
mod directory_roles;
mod domains;
mod password_protection;
mod roles;
mod second_factor;
mod sign_in;
mod subscriptions;
mod sync;
mod users;
mod uuid_v5;

pub use applications::EntraApplications;
pub use client::EntraClient;
pub use domains::EntraDomains;
pub use onramp_graph::{self, *};
pub use password_protection::EntraPasswordProtection;
pub use roles::EntraRoles;
pub use sign_in::EntraSignIn;
pub use subscriptions::EntraSubscriptions;
pub use sync::EntraSync;
pub use users::{EntraUsers, update_user};

#[doc = include_str!("../docs/cookbook.md")]
pub mod cookbook {}

#[doc = include_str!("../docs/permissions.md")]
pub mod permissions {}

#[doc = include_str!("../docs/registration.md")]
pub mod registration {}

/// The doctest of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
