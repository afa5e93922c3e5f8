#![doc = include_str!("../README.md")]

pub mod forest;
pub mod people;
#[cfg(feature = "program")]
pub mod program;
pub mod tenant;
pub mod tls;
