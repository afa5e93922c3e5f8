//! onramp-core
