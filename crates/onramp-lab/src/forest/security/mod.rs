//! Who somebody is, what they may do, and what they are told when something is refused.

pub(crate) mod access;
pub(crate) mod bind;
pub(crate) mod refusal;
