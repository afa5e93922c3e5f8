//! The forest: its ports, its servers, and what goes wrong on demand.

mod clients;
mod model;
mod names;
pub(crate) mod policies;
mod ports;
mod programs;
mod scale;
mod several_domains;
