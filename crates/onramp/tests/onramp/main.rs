//! The job on the lab's models: no network, no time passes, everything else is real.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod applying;
mod controllers;
mod crashes;
mod creating_a_synchronization_account;
mod interruptions;
mod journals;
mod odd;
mod planning;
mod preparing_the_environment;
mod reports;
mod roles;
mod secrets;
mod specs;
mod strangers;
mod streams;
mod verifying;
mod world;
