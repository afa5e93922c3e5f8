//! The forest: its ports, its servers, and what goes wrong on demand.

mod clients;
mod model;
mod ports;
mod programs;
mod several_domains;
