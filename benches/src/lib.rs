//! What several measurements share.

pub mod corpus;
