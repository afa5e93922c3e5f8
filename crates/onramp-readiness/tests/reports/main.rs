//! The reports on findings, format by format, with what a directory can hold of hostile text.

// Helpers of tests may fail loudly, as tests themselves may.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod baseline;
mod csv;
mod data;
mod diff;
mod html;
mod json;
mod junit;
mod ldif;
mod markdown;
mod sarif;
