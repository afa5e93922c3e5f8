//! Active Directory over LDAP, behind the forest ports of [`onramp_core`].
//!
//! [`AdClient`] connects to a domain controller by LDAPS or StartTLS, signs in, and turns into a whole
//! [`Forest`](onramp_core::Forest) by [`AdClient::forest`]. It learns the domains and domain controllers of the forest
//! from its Configuration partition.
//!
//! * **Where to begin**: at a domain controller that is named, or at several of which one answers
//!   ([`AdClientBuilder::fallback_host`]), or at those that DNS names for a domain (`AdClient::discover`, feature `dns`).
//! * **Who is written to**: one writable domain controller per domain, which stays the one as long as it can be reached. When
//!   it cannot, another one is chosen. A change whose answer was lost is never just sent again: the object is read
//!   first, and the change is a compare-and-swap, which is refused where it happened already. Since a domain controller
//!   that takes over may not have that change yet, the same change can then be made on both; replication makes one of
//!   them.
//! * **Several domains**: each domain's objects are read from and written to its own domain controller; whether a UPN is taken
//!   is asked of a global catalog.
//! * **Signing in**: by name and password, by client certificate, by Kerberos (feature `kerberos`, built with
//!   `libkrb5-dev` and `libclang-dev`), or by NTLM (feature `ntlm`, a hundred crates more). There is no way to sign in without TLS, nor with an empty name or password.
//! * An object is changed by compare-and-swap, and named by GUID. If the answer is lost, the object is read to learn what
//!   happened.
//! * Many changes go out as fast as the server answers them well, and no faster than allowed
//!   ([`AdClientBuilder::changes_per_second`]); [`AdClient::write_loads`] shows how it goes.
//! * Searches are paged and streamed; a result that was cut short is an error, never a short result.
//! * What a server sends is bounded before it takes memory ([`tls_provider`]), and so is what an answer may hold.
//! * Every wait on the network is bounded ([`Timeouts`]), and what the server says is kept in the error. A connection that was
//!   idle for ten minutes is opened anew, before the server would close it.

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
pub use ldap::settings::Timeouts;
pub use ldap::write_limiter::WriteLoad;
pub use topology::controller_survey::ControllerStatus;
pub use topology::domains::ForestDomain;
pub use topology::root_dse::RootDse;
