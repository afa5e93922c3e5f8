//! An Entra tenant and an Active Directory forest that live in memory, and servers over them that speak the real protocols.
//!
//! The lab is for tests, examples, demonstrations and other people's continuous integration: everything is made from a seed,
//! so that the same seed gives the same directory, of any size.
//!
//! ```
//! use futures_util::TryStreamExt;
//! use onramp_core::forest::UserQuery;
//! use onramp_lab::forest::LabForest;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> onramp_core::Result<()> {
//! let lab = LabForest::builder().domain("corp.local").users(20).seed(7).controllers(2).build()?;
//! // The ports of the model, as a program under test gets them.
//! let users: Vec<_> = lab.forest().users.search(UserQuery::all()).try_collect().await?;
//! assert!(users.len() >= 20);
//!
//! // What an administrator would do behind the back of that program.
//! let host = &lab.controllers()[0];
//! lab.set_on(host, &users[0].guid, "userPrincipalName", &["renamed@corp.local"])?;
//! assert_eq!(lab.values_on(host, &users[0].guid, "userPrincipalName")?, ["renamed@corp.local"]);
//! # Ok(())
//! # }
//! ```
//!
//! * [`tenant`]: [`tenant::LabTenant`], the model of a tenant, and the servers of Graph, Azure Resource Manager and sign-in over it.
//! * [`forest`]: [`forest::LabForest`], the model of a forest of several domains and domain controllers, and LDAP servers over it.
//! * [`people`]: the users of both sides, made from a seed.
//!
//! Both have faults, delays and limits on demand. The model implements the ports of `onramp-core`; the servers give a client the real
//! requests and replies, so that the same test runs on both.

pub mod forest;
pub mod people;
#[cfg(feature = "program")]
pub mod program;
pub mod tenant;
pub mod tls;
