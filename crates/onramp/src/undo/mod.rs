//! The parts of undoing a run that every step needs: the recorded run, the selection, and the plan in the making.
//!
//! The plan is approved and applied like any other, and its run can be undone in turn.

mod other_runs;
mod recorded_run;
mod selection;
mod undoing;

pub use other_runs::OtherRuns;
pub use recorded_run::RecordedRun;
pub use selection::{Step, UndoSelection};
pub(crate) use undoing::Undoing;
