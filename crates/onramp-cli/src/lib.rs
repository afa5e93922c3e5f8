#![doc = include_str!("../README.md")]

pub mod config;
pub mod job;
pub mod onboard;
pub mod password;
pub mod runs;
pub mod terminal;
