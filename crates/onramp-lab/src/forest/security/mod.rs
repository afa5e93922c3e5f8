//! Authentication, access rights, and the refusals that clients receive.

pub(crate) mod access;
pub(crate) mod bind;
pub(crate) mod refusal;
