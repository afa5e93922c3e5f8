//! Breached passwords: a store of billions of hashes in one file, and a client for the range interface of Have I Been
//! Pwned.
//!
//! ```
//! # #[cfg(feature = "std")] {
//! use std::io::Cursor;
//! use onramp_password::breach::{BuildOptions, Builder, HashKind, Store};
//!
//! // From what the service publishes: one body per prefix, or one sorted list.
//! let list = "5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8:10434004\r\n7C4A8D09CA3762AF61E59520943DC26494F8941B:42542807\r\n";
//! let mut builder = Builder::new(Cursor::new(Vec::new()), HashKind::Sha1, BuildOptions::new())?;
//! builder.push_list(list.as_bytes())?;
//! let (file, summary) = builder.finish()?;
//! assert_eq!(summary.keys, 2);
//!
//! let store = Store::open(file.into_inner())?; // or a mapped file, or a `StoreFile`
//! assert!(store.contains_password("password")?);
//! assert!(!store.contains_password("Zwölf Boxkämpfer")?);
//! # }
//! # Ok::<(), onramp_password::breach::StoreError>(())
//! ```
//!
//! # The file
//!
//! It holds the first bits of each hash, so many that a password that is in no breach is found with a probability of at
//! most 2·10⁻⁵ ([`Store::false_positive_rate`] is exact about it); one that is in a breach is always found. That takes
//! 18 to 19 bits a hash. All numbers are little-endian:
//!
//! * a header of 128 bytes: what the file is, its size, kind of hash, parameters, and a sum over all that;
//! * an index: for each *block* the place where it begins, in units of eight bytes;
//! * the blocks. A block holds the hashes that share their first bits, about 1,000 of them, as an Elias–Fano list:
//!   number of hashes and a sum, then for each of 1,024 values of the next ten bits the hashes in unary, then the next
//!   sixteen bits of each hash.
//!
//! A lookup touches one place of the index and one block, and checks the sum of the block, so that a damaged file is
//! never taken for an answer. Blocks begin with what hashes begin with, so that ranges of the service that have changed
//! are exchanged without looking at the others ([`Builder::update`]).
//!
//! # Why this layout
//!
//! Of what is published, the filters (`xorf`: binary fuse, 9 or 18 bits a key, faster to ask) need 26 bytes of memory a
//! key while they are built, 52 GB for this purpose, and cannot be changed afterwards. The Elias–Fano lists (`sux`,
//! `sucds`, `vers-vecs`) are built in memory too, and come back from a file either whole into memory or through unsafe
//! code and a layout that is that of the Rust types; `sux` brings more than twenty other crates. A sorted file with
//! binary search takes three to four times the space, and a file per prefix a million files. Hashes arrive sorted, so a list
//! can be written as it comes, in constant memory; cut into blocks it can be checked and changed block by block, and
//! the code that is needed for that is small.

// Building a store, which needs files, is much of what the other rooms here are for.
#![cfg_attr(not(feature = "std"), allow(dead_code))]

mod block;
mod client;
mod error;
mod hash;
mod layout;
mod list;
mod prefix;
mod range;
mod store;

#[cfg(feature = "std")]
mod builder;
#[cfg(feature = "reqwest")]
mod http;

#[cfg(feature = "std")]
pub use builder::{BuildOptions, Builder, Summary};
pub use client::{AsyncTransport, RangeClient, Transport};
pub use error::{ClientError, ListError, StoreError};
pub use hash::{HashKind, PasswordHash};
#[cfg(feature = "reqwest")]
pub use http::{FetchError, HttpTransport};
pub use prefix::Prefix;
pub use range::{MAX_BODY, RangeBody, RangeRequest};
#[cfg(feature = "std")]
pub use store::StoreFile;
pub use store::{Source, Store};
