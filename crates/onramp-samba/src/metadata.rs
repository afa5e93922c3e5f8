//! Replication metadata: the number of writes to each attribute, as counted by the directory.

/// The entry of `replPropertyMetaData` for one attribute of an object ([MS-DRSR] 5.166).
///
/// [MS-DRSR]: https://learn.microsoft.com/openspecs/windows_protocols/ms-drsr/
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct AttributeMetadata {
    /// The number of the attribute, such as [`Self::USER_PRINCIPAL_NAME`].
    pub attribute: u32,
    /// The number of writes to the attribute, on all controllers. Deleting a value and adding another in one modify
    /// counts as two on Samba.
    pub version: u32,
    /// The invocation id of the controller that wrote it last.
    pub written_by: [u8; 16],
}

impl AttributeMetadata {
    /// The number of `userPrincipalName` in every schema.
    pub const USER_PRINCIPAL_NAME: u32 = 0x0009_0290;

    /// Parses a value of `replPropertyMetaData`; returns `None` if it has another form.
    #[must_use]
    pub fn parse(value: &[u8]) -> Option<Vec<Self>> {
        const ENTRY: usize = 48;
        // Version 1, reserved, number of entries, reserved; then the entries.
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

    /// Parses an entry: number, version, time (8 octets), writer (16), and the sequence numbers of the writer and of
    /// this controller (8 each).
    fn of_entry(entry: &[u8]) -> Option<Self> {
        let written_by = entry.get(16..32)?.try_into().ok()?;
        Some(Self { attribute: number(entry)?, version: number(entry.get(4..)?)?, written_by })
    }
}

fn number(bytes: &[u8]) -> Option<u32> {
    bytes.first_chunk().copied().map(u32::from_le_bytes)
}
