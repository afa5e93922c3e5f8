//! The files of Onramp, through the public functions, on whatever system the tests run.

#![allow(clippy::unwrap_used)] // helpers of tests may, as tests may

mod lock;
mod private;
mod text;
