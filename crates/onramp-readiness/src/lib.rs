#![doc = include_str!("../README.md")]

mod address;
pub mod attributes;
mod duplicates;
mod entra;
mod finding;
pub mod ldif;
pub mod idfix;
mod object;
mod profile;
mod rules;
mod scan;
pub mod source;
pub mod report;

pub use entra::EntraRules;
pub use finding::{
    Confidence, Finding, Fix, FixChange, Holder, IdfixError, IdfixRow, ObjectKey, RuleId, Severity, Span,
};
pub use object::DirectoryObject;
pub use onramp_core::forest::AttributeValue;
pub use onramp_core::{AttributeName, DomainName, ObjectGuid};
pub use profile::{Profile, ProfileError, RuleSettings};
pub use rules::{Exclusion, ReadinessRules, RuleInfo};
pub use scan::{Scan, ScanResult};
