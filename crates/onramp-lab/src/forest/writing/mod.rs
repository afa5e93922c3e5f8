//! Changing objects: what is asked, the rules it must meet, and the values that come of it.

pub(crate) mod change;
pub(crate) mod modify;
mod rules;
pub(crate) mod values;
