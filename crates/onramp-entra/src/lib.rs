#![doc = include_str!("../README.md")]

mod application_sign_in;
mod applications;
mod caller;
mod certificates;
mod client;
mod directory_roles;
mod domains;
mod password_protection;
mod roles;
mod second_factor;
mod service_records;
mod sign_in;
mod subscriptions;
mod sync;
mod users;
mod uuid_v5;

pub use application_sign_in::EntraApplicationSignIn;
pub use applications::EntraApplications;
pub use caller::EntraCaller;
pub use client::EntraClient;
pub use domains::EntraDomains;
pub use onramp_graph::{self, *};
pub use password_protection::EntraPasswordProtection;
pub use roles::EntraRoles;
pub use service_records::EntraServiceRecords;
pub use sign_in::EntraSignIn;
pub use subscriptions::EntraSubscriptions;
pub use sync::EntraSync;
pub use users::{ChangedUser, EntraUsers, update_user};

#[doc = include_str!("../docs/cookbook.md")]
pub mod cookbook {}

#[doc = include_str!("../docs/permissions.md")]
pub mod permissions {}

#[doc = include_str!("../docs/registration.md")]
pub mod registration {}
