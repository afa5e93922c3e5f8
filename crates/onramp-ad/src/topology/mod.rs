//! Which domains and domain controllers there are, and which one is asked.

pub(crate) mod choice;
pub(crate) mod chosen;
pub(crate) mod controller_survey;
pub(crate) mod controllers;
#[cfg(feature = "dns")]
pub(crate) mod discovery;
pub(crate) mod naming_contexts;
pub(crate) mod root_dse;
