//! onramp
