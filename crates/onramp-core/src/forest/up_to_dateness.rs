//! The replication position of a domain controller, and the origin of a value ([MS-ADTS] 3.1.1.1.9 ff.).

use std::fmt;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::AttributeValue;
use crate::ObjectGuid;
use crate::parse::{ParseError, text_newtype};

/// The identity of a domain controller's database. It changes when the database is restored from a backup, since
/// update sequence numbers start over then.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct InvocationId(ObjectGuid);

impl InvocationId {
    /// Parses the dashed text form of a GUID, with or without braces, in any case.
    ///
    /// # Errors
    /// Anything else.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        ObjectGuid::parse(text).map(Self)
    }

    /// From the sixteen bytes of `invocationId`, as AD sends them.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(ObjectGuid::from_bytes(bytes))
    }

    /// From an attribute value.
    ///
    /// # Errors
    /// A value that is not sixteen bytes long.
    pub fn from_slice(bytes: &[u8]) -> Result<Self, ParseError> {
        ObjectGuid::from_slice(bytes).map(Self)
    }

    /// The sixteen bytes in AD's order.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }
}

text_newtype!(InvocationId);

impl fmt::Display for InvocationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}
impl fmt::Debug for InvocationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "InvocationId({self})")
    }
}

/// One entry of an up-to-dateness vector: all changes that were made on one domain controller up to an update
/// sequence number (USN) have arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[allow(clippy::exhaustive_structs)] // what the protocol has
pub struct ReplicationCursor {
    /// The database in which the changes were made.
    pub invocation_id: InvocationId,
    /// The highest USN of there up to which everything has arrived.
    pub usn: u64,
    /// The time of the last successful sync with that domain controller, where the server has it (Samba does not).
    #[serde(with = "time::serde::rfc3339::option", default, skip_serializing_if = "Option::is_none")]
    pub last_sync: Option<OffsetDateTime>,
}

/// The replication position of one domain controller in one naming context.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ReplicationPosition {
    /// The identity of its database. `None` if the server does not show it, as on read-only domain controllers.
    pub invocation_id: Option<InvocationId>,
    /// The highest USN that it gave out (`highestCommittedUSN`), over all of its naming contexts.
    pub highest_usn: u64,
    /// The up-to-dateness vector; it has no entry for itself. `None` if this account may not read it.
    pub vector: Option<Vec<ReplicationCursor>>,
}

impl ReplicationPosition {
    /// A position.
    pub fn new(
        invocation_id: Option<InvocationId>,
        highest_usn: u64,
        vector: Option<Vec<ReplicationCursor>>,
    ) -> Self {
        Self { invocation_id, highest_usn, vector }
    }

    /// The cursor of that database's changes.
    pub fn cursor(&self, origin: &InvocationId) -> Option<&ReplicationCursor> {
        self.vector.as_deref()?.iter().find(|cursor| cursor.invocation_id == *origin)
    }

    /// Returns the number of USNs that it is behind a change in that database: 0 if the change has arrived. `None` if
    /// the vector is hidden.
    pub fn behind(&self, origin: &InvocationId, usn: u64) -> Option<u64> {
        if self.invocation_id == Some(*origin) {
            return Some(usn.saturating_sub(self.highest_usn));
        }
        self.vector.as_ref()?;
        Some(usn.saturating_sub(self.cursor(origin).map_or(0, |cursor| cursor.usn)))
    }
}

/// The originating write of a value (`replPropertyMetaData`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[allow(clippy::exhaustive_structs)] // what the protocol has
pub struct OriginatingWrite {
    /// The version: the number of writes of the attribute. A change by delete and add may count twice (Samba).
    pub version: u32,
    /// The time by the writer's clock, in whole seconds.
    #[serde(with = "time::serde::rfc3339")]
    #[cfg_attr(feature = "schemars", schemars(with = "String"))]
    pub at: OffsetDateTime,
    /// The database in which it was written.
    pub by: InvocationId,
    /// The USN that it got there.
    pub usn: u64,
}

impl OriginatingWrite {
    /// Returns true if this write wins in a conflict: the higher version, then the later time, then the greater identity
    /// ([MS-ADTS] 3.1.1.1.9).
    pub fn wins_over(&self, other: &Self) -> bool {
        let rank = |write: &Self| (write.version, write.at, *write.by.as_bytes());
        rank(self) > rank(other)
    }
}

/// The value of a single-valued attribute on one domain controller, and who wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ValueStamp {
    /// The value; `None` if the object does not have the attribute.
    pub value: Option<AttributeValue>,
    /// The originating write. `None` if there was none, or this account may not see it.
    pub written: Option<OriginatingWrite>,
}

impl ValueStamp {
    /// A value and who wrote it.
    pub fn new(value: Option<AttributeValue>, written: Option<OriginatingWrite>) -> Self {
        Self { value, written }
    }
}
