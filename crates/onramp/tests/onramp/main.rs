//! The job on the lab's models: no network, no time passes, everything else is real.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod applying;
mod interruptions;
mod planning;
mod specs;
mod world;
