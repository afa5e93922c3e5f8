//! A violation of a change policy.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A rule that a plan breaks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PolicyViolation {
    /// The name of the rule, such as `max_changes`.
    pub rule: String,
    /// The violation in words.
    pub detail: String,
}

impl PolicyViolation {
    /// Creates a violation of a rule.
    pub fn new(rule: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { rule: rule.into(), detail: detail.into() }
    }
}

impl fmt::Display for PolicyViolation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.detail, self.rule)
    }
}
