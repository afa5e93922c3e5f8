//! The lint of a policy: contradictions, surprises, and the range that satisfies every target.

mod findings;
mod kind;

pub use findings::{Finding, Lint, SatisfiableRange, lint};
pub use kind::{LintKind, Severity};
