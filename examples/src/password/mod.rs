//! What the program `password` is made of.

pub mod breach;
pub mod input;
pub mod policy;
pub mod report;
