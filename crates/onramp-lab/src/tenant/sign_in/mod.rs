//! Signing in, as applications and as people: who gets a token, and what for.

pub(crate) mod assertion;
pub(crate) mod interactive;
pub(crate) mod permissions;
pub(crate) mod tokens;
