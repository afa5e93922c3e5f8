//! The part of the directory's schema that the lab knows, and what the server says of it.

mod attributes;
mod classes;
pub(crate) mod subschema;

pub(crate) use attributes::{Attr, Source, Syntax};
pub(crate) use classes::{Class, category_of_short_name};
