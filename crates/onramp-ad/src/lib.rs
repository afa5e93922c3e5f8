#![doc = include_str!("../README.md")]

mod builder;
mod changes;
mod client;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod ldap;
mod modify;
mod ports;
mod search;
mod topology;

pub use builder::AdClientBuilder;
pub use changes::cursor::{ChangeCursor, DirectoryChangeQuery};
pub use changes::reader::DirectoryChange;
pub use client::AdClient;
pub use ldap::guarded_tls::tls_provider;
pub use ldap::security::{BindName, LdapSecurity};
pub use ldap::settings::LdapTimeouts;
pub use ldap::write_limiter::WriteLoad;
/// The TLS library whose configuration [`AdClientBuilder::tls_config`] takes.
pub use rustls;
pub use topology::controller_survey::SurveyedController;
pub use topology::domains::ForestDomain;
pub use topology::root_dse::RootDse;
