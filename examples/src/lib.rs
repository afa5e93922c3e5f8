//! What the example programs share: a terminal to watch a run on, and the configuration file of `onboard`.

pub mod config;
pub mod job;
pub mod terminal;

/// The programs of the README, compiled.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
pub struct Readme;
