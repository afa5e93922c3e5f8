#![doc = include_str!("../README.md")]

pub mod dns;
pub mod forest;
mod listener;
pub mod people;
#[cfg(feature = "program")]
pub mod program;
mod random;
pub mod tenant;
pub mod tls;
pub mod vault;
