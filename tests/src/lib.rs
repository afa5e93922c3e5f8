//! onramp-tests
