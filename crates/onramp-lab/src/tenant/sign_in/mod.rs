//! Signing in, as applications and as people: who gets a token, and what for.

pub(crate) mod assertion;
pub(crate) mod people;
pub(crate) mod permissions;
pub(crate) mod tokens;
