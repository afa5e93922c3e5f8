//! The tenant ports of `onramp-core` over Microsoft Graph and Azure Resource Manager.
//!
//! [`EntraClient`] turns into a whole [`onramp_core::Tenant`]. Credentials, retries, throttling and recording are those of
//! [`onramp_graph`], whose types are re-exported here, so that a program needs no other dependency.
//!
//! [`cookbook`] has short programs, [`permissions`] what each call needs, [`registration`] how to register the
//! application that a program signs in as.

mod applications;
mod certificates;
mod client;
mod directory_roles;
mod domains;
mod guid;
mod password_protection;
mod roles;
mod second_factor;
mod sign_in;
mod subscriptions;
mod sync;
mod users;

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

/// Compiles the example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
