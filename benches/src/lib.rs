//! What several measurements share.

pub mod directory;
pub mod figures;

/// What goes wrong in a measurement ends it.
pub type Result<T> = std::result::Result<T, Error>;

/// Any error.
pub type Error = Box<dyn std::error::Error>;
