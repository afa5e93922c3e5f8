#![doc = include_str!("../README.md")]

pub mod approval;
pub mod approve;
pub mod audit;
pub mod config;
pub mod dns;
pub mod job;
pub mod onboard;
pub mod operator;
pub mod output;
pub mod password;
pub mod readiness;
pub mod runs;
pub mod show;
pub mod shown_secrets;
pub mod terminal;
pub mod undo;
