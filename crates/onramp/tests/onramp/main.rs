//! The job on the lab's models: no network, no time passes, everything else is real.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod applying;
mod controllers;
mod crashes;
mod interruptions;
mod journals;
mod odd;
mod planning;
mod roles;
mod secrets;
mod specs;
mod strangers;
mod streams;
mod world;
