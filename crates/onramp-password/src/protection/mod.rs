//! Entra Password Protection: banned words, with a substitution table and a score.
//!
//! Microsoft documents the steps and some examples, says that the algorithm may change, and publishes neither the table
//! nor the global list. Each point that the examples leave open is an [`Interpretation`] here, and [`Interpretations`]
//! has the verdict on a candidate under all of them.

mod policy;
mod substitutions;
mod verdict;

pub use policy::{Interpretation, ProtectionPolicy};
pub(crate) use policy::{MIN_NAME, MIN_NAME_ONCE, MIN_WORD};
pub use substitutions::Substitutions;
pub use verdict::{AllInterpretations, Interpretations, ProtectionVerdict};
