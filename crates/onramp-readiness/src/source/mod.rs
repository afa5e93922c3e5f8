//! Readers of objects from files: streaming, one record at a time, with errors that name the line.
//!
//! LDIF has a module of its own, [`ldif`](crate::ldif). All readers decode text by [`TextReader`].

pub mod attribute_map;
mod columns;
pub mod csv;
mod error;
pub mod graph_json;
pub mod idfix_files;
pub(crate) mod json_objects;
mod limits;
mod physical;
mod rows;
mod text;

pub(crate) use error::shortened;
pub use error::{SourceError, SourceErrorKind};
pub use limits::Limits;
pub use text::{EncodingError, TextReader};
