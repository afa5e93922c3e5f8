//! The preflight: what will stop the job at its last step, found before its first.
//!
//! [`PreflightRunner`] reads the facts through the ports, all at the same time and each within a bounded time, and judges them
//! with pure functions. Facts that cannot be read make their item one that cannot be told; the others go on.

mod catalog;
mod item;
mod judges;
mod run;
mod scope;
mod side;

use onramp_core::OffsetDateTime;
use serde::{Deserialize, Serialize};

pub use catalog::{CheckDefinition, catalog};
pub use item::{CheckItem, ItemStatus};
pub use run::PreflightRunner;
pub use scope::{PreflightScope, RightsSample};
pub use side::CheckSide;

/// The version of the format of a serialized [`Preflight`].
pub const PREFLIGHT_FORMAT_VERSION: u32 = 1;

/// The result of a preflight, item by item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Preflight {
    /// The version of the format.
    pub format_version: u32,
    /// The time at which reading began.
    #[serde(with = "time::serde::rfc3339")]
    pub taken_at: OffsetDateTime,
    /// The items, in the order of [`catalog`]; those that are not about the job are left out.
    pub items: Vec<CheckItem>,
}

impl Preflight {
    /// Creates the result of a preflight that asked nothing.
    pub fn new(taken_at: OffsetDateTime) -> Self {
        Self { format_version: PREFLIGHT_FORMAT_VERSION, taken_at, items: Vec::new() }
    }

    /// Returns the item of that name.
    pub fn item(&self, id: &str) -> Option<&CheckItem> {
        self.items.iter().find(|item| item.id == id)
    }

    /// Returns the items with that answer.
    pub fn with_status(&self, status: ItemStatus) -> impl Iterator<Item = &CheckItem> {
        self.items.iter().filter(move |item| item.status == status)
    }

    /// Returns true if an item fails.
    pub fn has_failures(&self) -> bool {
        self.with_status(ItemStatus::Fail).next().is_some()
    }

    /// Returns the items with those first that need attention: failing, then warning, then unknown.
    pub fn by_urgency(&self) -> Vec<&CheckItem> {
        let mut items: Vec<&CheckItem> = self.items.iter().collect();
        items.sort_by_key(|item| item.status);
        items
    }
}
