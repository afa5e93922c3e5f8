#![doc = include_str!("../README.md")]

mod address;
pub mod attributes;
#[cfg(feature = "conformance")]
pub mod conformance;
mod duplicates;
mod entra;
mod finding;
pub mod forecast;
pub mod idfix;
pub mod ldif;
mod object;
mod object_fix;
mod object_kind;
mod profile;
pub mod report;
mod rules;
mod scan;
pub mod source;
pub mod state;

/// The mockall mock of the port. Feature `mock`.
#[cfg(feature = "mock")]
pub mod mock {
    pub use crate::rules::MockReadinessRules;
}

pub use address::{address_key, smtp_address};
pub use entra::EntraRules;
pub use finding::{
    Confidence, Finding, Fix, FixChange, Holder, IdfixError, IdfixRow, ObjectKey, RuleId, Severity, Span,
};
pub use object::DirectoryObject;
pub use object_fix::{FixSkip, ObjectFix, combine_fixes};
pub use object_kind::ObjectKind;
pub use onramp_core::forest::AttributeValue;
pub use onramp_core::{AttributeName, DomainName, ObjectGuid};
pub use profile::{Profile, ProfileError, RuleSettings};
pub use rules::{Exclusion, ReadinessRules, RuleInfo};
pub use scan::{Scan, ScanResult};
