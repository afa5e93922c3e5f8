//! The job: its steps in their order, surveyed, planned, applied, verified and undone.

mod apply;
mod fixes;
mod order;
mod undo;

pub use apply::ApplyRun;
pub use order::plan;
