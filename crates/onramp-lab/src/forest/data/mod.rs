//! The data of the forest: objects, names, domain controllers, and the view of each controller.

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
