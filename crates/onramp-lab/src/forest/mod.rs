//! A forest in memory: naming contexts, domain controllers between which changes take time, users, and an LDAP server over
//! all of it.
//!
//! [`LabForest`] implements the forest ports itself ([`LabForest::forest`]), and [`LabForest::serve`] opens LDAP and LDAPS
//! for each domain controller, for any LDAP client.
//!
//! Each domain has, below its root:
//!
//! * `OU=Staff` with an OU for each of the eight [departments](crate::people::DEPARTMENTS), such as `OU=Sales,OU=Staff`, and in
//!   them the users,
//! * `OU=Service Accounts` with the service accounts, which are users without a department,
//! * `CN=Users` with Administrator, Guest and krbtgt, and the groups Domain Users, Domain Guests, Domain Computers and Domain
//!   Admins; in the root domain also Schema Admins and Enterprise Admins,
//! * `CN=Computers` with three computers, and `OU=Domain Controllers` with the domain controllers.
//!
//! There are no other groups. [`LabForest::create_user`] adds a user; the servers refuse an LDAP add.
//!
//! ```
//! use onramp_lab::forest::LabForest;
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let lab = LabForest::builder().domain("corp.local").users(500).seed(7).controllers(2).build()?;
//! let forest = lab.forest();
//! let suffix = "example.com".parse()?;
//! forest.suffixes.add(&suffix).await?;
//! assert_eq!(forest.suffixes.list().await?.len(), 2);
//! # Ok::<(), onramp_core::Error>(())
//! # }).unwrap();
//! ```

mod admin;
mod builder;
mod data;
mod fault;
mod lab_forest;
mod ports;
mod reading;
mod schema;
mod security;
mod seed;
mod server;
mod writing;

pub use builder::{LabDomain, LabForestBuilder};
pub use data::state::Vendor;
pub use fault::{Fault, Operation, Overload};
pub use lab_forest::{LabForest, Login};
pub use server::{LabForestServers, ServedController};
