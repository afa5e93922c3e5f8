//! The check of a candidate against a policy: the checker, the names around the account, and the verdict.

mod checker;
pub(crate) mod custom;
pub(crate) mod directory;
pub(crate) mod lithnet;
pub(crate) mod nist;
pub(crate) mod pattern;
mod prefilter;

pub use checker::{Checker, Lookups, PreparedPolicy, check, check_every_interpretation};

pub use crate::context::Context;
pub use crate::verdict::{Advice, Code, NameSource, Span, Spans, Verdict, Violation};
