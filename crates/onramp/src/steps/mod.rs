//! The steps of the job. Each module has the survey, the plan, the changes, the verification and the undo of one step.
//!
//! To add a step: write a module here, add its section to [`Survey`] and its variants to [`Change`], and call it where
//! `job::order` and `job::undo` name the others.

pub(crate) mod application;
pub(crate) mod attributes;
pub(crate) mod domain;
pub(crate) mod replication;
pub(crate) mod result;
pub(crate) mod second_look;
pub(crate) mod service_account;
pub(crate) mod suffix;
pub(crate) mod sync;
pub(crate) mod users;
