//! The name of an object in a request; the only place that formats it.

use std::fmt;

use onramp_core::{DistinguishedName, ErrorKind, ObjectGuid, Sid};

use crate::ldap::exchange_error::ExchangeError;

/// The base of a search, or the object of a modify.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Base {
    /// The root DSE; in a search of a global catalog, the whole forest.
    Root,
    /// The object with that distinguished name.
    Name(DistinguishedName),
    /// The object with that GUID, even after a move or a rename ([MS-ADTS] 3.1.1.3.1.2.4).
    Guid(ObjectGuid),
    /// The object with that security identifier.
    Sid(Sid),
}

impl fmt::Display for Base {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => Ok(()),
            Self::Name(name) => name.fmt(f),
            Self::Guid(guid) => write!(f, "<GUID={guid}>"),
            Self::Sid(sid) => write!(f, "<SID={sid}>"),
        }
    }
}

impl From<&DistinguishedName> for Base {
    fn from(name: &DistinguishedName) -> Self {
        Self::Name(name.clone())
    }
}

impl From<&ObjectGuid> for Base {
    fn from(guid: &ObjectGuid) -> Self {
        Self::Guid(*guid)
    }
}

impl From<&Sid> for Base {
    fn from(sid: &Sid) -> Self {
        Self::Sid(sid.clone())
    }
}

/// Explains a search base that was not found.
pub(crate) fn explain_base(error: ExchangeError) -> ExchangeError {
    match error.kind() {
        ErrorKind::NotFound => error.with_meaning(
            ErrorKind::NotFound,
            "there is no such object, or this account may not see it",
            Some("Check the distinguished name of the OU."),
        ),
        _ => error,
    }
}
