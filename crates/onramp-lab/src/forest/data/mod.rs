//! What the forest holds and how it is kept: objects, names, domain controllers, and what each of these sees.

pub(crate) mod accounts;
pub(crate) mod controller;
pub(crate) mod dn;
pub(crate) mod object;
pub(crate) mod overlay;
pub(crate) mod packed;
mod replication;
pub(crate) mod state;
pub(crate) mod text;
pub(crate) mod view;
