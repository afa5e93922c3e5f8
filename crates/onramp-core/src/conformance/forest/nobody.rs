//! An identity that no object has.

use crate::ObjectGuid;

/// A GUID that no object has.
pub(super) const NOBODY: ObjectGuid =
    ObjectGuid::from_bytes([0xef, 0xbe, 0xad, 0xde, 0, 0, 0, 0x40, 0x80, 0, 0, 0, 0, 0, 0, 0x01]);
