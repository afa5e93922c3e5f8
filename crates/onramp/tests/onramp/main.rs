//! The job on the lab's models: no network, no time passes, everything else is real.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod acceptances;
mod account_names;
mod account_steps;
mod addresses;
mod applying;
mod controllers;
mod crashes;
mod creating_a_synchronization_account;
mod histories;
mod interruptions;
mod journals;
mod maps;
mod names;
mod odd;
mod odd_objects;
mod plan_files;
mod planning;
mod preparing_the_environment;
mod reading_once;
mod replication_seen;
mod reports;
mod roles;
mod second_looks;
mod secrets;
mod selections;
mod small;
mod specs;
mod spellings;
mod strangers;
mod streams;
mod subscriptions;
mod takeover;
mod verifying;
mod world;
