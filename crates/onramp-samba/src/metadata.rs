//! How often an attribute was written, as the directory itself counts it.

/// What `replPropertyMetaData` says of one attribute of an object ([MS-DRSR] 5.166).
///
/// [MS-DRSR]: https://learn.microsoft.com/openspecs/windows_protocols/ms-drsr/
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct AttributeMetadata {
    /// Which attribute, by its number: [`Self::USER_PRINCIPAL_NAME`] or another.
    pub attribute: u32,
    /// How often it was written, on whichever controller. Deleting a value and adding another in one modify counts
    /// as two on Samba.
    pub version: u32,
    /// The invocation id of the controller that wrote it last.
    pub written_by: [u8; 16],
}

impl AttributeMetadata {
    /// The number of `userPrincipalName` in every schema.
    pub const USER_PRINCIPAL_NAME: u32 = 0x0009_0290;

    /// Reads the value of `replPropertyMetaData`; `None` if it has another shape.
    #[must_use]
    pub fn parse(value: &[u8]) -> Option<Vec<Self>> {
        const ENTRY: usize = 48;
        // Version 1, reserved, how many, reserved; then that many entries.
        let (header, entries) = value.split_first_chunk::<16>()?;
        if number(header)? != 1 {
            return None;
        }
        let count = usize::try_from(number(header.get(8..)?)?).ok()?;
        if entries.len() != count.checked_mul(ENTRY)? {
            return None;
        }
        entries.chunks_exact(ENTRY).map(Self::of_entry).collect()
    }

    /// Number, version, time (8 octets), who wrote it (16), at which of its and of our own sequence numbers (8 each).
    fn of_entry(entry: &[u8]) -> Option<Self> {
        let written_by = entry.get(16..32)?.try_into().ok()?;
        Some(Self { attribute: number(entry)?, version: number(entry.get(4..)?)?, written_by })
    }
}

fn number(bytes: &[u8]) -> Option<u32> {
    bytes.first_chunk().copied().map(u32::from_le_bytes)
}
