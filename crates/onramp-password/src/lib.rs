//! onramp-password
