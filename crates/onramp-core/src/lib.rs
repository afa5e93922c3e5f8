#![doc = include_str!("../README.md")]

mod attribute_name;
mod clock;
mod comparison;
#[cfg(feature = "conformance")]
pub mod conformance;
mod distinguished_name;
pub mod dns;
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

/// The mockall mocks of all ports. Feature `mock`.
#[cfg(feature = "mock")]
pub mod mock {
    pub use crate::dns::MockDns;
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
