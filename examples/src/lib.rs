//! What the example programs share: a terminal to watch a run on, the configuration file of `onboard`, and the parts of `password`.

pub mod config;
pub mod job;
pub mod password;
pub mod runs;
pub mod terminal;
