//! Active Directory over LDAP, behind the forest ports of [`onramp_core`].
//!
//! [`ForestClient`] connects to one domain controller by LDAPS or StartTLS, signs in by simple bind, and turns into a
//! whole [`Forest`](onramp_core::Forest) by [`ForestClient::forest`]. It also talks to the other domain controllers
//! where each has to be asked itself, and to those of other domains where the first one does not hold them.
//!
//! * There is no way to sign in without TLS, nor with an empty name or password.
//! * An object is changed by compare-and-swap, and named by GUID. If the answer is lost, the object is read to learn what
//!   happened.
//! * Many changes go out as fast as the server answers them well, and no faster than allowed
//!   ([`ForestClientBuilder::changes_per_second`]); [`ForestClient::write_loads`] shows how it goes.
//! * Searches are paged and streamed; a result that was cut short is an error, never a short result.
//! * Every wait on the network is bounded ([`Timeouts`]), and what the server says is kept in the error.

mod builder;
mod change_cursor;
mod changes;
mod client;
mod connection;
mod controllers;
mod dir_sync;
mod entry;
mod fault;
mod lane;
mod link;
mod name_holder;
mod naming_contexts;
mod object_change;
mod objects;
mod page;
mod pages;
mod password_policy;
mod pipeline;
mod replication;
mod result_code;
mod root_dse;
mod search;
mod security;
mod settings;
mod suffix_usage;
mod suffixes;
mod tls_failure;
mod up_to_dateness;
mod users;
mod usn_set;
mod window;
mod writer;

pub use builder::ForestClientBuilder;
pub use change_cursor::{ChangeCursor, ChangeQuery};
pub use changes::DirectoryChange;
pub use client::ForestClient;
pub use lane::WriteLoad;
pub use naming_contexts::ForestDomain;
pub use root_dse::RootDse;
pub use security::{BindName, LdapSecurity};
pub use settings::Timeouts;
