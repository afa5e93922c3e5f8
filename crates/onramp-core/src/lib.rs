//! The vocabulary of Onramp, its ports and its one error type. No I/O happens here.
//!
//! Every other Onramp crate depends on this one and on none of its siblings' internals:
//!
//! * **Vocabulary**: [`Upn`], [`UpnSuffix`], [`DomainName`], [`ObjectGuid`], [`ImmutableId`],
//!   [`DistinguishedName`], [`Sid`], [`Password`] … Text from a user or a server is parsed into these at
//!   the edge; inside, a value of the type is proof that it was checked.
//! * **Ports**: one object-safe trait per capability of a [`tenant`] and of a [`forest`], bundled in
//!   [`Tenant`] and [`Forest`], so that replacing one piece is replacing one field.
//! * **[`Error`]**: a kind the caller can act on, what was being done to which object, the server's own
//!   identifiers, and what to do next.
//!
//! ```
//! use onramp_core::{DomainName, Error, ErrorKind, Upn};
//!
//! let upn = Upn::parse("anna.reed@corp.local")?;
//! let domain = DomainName::parse("contoso.com")?;
//! assert_eq!(upn.with_suffix(&domain).as_str(), "anna.reed@contoso.com");
//!
//! // What a port answers: a kind to act on, and a sentence for people.
//! let error = Error::new(ErrorKind::AlreadyExists, "add the domain")
//!     .with_object(&domain)
//!     .with_hint("Use it as it is.");
//! assert_eq!(error.kind(), ErrorKind::AlreadyExists);
//! assert!(error.to_string().starts_with("could not add the domain contoso.com"));
//! # Ok::<(), onramp_core::ParseError>(())
//! ```
//!
//! # Features
//! * `mock`: mockall mocks of every port, in `onramp_core::mock`.
//! * `conformance`: one test suite per port that any implementation must pass, in `onramp_core::conformance`.
//! * `tokio`: `SystemClock`, the [`Clock`] of a tokio program.

mod attribute_name;
mod clock;
mod comparison;
#[cfg(feature = "conformance")]
pub mod conformance;
mod distinguished_name;
mod domain_name;
mod error;
pub mod forest;
mod immutable_id;
mod ldap_filter;
mod mail_rules;
mod object_guid;
mod object_id;
mod parse;
mod password;
mod password_validator;
mod sid;
pub mod tenant;
mod upn;
mod upn_rules;
mod visible;

/// The mockall mocks of all ports.
#[cfg(feature = "mock")]
pub mod mock {
    pub use crate::forest::mocks::*;
    pub use crate::password_validator::MockPasswordValidator;
    pub use crate::tenant::mocks::*;
}

pub use attribute_name::AttributeName;
#[cfg(feature = "tokio")]
pub use clock::SystemClock;
pub use clock::{Clock, ManualClock};
pub use comparison::comparison_key;
pub use distinguished_name::{DistinguishedName, Rdn};
pub use domain_name::DomainName;
pub use error::{Error, ErrorKind, Result, ServerReply};
pub use forest::Forest;
pub use futures_core::stream::{BoxStream, Stream};
pub use immutable_id::ImmutableId;
pub use ldap_filter::LdapFilter;
pub use mail_rules::mail_violation;
pub use object_guid::ObjectGuid;
pub use object_id::ObjectId;
pub use parse::ParseError;
pub use password::Password;
pub use password_validator::{
    PasswordCheck, PasswordRequest, PasswordTarget, PasswordValidator, PasswordViolation,
};
pub use sid::Sid;
pub use tenant::Tenant;
pub use time::{self, OffsetDateTime};
pub use upn::{Upn, UpnSuffix};
pub use upn_rules::UpnViolation;
pub use visible::visible;
