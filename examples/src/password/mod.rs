//! What the program `password` is made of.

pub mod breach;
pub mod generate;
pub mod input;
pub mod output;
pub mod policy;
pub mod report;
pub mod texts;
