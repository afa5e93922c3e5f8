#![doc = include_str!("../README.md")]

mod builder;
mod certificates;
mod command;
mod controller;
mod error;
mod forest;
mod ldap_programs;
mod ldif;
mod login;
mod logins;
mod many;
mod metadata;
mod names;
mod network;
#[cfg(feature = "program")]
pub mod program;
mod programs;
mod registry;
mod samba;
mod secret;
mod teardown;
mod tickets;
mod users;
mod wait;
mod watchdog;

pub use builder::ForestBuilder;
pub use certificates::ServerCertificate;
pub use controller::Controller;
pub use error::ForestError;
pub use forest::Forest;
pub use ldap_programs::Scope;
pub use ldif::{Entry, LdifError, attribute_line, parse_ldif};
pub use login::Login;
pub use logins::Rights;
pub use metadata::AttributeMetadata;
pub use programs::PACKAGES;
pub use registry::remove_orphans;
pub use secret::Secret;
pub use tickets::Ticket;
pub use users::{SeededUser, UserShape};
