//! The parts of applying an approved plan that every step needs: its context, its run, and the slices.
//!
//! The loop over the changes is in `job/apply.rs`.

mod context;
mod gate;
mod run;
mod slice;

pub(crate) use context::Context;
pub(crate) use gate::SendGate;
pub(crate) use run::{Run, unrecorded};
pub use slice::Limits;
pub(crate) use slice::{Pause, PausingClock, Slices};
