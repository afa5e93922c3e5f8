//! onramp-lab
