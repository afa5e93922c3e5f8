//! onramp-examples
