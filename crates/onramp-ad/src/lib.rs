//! onramp-ad
