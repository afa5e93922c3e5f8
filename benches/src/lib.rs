//! onramp-benches
