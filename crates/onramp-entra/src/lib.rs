//! onramp-entra
