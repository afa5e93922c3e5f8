//! What a tenant has from the start.

pub(crate) mod seed_user;
