//! LDIF (RFC 2849): a streaming [`Reader`] and a [`Writer`], of objects and of changes.
//!
//! # Reading
//! [`Reader`] reads what `ldapsearch`, `ldbsearch`, `slapcat`, `ldifde` and people write, one record at a time:
//!
//! - Folded lines, comments, CRLF, a last line without an end, UTF-8 with or without a byte order mark, UTF-16.
//! - Values are kept octet by octet, also with blanks at their end, and if they are no UTF-8. Only a name must be.
//! - `version: 1` may stand first. References of `ldapsearch` (`ref:`) and its last lines (`search:`, `result: 0
//!   Success`) are skipped. Another result is an error of the kind
//!   [`Incomplete`](crate::source::SourceErrorKind::Incomplete), because objects are missing then.
//! - `ldifde` exports objects as `changetype: add`; [`Record::object`] gives the object of those, too.
//! - A value that is to be read from elsewhere (`jpegPhoto:< file:///…`) is refused: input decides about no file.
//!
//! A record that cannot be read is an error that names the line and the object, and reading goes on with the next one.
//!
//! # Attribute options
//! [`AttributeName`](onramp_core::AttributeName) has no options, so `cn;lang-de` is read as an [`AttributeDescription`].
//! Values with no other options than `binary` and `range=…`, which say how values are sent and change nothing about
//! them, are values of the attribute in [`Entry::object`]; [`Entry::descriptions`] keeps the options. All others, such as
//! `lang-de`, make another attribute with values of its own: they are in [`Entry::tagged`] and rules do not see them.
//!
//! ```
//! use onramp_readiness::attributes::MAIL;
//! use onramp_readiness::ldif::{Reader, Record, Writer};
//!
//! let text = "version: 1\n\ndn: CN=Anna,DC=corp,DC=local\nmail: anna@contoso.com\nmail:: YsO2c2UgQGNvbnRvc28uY29t\n";
//! let mut out = Writer::new(Vec::new());
//! for record in Reader::new(text.as_bytes()) {
//!     let record = record?;
//!     let object = record.object().expect("no change");
//!     assert_eq!(object.values(&MAIL)[1].as_text(), Some("böse @contoso.com"));
//!     out.write(&record)?;
//! }
//! assert_eq!(out.finish()?, text.as_bytes());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod description;
mod lines;
mod reader;
mod record;
mod writer;

pub use description::AttributeDescription;
pub use reader::Reader;
pub use record::{Change, ChangeRecord, Control, Entry, Modification, Operation, Record};
pub use writer::Writer;
