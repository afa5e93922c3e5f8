//! The errors of a breach store and of the lists that it is built from.

use alloc::boxed::Box;

use super::{HashKind, Prefix};

/// The reason that a store cannot be opened, queried or built.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The file does not begin as a store does, or was never finished.
    #[error("this is not a breach store, or its building was not finished: build it")]
    Foreign,
    /// The file was made by a later version.
    #[error(
        "the breach store has version {found} of its format, and only version 1 can be read: build it again"
    )]
    Version {
        /// The version that it says.
        found: u32,
    },
    /// The file is not as long as it should be.
    #[error("the breach store should have {expected} bytes and has {found}: copy or build it again")]
    Length {
        /// The expected number of bytes.
        expected: u64,
        /// The number of bytes found.
        found: u64,
    },
    /// The header is not as it was written.
    #[error("the header of the breach store is damaged: copy or build it again")]
    CorruptHeader,
    /// A block is not as it was written.
    #[error("block {block} of the breach store is damaged: copy or build it again")]
    CorruptBlock {
        /// The number of the block.
        block: u64,
    },
    /// The hash is not of the kind that the store holds.
    #[error("the breach store holds {expected} hashes and was asked for one of {found}")]
    WrongKind {
        /// The kind of the store.
        expected: HashKind,
        /// The kind of the hash.
        found: HashKind,
    },
    /// A hash comes after a greater one.
    #[error("hash {position} of the list is smaller than the one before: sort the list")]
    Unsorted {
        /// The number of hashes before it.
        position: u64,
    },
    /// More hashes than the format holds.
    #[error("a breach store holds up to 32 GiB")]
    TooLarge,
    /// A list cannot be read.
    #[error(transparent)]
    List(#[from] ListError),
    /// The file cannot be read or written.
    #[error("the breach store cannot be read or written")]
    Io(#[source] Box<dyn core::error::Error + Send + Sync>),
}

#[cfg(feature = "std")]
impl From<std::io::Error> for StoreError {
    fn from(error: std::io::Error) -> Self {
        Self::Io(Box::new(error))
    }
}

/// The reason that a list of hashes cannot be read. The line itself is not shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ListError {
    /// A line is not a hash, or the rest of one, a colon and a count.
    #[error("line {line} is not hexadecimal digits, a colon and a count{}", in_range(prefix))]
    Line {
        /// The number of the line, from 1.
        line: u64,
        /// The range, if it is one.
        prefix: Option<Prefix>,
    },
    /// A line holds a hash of another kind.
    #[error("line {line} is a {found} hash and not one of {expected}: the list holds {found} hashes")]
    OtherKind {
        /// The number of the line, from 1.
        line: u64,
        /// The kind that is asked for.
        expected: HashKind,
        /// The kind whose length the hash has.
        found: HashKind,
    },
    /// The body is longer than any range.
    #[error("the range has more than {limit} bytes")]
    TooLong {
        /// The maximum number of bytes.
        limit: usize,
    },
    /// The list begins with the byte order mark of UTF-16.
    #[error("the list is saved as UTF-16: save it as UTF-8")]
    Utf16,
    /// The body of a range is not text.
    #[error("the range is not text")]
    NotText,
}

fn in_range(prefix: &Option<Prefix>) -> impl core::fmt::Display {
    struct In(Option<Prefix>);
    impl core::fmt::Display for In {
        fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
            self.0.map_or(Ok(()), |prefix| write!(f, " (range {prefix})"))
        }
    }
    In(*prefix)
}

/// The reason that the range interface gave no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError<E> {
    /// The transport failed.
    #[error("the range {prefix} could not be fetched")]
    Transport {
        /// The range.
        prefix: Prefix,
        /// The error of the transport.
        #[source]
        source: E,
    },
    /// The answer is not a range.
    #[error("the answer for the range {prefix} is not one")]
    Answer {
        /// The range.
        prefix: Prefix,
        /// The error in the answer.
        #[source]
        source: ListError,
    },
}
