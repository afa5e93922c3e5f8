//! Bulk writes: many changes, few requests, one outcome per change.

mod change;
mod decision;
mod driver;
mod envelope;
mod monitor;
mod outcome;
mod send;
mod settings;
mod writer;

pub use change::GraphChange;
pub use monitor::{BulkMonitor, BulkStats};
pub use outcome::{Applied, BulkOutcome, Evidence};
pub use writer::{BulkRun, BulkWriter};
