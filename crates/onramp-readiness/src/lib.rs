#![doc = include_str!("../README.md")]

pub mod attributes;
mod finding;
mod object;

pub use finding::{
    Confidence, Finding, Fix, FixChange, Holder, IdfixError, IdfixRow, ObjectKey, RuleId, Severity, Span,
};
pub use object::DirectoryObject;
