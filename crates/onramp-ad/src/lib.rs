//! Active Directory over LDAP, behind the forest ports of [`onramp_core`].
//!
//! An [`AdClient`] connects to a domain controller by LDAPS or StartTLS, binds, and reads the domains and the domain
//! controllers of the forest from its Configuration partition. [`AdClient::forest`] returns the
//! [`Forest`](onramp_core::Forest) with its ports; the other methods of the client are for what is no port: domains,
//! availability of domain controllers, change tracking, write load.
//!
//! # Example
//!
//! Read the users of a forest, and give one of them a new UPN:
//!
//! ```
//! use futures_util::TryStreamExt;
//! use onramp_ad::{AdClient, BindName};
//! use onramp_core::forest::{UpnChange, UserQuery};
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let lab = onramp_lab::forest::LabForest::builder().domain("corp.example").users(30).build()?;
//! # let ca = onramp_lab::tls::LabCa::new()?;
//! # let servers = lab.serve(&ca).await?;
//! # let dc = servers.controllers().first().ok_or("no domain controller")?;
//! # let (name, password, ca_pem) = (lab.administrator().name, lab.administrator().password, ca.certificate_pem());
//! let client = AdClient::builder("dc1.corp.example")
//!     .trust_root_pem(ca_pem)?
//!     .bind(BindName::parse(&name)?, password)
//! #   .address(&dc.host, dc.ldaps)
//!     .connect()
//!     .await?;
//! let forest = client.forest();
//!
//! let mut users = forest.users.search(UserQuery::all());
//! let mut old = None;
//! while let Some(user) = users.try_next().await? {
//!     println!("{} {}", user.dn, user.upn.as_deref().unwrap_or("has no UPN"));
//!     if user.upn.is_some() && !user.is_critical {
//!         old = Some(user);
//!     }
//! }
//!
//! let user = old.ok_or("no user with a UPN")?;
//! let change = UpnChange { guid: user.guid, dn: user.dn, before: user.upn, after: "anna@contoso.com".parse()? };
//! forest.users.change_upn(&change).await?;
//! assert_eq!(forest.users.get(&change.guid).await?.upn.as_deref(), Some("anna@contoso.com"));
//! # Ok(())
//! # }
//! ```
//!
//! The change is refused with `Stale` if the UPN is not the one that was read, and with `AlreadyExists` if another account
//! has the new one.
//!
//! # Guarantees
//!
//! * **Domain controllers**: the client starts at one that is named, at one of several
//!   ([`AdClientBuilder::fallback_host`]), or at those that DNS lists (`AdClient::discover`, feature `dns`). All changes of
//!   a domain go to one writable domain controller, and to another one only when it cannot be reached.
//! * **Lost answers**: a change is a compare-and-swap of one object, named by GUID. When its answer is lost, the object is
//!   read before anything is sent again. A domain controller that takes over may not have the change yet; the same change
//!   can then be made on both, and replication merges them.
//! * **Several domains**: objects are read from and written to a domain controller of their own domain; whether a UPN is
//!   taken is looked up in a global catalog.
//! * **Authentication**: simple bind, client certificate, Kerberos (feature `kerberos`, built with `libkrb5-dev` and
//!   `libclang-dev`) or NTLM (feature `ntlm`, about a hundred more crates). There is no bind without TLS, nor with an empty
//!   name or password, and refused credentials are never sent twice.
//! * **Streams of changes**: as many changes are in flight as the server answers without a queue, and no more than
//!   [`AdClientBuilder::changes_per_second`] allows. [`AdClient::write_loads`] shows the present state.
//! * **Complete results**: searches are paged and streamed. An incomplete result is an error, never a short result.
//! * **Bounds**: the data of a server is limited before it takes memory ([`tls_provider`]), and every wait on the network
//!   has a timeout ([`LdapTimeouts`]). A connection that was idle for ten minutes is opened again, before the server closes it.
//! * **Errors** keep the server's result code and diagnostic text.

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
pub use changes::cursor::{ChangeCursor, ChangeQuery};
pub use changes::reader::DirectoryChange;
pub use client::AdClient;
pub use ldap::guarded_tls::tls_provider;
pub use ldap::security::{BindName, LdapSecurity};
pub use ldap::settings::LdapTimeouts;
pub use ldap::write_limiter::WriteLoad;
/// The TLS library whose configuration [`AdClientBuilder::tls_config`] takes.
pub use rustls;
pub use topology::controller_survey::ControllerStatus;
pub use topology::domains::ForestDomain;
pub use topology::root_dse::RootDse;
